// SPDX-License-Identifier: Apache-2.0
// The part of EventReader that runs on the reader thread. No JavaScript here.
#include "event_reader.h"

#include <cerrno>
#include <chrono>
#include <cstring>

#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "record_copy.h"

namespace
{

/* How long a flush or a stop waits for a record that was reserved but is not committed yet. */
constexpr auto kFlushPatience = std::chrono::milliseconds(100);
/* How long after the last record the reader keeps looking often. */
constexpr auto kActiveTime = std::chrono::seconds(1);

using Clock = std::chrono::steady_clock;

} // namespace

void EventReader::Run()
{
	Clock::time_point last_record = Clock::now() - kActiveTime;
	uint32_t failure = 0;
	while (!abort_.load()) {
		uint64_t before = records_.load(std::memory_order_relaxed);
		if (!Drain())
			break;
		bool drained_any = records_.load(std::memory_order_relaxed) != before;
		if (drained_any)
			last_record = Clock::now();
		if (!AnswerFlushes())
			break;
		bool stop = false;
		{
			std::lock_guard<std::mutex> lock(mutex_);
			stop = stopping_;
			held_back_ = false;
			/* A partly filled slab waits while JavaScript still works on another:
			 * fewer, larger batches. */
			if (current_ != nullptr && current_->records > 0 && in_flight_ != 0)
				held_back_ = true;
		}
		if (stop)
			break;
		if (!held_back_)
			PostCurrent();
		if (!drained_any) {
			failure = Wait(Clock::now() - last_record < kActiveTime);
			if (failure != 0)
				break;
		}
	}
	if (!abort_.load() && failure == 0)
		DrainUpTo(Targets());
	PostCurrent();
	cpu_ns_.store(ThreadCpuNs(CLOCK_THREAD_CPUTIME_ID));
	if (abort_.load())
		return;
	auto *message = new Message();
	message->kind = failure == 0 ? Kind::kStopped : Kind::kFailed;
	message->id = failure;
	Post(message);
}

/* One round over all sources, each up to where its producer was at the start. False: abort. */
bool EventReader::Drain()
{
	for (const auto &source : sources_) {
		uint64_t limit = source->Produced();
		EventRecord record;
		while (source->Peek(limit, &record)) {
			if (!Append(record))
				return false;
			source->Consume(record);
		}
	}
	return true;
}

std::vector<uint64_t> EventReader::Targets() const
{
	std::vector<uint64_t> targets;
	for (const auto &source : sources_)
		targets.push_back(source->Produced());
	return targets;
}

/* Drains until every source is past its target. False: abort. */
bool EventReader::DrainUpTo(const std::vector<uint64_t> &targets)
{
	Clock::time_point deadline = Clock::now() + kFlushPatience;
	for (;;) {
		if (!Drain())
			return false;
		bool done = true;
		for (size_t i = 0; i < sources_.size(); i++)
			done = done && sources_[i]->Consumed() >= targets[i];
		if (done || Clock::now() > deadline)
			return true;
		usleep(100);
	}
}

/* False: abort. */
bool EventReader::AnswerFlushes()
{
	for (;;) {
		Flush flush;
		{
			std::lock_guard<std::mutex> lock(mutex_);
			if (flushes_.empty())
				return true;
			flush = std::move(flushes_.front());
			flushes_.pop_front();
		}
		if (!DrainUpTo(flush.targets))
			return false;
		PostCurrent();
		auto *message = new Message();
		message->kind = Kind::kFlushed;
		message->id = flush.id;
		Post(message);
	}
}

/* Copies one record into the current slab. False: abort, the record was not taken. */
bool EventReader::Append(const EventRecord &record)
{
	size_t length = size_t{record.first_length} + record.second_length;
	size_t needed = RecordBytes(length);
	if (needed > slabs_[0].capacity)
		return AppendOversize(record, needed);
	if (current_ != nullptr && current_->capacity - current_->used < needed)
		PostCurrent();
	if (current_ == nullptr && !AcquireSlab())
		return false;
	CopyRecord(current_->data + current_->used, record);
	current_->used += needed;
	current_->records++;
	records_.fetch_add(1, std::memory_order_relaxed);
	bytes_.fetch_add(length, std::memory_order_relaxed);
	return true;
}

/* A record that no slab can hold travels alone, in memory of its own; it may use up one slab's turn
 * at a time. */
bool EventReader::AppendOversize(const EventRecord &record, size_t needed)
{
	PostCurrent();
	/* Holding a slab meanwhile bounds how many of these can be under way. */
	if (!AcquireSlab())
		return false;
	auto *message = new Message();
	message->kind = Kind::kOversize;
	message->slab = current_;
	current_ = nullptr;
	message->bytes.resize(needed);
	CopyRecord(message->bytes.data(), record);
	records_.fetch_add(1, std::memory_order_relaxed);
	bytes_.fetch_add(
		size_t{record.first_length} + record.second_length, std::memory_order_relaxed);
	batches_.fetch_add(1, std::memory_order_relaxed);
	{
		std::lock_guard<std::mutex> lock(mutex_);
		in_flight_++;
	}
	Post(message);
	return true;
}

/* Takes a free slab, waiting for JavaScript to return one. False: abort. */
bool EventReader::AcquireSlab()
{
	std::unique_lock<std::mutex> lock(mutex_);
	if (free_.empty())
		waits_.fetch_add(1, std::memory_order_relaxed);
	slab_free_.wait(lock, [this] { return !free_.empty() || abort_.load(); });
	if (abort_.load())
		return false;
	current_ = free_.back(); /* the one used last is still in the caches */
	free_.pop_back();
	return true;
}

void EventReader::PostCurrent()
{
	if (current_ == nullptr || current_->records == 0)
		return;
	Message *message = &batch_messages_[current_->index];
	current_ = nullptr;
	batches_.fetch_add(1, std::memory_order_relaxed);
	{
		std::lock_guard<std::mutex> lock(mutex_);
		in_flight_++;
	}
	Post(message);
}

void EventReader::Post(Message *message)
{
	napi_status status =
		napi_call_threadsafe_function(function_, message, napi_tsfn_nonblocking);
	if (status == napi_ok)
		return;
	/* The environment is closing; its hook ends this thread. */
	abort_.store(true);
	if (message->kind != Kind::kBatch)
		delete message;
}

/* Until the kernel or JavaScript wakes the thread, or it is time to look. @return 0 or an errno */
uint32_t EventReader::Wait(bool active)
{
	struct epoll_event events[16];
	int count = epoll_wait(epoll_, events, 16, active ? active_ms_ : idle_ms_);
	if (count < 0)
		return errno == EINTR ? 0 : static_cast<uint32_t>(errno);
	for (int i = 0; i < count; i++) {
		uint64_t value;
		if (events[i].data.u64 == 0 && read(wake_, &value, sizeof(value)) < 0)
			continue;
	}
	return 0;
}
