// SPDX-License-Identifier: Apache-2.0
#include "libbpf_log.h"

#include <cstdarg>
#include <cstdio>
#include <mutex>
#include <vector>

#include <bpf/libbpf.h>

namespace
{

/* Verifier logs can have hundreds of megabytes; of one message its end is kept, of one operation
 * its last part. */
constexpr size_t kKeptBytes = 256 * 1024;

thread_local LibbpfLog *innermost = nullptr;

int on_print(enum libbpf_print_level level, const char *format, va_list arguments)
{
	LibbpfLog *log = innermost;
	if (log == nullptr)
		return 0;
	if (level == LIBBPF_DEBUG && !log->verbose())
		return 0;
	char line[1024];
	va_list again;
	va_copy(again, arguments);
	int length = vsnprintf(line, sizeof(line), format, arguments);
	if (length >= 0 && static_cast<size_t>(length) < sizeof(line)) {
		log->append(line, length);
	} else if (length >= 0) {
		try {
			std::vector<char> whole(static_cast<size_t>(length) + 1);
			vsnprintf(whole.data(), whole.size(), format, again);
			log->append(whole.data(), length);
		} catch (const std::bad_alloc &) {
			log->append(line, sizeof(line) - 1);
		}
	}
	va_end(again);
	return 0;
}

} // namespace

LibbpfLog::LibbpfLog(bool verbose) : verbose_(verbose), outer_(innermost)
{
	innermost = this;
}

LibbpfLog::~LibbpfLog()
{
	innermost = outer_;
}

void LibbpfLog::install()
{
	static std::once_flag once;
	std::call_once(once, [] { libbpf_set_print(on_print); });
}

const std::string &LibbpfLog::current()
{
	static const std::string none;
	return innermost == nullptr ? none : innermost->text_;
}

void LibbpfLog::append(const char *text, size_t length)
{
	/* The message's first line names the program; it stays when the middle of a long verifier
	 * log is cut. */
	if (length > kKeptBytes) {
		size_t head = 200;
		text_.append(text, head).append("\n[...]\n");
		text += length - (kKeptBytes - head);
		length = kKeptBytes - head;
	}
	text_.append(text, length);
	if (text_.size() > 16 * kKeptBytes)
		text_.erase(0, text_.size() - 8 * kKeptBytes);
}
