// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>

#include "event_source.h"

/**
 * One CPU's buffer of a perf event array (BPF_MAP_TYPE_PERF_EVENT_ARRAY), the way of kernels
 * before 5.8.
 *
 *   page 0    struct perf_event_mmap_page (data_head: producer, data_tail: consumer)
 *   then      the data; records wrap at its end
 *
 *   record:   struct perf_event_header; PERF_RECORD_SAMPLE: u32 length, payload; PERF_RECORD_LOST:
 * u64 id, u64 lost
 */
class PerfSource : public EventSource
{
      public:
	PerfSource() = default;
	~PerfSource() override;
	PerfSource(const PerfSource &) = delete;
	PerfSource &operator=(const PerfSource &) = delete;

	/** Opens the buffer and puts it into the map's slot `cpu`. @return 0 or an errno (ENODEV:
	 * CPU is offline) */
	int Open(int map_fd, uint32_t cpu, size_t bytes);

	int PollFd() const override
	{
		return fd_;
	}
	uint64_t Produced() const override;
	uint64_t Consumed() const override
	{
		return consumed_;
	}
	bool Peek(uint64_t limit, EventRecord *record) override;
	void Consume(const EventRecord &record) override;
	uint64_t Lost() const override
	{
		return lost_.load(std::memory_order_relaxed);
	}

      private:
	void CopyOut(uint64_t position, void *target, size_t length) const;

	int fd_ = -1;
	int map_fd_ = -1;
	uint32_t cpu_ = 0;
	void *base_ = nullptr;
	size_t page_ = 0;
	size_t bytes_ = 0;
	const uint8_t *data_ = nullptr;
	uint64_t consumed_ = 0;
	std::atomic<uint64_t> lost_{0};
};
