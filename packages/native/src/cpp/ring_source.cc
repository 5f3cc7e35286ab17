// SPDX-License-Identifier: Apache-2.0
#include "ring_source.h"

#include <cerrno>

#include <fcntl.h>
#include <linux/bpf.h>
#include <sys/mman.h>
#include <unistd.h>

namespace
{
constexpr uint32_t kHeaderBytes = BPF_RINGBUF_HDR_SZ;
}

RingSource::~RingSource()
{
	if (consumer_ != nullptr)
		munmap(consumer_, page_);
	if (producer_ != nullptr)
		munmap(const_cast<std::atomic<uint64_t> *>(producer_), page_ + 2 * bytes_);
	if (fd_ >= 0)
		close(fd_);
}

int RingSource::Open(int map_fd, uint32_t bytes)
{
	fd_ = fcntl(map_fd, F_DUPFD_CLOEXEC, 3);
	if (fd_ < 0)
		return errno;
	page_ = static_cast<size_t>(sysconf(_SC_PAGESIZE));
	bytes_ = bytes;
	void *consumer = mmap(nullptr, page_, PROT_READ | PROT_WRITE, MAP_SHARED, fd_, 0);
	if (consumer == MAP_FAILED)
		return errno;
	consumer_ = static_cast<std::atomic<uint64_t> *>(consumer);
	void *producer = mmap(
		nullptr, page_ + 2 * bytes_, PROT_READ, MAP_SHARED, fd_, static_cast<off_t>(page_));
	if (producer == MAP_FAILED)
		return errno;
	producer_ = static_cast<const std::atomic<uint64_t> *>(producer);
	data_ = static_cast<const uint8_t *>(producer) + page_;
	consumed_ = consumer_->load(std::memory_order_acquire);
	return 0;
}

uint64_t RingSource::Produced() const
{
	return producer_->load(std::memory_order_seq_cst);
}

bool RingSource::Peek(uint64_t limit, EventRecord *record)
{
	while (consumed_ < limit) {
		const uint8_t *header = data_ + (consumed_ & (bytes_ - 1));
		uint32_t length = __atomic_load_n(
			reinterpret_cast<const uint32_t *>(header), __ATOMIC_ACQUIRE);
		if ((length & BPF_RINGBUF_BUSY_BIT) != 0)
			return false;
		uint32_t payload = length & ~BPF_RINGBUF_DISCARD_BIT;
		uint64_t next = consumed_ + ((uint64_t{payload} + kHeaderBytes + 7) & ~uint64_t{7});
		if ((length & BPF_RINGBUF_DISCARD_BIT) == 0) {
			*record = EventRecord();
			record->first = header + kHeaderBytes;
			record->first_length = payload;
			record->next = next;
			return true;
		}
		consumed_ = next;
		consumer_->store(consumed_, std::memory_order_seq_cst);
	}
	return false;
}

void RingSource::Consume(const EventRecord &record)
{
	consumed_ = record.next;
	/* Ordered before the next look at the producer: the kernel wakes only a consumer that was
	 * at the end. */
	consumer_->store(consumed_, std::memory_order_seq_cst);
}
