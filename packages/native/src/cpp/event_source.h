// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

/** One record where it lies in kernel memory; a record that wraps around the end of its buffer has
 * two parts. */
struct EventRecord {
	const uint8_t *first = nullptr;
	uint32_t first_length = 0;
	const uint8_t *second = nullptr;
	uint32_t second_length = 0;
	uint32_t cpu = 0;
	/** Position of the consumer after this record. */
	uint64_t next = 0;
};

/** A queue of records between the kernel (producer) and the reader thread (consumer). */
class EventSource
{
      public:
	virtual ~EventSource() = default;
	/** The descriptor that becomes readable when the kernel wants the consumer to wake up. */
	virtual int PollFd() const = 0;
	/** How far the producer is now. */
	virtual uint64_t Produced() const = 0;
	/** How far the consumer is. */
	virtual uint64_t Consumed() const = 0;
	/** Finds the next record before `limit`; false when there is none, or when it is still
	 * being written. */
	virtual bool Peek(uint64_t limit, EventRecord *record) = 0;
	/** Gives the record's room back to the kernel. */
	virtual void Consume(const EventRecord &record) = 0;
	/** Records the kernel says it could not write here (perf buffers only). */
	virtual uint64_t Lost() const
	{
		return 0;
	}
};
