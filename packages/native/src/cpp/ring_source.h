// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>

#include "event_source.h"

/**
 * The consumer's side of a BPF ring buffer (BPF_MAP_TYPE_RINGBUF, kernel 5.8).
 *
 *   fd offset 0      consumer position (one page, writable)
 *   fd offset page   producer position (one page, read only)
 *   then             the data, mapped twice in a row, so that no record wraps
 *
 *   record:  u32 length | BUSY (bit 31) | DISCARD (bit 30),  u32 page offset,  payload, padded to 8
 * bytes
 */
class RingSource : public EventSource
{
      public:
	RingSource() = default;
	~RingSource() override;
	RingSource(const RingSource &) = delete;
	RingSource &operator=(const RingSource &) = delete;

	/** @return 0 or an errno; keeps its own duplicate of the descriptor */
	int Open(int map_fd, uint32_t bytes);

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

      private:
	int fd_ = -1;
	size_t page_ = 0;
	size_t bytes_ = 0;
	std::atomic<uint64_t> *consumer_ = nullptr;
	const std::atomic<uint64_t> *producer_ = nullptr;
	const uint8_t *data_ = nullptr;
	uint64_t consumed_ = 0;
};
