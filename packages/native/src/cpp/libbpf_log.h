// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

/**
 * What libbpf prints on the current thread while the object lives. libbpf has one print callback
 * for the whole process; it never reaches stderr from here, the text is kept to be put into errors.
 */
class LibbpfLog
{
      public:
	/** @param verbose also keep debug lines (the verifier's statistics of programs that loaded
	 * are among them) */
	explicit LibbpfLog(bool verbose = false);
	~LibbpfLog();
	LibbpfLog(const LibbpfLog &) = delete;
	LibbpfLog &operator=(const LibbpfLog &) = delete;

	/** Installs the callback; once for the process. */
	static void install();
	/** The text captured by the innermost log of this thread ("" when there is none). */
	static const std::string &current();

	const std::string &text() const
	{
		return text_;
	}
	bool verbose() const
	{
		return verbose_;
	}
	void append(const char *text, size_t length);

      private:
	std::string text_;
	bool verbose_;
	LibbpfLog *outer_;
};
