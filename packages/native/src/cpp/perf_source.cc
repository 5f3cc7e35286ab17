// SPDX-License-Identifier: Apache-2.0
#include "perf_source.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/bpf.h>

PerfSource::~PerfSource()
{
	if (map_fd_ >= 0) {
		bpf_map_delete_elem(map_fd_, &cpu_);
		close(map_fd_);
	}
	if (base_ != nullptr)
		munmap(base_, page_ + bytes_);
	if (fd_ >= 0)
		close(fd_);
}

int PerfSource::Open(int map_fd, uint32_t cpu, size_t bytes)
{
	struct perf_event_attr attributes;
	memset(&attributes, 0, sizeof(attributes));
	attributes.size = sizeof(attributes);
	attributes.type = PERF_TYPE_SOFTWARE;
	attributes.config = PERF_COUNT_SW_BPF_OUTPUT;
	attributes.sample_type = PERF_SAMPLE_RAW;
	attributes.sample_period = 1;
	attributes.watermark =
		1; /* wake when a quarter is full; in between the reader looks by time */
	attributes.wakeup_watermark = static_cast<uint32_t>(bytes / 4);
	fd_ = static_cast<int>(syscall(SYS_perf_event_open, &attributes, -1, static_cast<int>(cpu),
		-1, PERF_FLAG_FD_CLOEXEC));
	if (fd_ < 0)
		return errno;
	page_ = static_cast<size_t>(sysconf(_SC_PAGESIZE));
	bytes_ = bytes;
	void *base = mmap(nullptr, page_ + bytes_, PROT_READ | PROT_WRITE, MAP_SHARED, fd_, 0);
	if (base == MAP_FAILED)
		return errno;
	base_ = base;
	data_ = static_cast<const uint8_t *>(base) + page_;
	if (ioctl(fd_, PERF_EVENT_IOC_ENABLE, 0) < 0)
		return errno;
	cpu_ = cpu;
	int map = fcntl(map_fd, F_DUPFD_CLOEXEC, 3);
	if (map < 0)
		return errno;
	if (bpf_map_update_elem(map, &cpu_, &fd_, BPF_ANY) != 0) {
		int error = errno;
		close(map);
		return error;
	}
	map_fd_ = map;
	return 0;
}

uint64_t PerfSource::Produced() const
{
	const auto *control = static_cast<const struct perf_event_mmap_page *>(base_);
	return __atomic_load_n(&control->data_head, __ATOMIC_ACQUIRE);
}

void PerfSource::CopyOut(uint64_t position, void *target, size_t length) const
{
	size_t offset = position & (bytes_ - 1);
	size_t head = std::min(length, bytes_ - offset);
	memcpy(target, data_ + offset, head);
	memcpy(static_cast<uint8_t *>(target) + head, data_, length - head);
}

bool PerfSource::Peek(uint64_t limit, EventRecord *record)
{
	while (consumed_ < limit) {
		struct perf_event_header header;
		CopyOut(consumed_, &header, sizeof(header));
		EventRecord skipped;
		skipped.next = consumed_ + header.size;
		if (header.size < sizeof(header)) { /* not a record: give up what is there */
			skipped.next = limit;
		} else if (header.type == PERF_RECORD_SAMPLE) {
			uint32_t length = 0;
			CopyOut(consumed_ + sizeof(header), &length, sizeof(length));
			length = std::min<uint32_t>(
				length, header.size - sizeof(header) - sizeof(length));
			size_t offset =
				(consumed_ + sizeof(header) + sizeof(length)) & (bytes_ - 1);
			*record = EventRecord();
			record->first = data_ + offset;
			record->first_length =
				static_cast<uint32_t>(std::min<size_t>(length, bytes_ - offset));
			record->second = data_;
			record->second_length = length - record->first_length;
			record->cpu = cpu_;
			record->next = skipped.next;
			return true;
		} else if (header.type == PERF_RECORD_LOST) {
			uint64_t lost[2];
			CopyOut(consumed_ + sizeof(header), lost, sizeof(lost));
			lost_.fetch_add(lost[1], std::memory_order_relaxed);
		}
		Consume(skipped);
	}
	return false;
}

void PerfSource::Consume(const EventRecord &record)
{
	consumed_ = record.next;
	auto *control = static_cast<struct perf_event_mmap_page *>(base_);
	__atomic_store_n(&control->data_tail, consumed_, __ATOMIC_SEQ_CST);
}
