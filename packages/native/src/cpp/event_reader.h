// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include <napi.h>
#include <time.h>

#include "event_source.h"

/**
 * A thread that copies records from ring or perf buffers into slabs and hands full ones, or those
 * JavaScript is ready for, to the event loop. Slabs are JavaScript's memory, allocated once; a slab
 * comes back when its callback returns.
 *
 *   slab:  { u32 length, u32 cpu, payload, padding to 8 bytes } … back to back
 */
class EventReader : public Napi::ObjectWrap<EventReader>
{
      public:
	static void Register(Napi::Env env, Napi::Object exports);

	/** new NativeReader(mapFds, slabs, { activeMs, idleMs, perfBytes }) */
	explicit EventReader(const Napi::CallbackInfo &info);
	~EventReader() override;

      private:
	struct Slab {
		uint8_t *data = nullptr;
		size_t capacity = 0;
		size_t used = 0;
		uint32_t records = 0;
		uint32_t index = 0;
	};
	enum class Kind { kBatch, kOversize, kFlushed, kStopped, kFailed };
	struct Message {
		Kind kind;
		Slab *slab = nullptr;	    /* comes back when the callback has returned */
		std::vector<uint8_t> bytes; /* kOversize: one record that no slab can hold */
		uint32_t id = 0;	    /* kFlushed: which flush; kFailed: errno */
	};
	struct Flush {
		uint32_t id;
		std::vector<uint64_t> targets;
	};

	/* JavaScript thread */
	Napi::Value Start(const Napi::CallbackInfo &info);
	Napi::Value Stop(const Napi::CallbackInfo &info);
	Napi::Value RequestFlush(const Napi::CallbackInfo &info);
	Napi::Value Stats(const Napi::CallbackInfo &info);
	static void OnMessage(napi_env env, napi_value callback, void *context, void *data);
	static void OnEnvironmentEnd(void *self);
	int AddSources(int map_fd, size_t perf_bytes);
	void ReturnSlab(Slab *slab);
	void Join();
	void CloseSources();
	void Wake();

	/* Reader thread: event_reader_loop.cc */
	void Run();
	bool Drain();
	bool Append(const EventRecord &record);
	bool AppendOversize(const EventRecord &record, size_t needed);
	bool AcquireSlab();
	void PostCurrent();
	void Post(Message *message);
	bool AnswerFlushes();
	bool DrainUpTo(const std::vector<uint64_t> &targets);
	std::vector<uint64_t> Targets() const;
	uint32_t Wait(bool active);
	static uint64_t ThreadCpuNs(clockid_t clock);

	std::vector<std::unique_ptr<EventSource>> sources_;
	std::vector<Slab> slabs_;
	std::vector<Napi::Reference<Napi::Uint8Array>> slab_references_;
	std::vector<Message> batch_messages_; /* one per slab, so that a batch allocates nothing */
	int epoll_ = -1;
	int wake_ = -1;
	int active_ms_ = 10;
	int idle_ms_ = 50;
	uint64_t lost_before_ = 0; /* JavaScript thread only: of sources that were closed */

	std::thread thread_;
	napi_env env_ = nullptr;
	napi_threadsafe_function function_ = nullptr;
	clockid_t thread_clock_ = 0;

	std::mutex mutex_; /* guards what follows, up to the statistics */
	std::condition_variable slab_free_;
	std::vector<Slab *> free_;
	std::deque<Flush> flushes_;
	uint32_t in_flight_ = 0;
	bool stopping_ = false;
	bool held_back_ = false; /* a partly filled slab waits for JavaScript to return another */

	std::atomic<bool> abort_{false};
	Slab *current_ = nullptr; /* reader thread only */

	std::atomic<uint64_t> batches_{0}, records_{0}, bytes_{0}, waits_{0}, cpu_ns_{0};
	std::atomic<bool> running_{false};
};
