// SPDX-License-Identifier: Apache-2.0
#include "event_reader.h"

#include <cerrno>
#include <csignal>
#include <cstring>

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bpf_error.h"
#include "perf_source.h"
#include "ring_source.h"

uint64_t EventReader::ThreadCpuNs(clockid_t clock)
{
	struct timespec spent;
	if (clock_gettime(clock, &spent) != 0)
		return 0;
	return static_cast<uint64_t>(spent.tv_sec) * 1000000000u +
	       static_cast<uint64_t>(spent.tv_nsec);
}

void EventReader::Register(Napi::Env env, Napi::Object exports)
{
	exports.Set(
		"NativeReader", DefineClass(env, "NativeReader",
					{InstanceMethod("start", &EventReader::Start),
						InstanceMethod("stop", &EventReader::Stop),
						InstanceMethod("flush", &EventReader::RequestFlush),
						InstanceMethod("stats", &EventReader::Stats)}));
}

EventReader::EventReader(const Napi::CallbackInfo &info) : Napi::ObjectWrap<EventReader>(info)
{
	Napi::Env env = info.Env();
	auto maps = info[0].As<Napi::Array>(), slabs = info[1].As<Napi::Array>();
	auto options = info[2].As<Napi::Object>();
	active_ms_ = options.Get("activeMs").As<Napi::Number>().Int32Value();
	idle_ms_ = options.Get("idleMs").As<Napi::Number>().Int32Value();
	size_t perf_bytes = options.Get("perfBytes").As<Napi::Number>().Uint32Value();

	slabs_.resize(slabs.Length());
	batch_messages_.resize(slabs.Length());
	for (uint32_t i = 0; i < slabs.Length(); i++) {
		auto memory = slabs.Get(i).As<Napi::Uint8Array>();
		slab_references_.push_back(Napi::Persistent(memory));
		slabs_[i].data = memory.Data();
		slabs_[i].capacity = memory.ByteLength();
		slabs_[i].index = i;
		batch_messages_[i].kind = Kind::kBatch;
		batch_messages_[i].slab = &slabs_[i];
		free_.push_back(&slabs_[i]);
	}
	epoll_ = epoll_create1(EPOLL_CLOEXEC);
	wake_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct epoll_event event = {};
	event.events = EPOLLIN;
	int error = epoll_ < 0 || wake_ < 0 ? errno : 0;
	if (error == 0 && epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_, &event) != 0)
		error = errno;
	for (uint32_t i = 0; error == 0 && i < maps.Length(); i++)
		error = AddSources(maps.Get(i).As<Napi::Number>().Int32Value(), perf_bytes);
	/* Edge-triggered: only what the kernel meant as a wake-up ends a wait, not every record
	 * that is there. */
	event.events = EPOLLIN | EPOLLET;
	for (size_t i = 0; error == 0 && i < sources_.size(); i++) {
		event.data.u64 = i + 1;
		if (epoll_ctl(epoll_, EPOLL_CTL_ADD, sources_[i]->PollFd(), &event) != 0)
			error = errno;
	}
	if (error != 0) {
		sources_.clear();
		if (epoll_ >= 0)
			close(epoll_);
		if (wake_ >= 0)
			close(wake_);
		epoll_ = wake_ = -1;
		throw_bpf_error(env, "open event reader", error, "");
	}
}

EventReader::~EventReader()
{
	abort_.store(true);
	Join();
	CloseSources();
}

/* Gives the buffers' descriptors and mappings back: the map can be freed although the reader still
 * is referenced. */
void EventReader::CloseSources()
{
	for (const auto &source : sources_)
		lost_before_ += source->Lost();
	sources_.clear();
	if (epoll_ >= 0)
		close(epoll_);
	if (wake_ >= 0)
		close(wake_);
	epoll_ = wake_ = -1;
}

int EventReader::AddSources(int map_fd, size_t perf_bytes)
{
	struct bpf_map_info information;
	memset(&information, 0, sizeof(information));
	__u32 length = sizeof(information);
	if (bpf_map_get_info_by_fd(map_fd, &information, &length) != 0)
		return errno;
	if (information.type == BPF_MAP_TYPE_RINGBUF) {
		auto ring = std::make_unique<RingSource>();
		int error = ring->Open(map_fd, information.max_entries);
		if (error == 0)
			sources_.push_back(std::move(ring));
		return error;
	}
	if (information.type != BPF_MAP_TYPE_PERF_EVENT_ARRAY)
		return EINVAL;
	int cpus = libbpf_num_possible_cpus();
	if (cpus < 0)
		return -cpus;
	size_t before = sources_.size();
	for (uint32_t cpu = 0; cpu < information.max_entries && cpu < static_cast<uint32_t>(cpus);
		cpu++) {
		auto perf = std::make_unique<PerfSource>();
		int error = perf->Open(map_fd, cpu, perf_bytes);
		if (error == ENODEV) /* offline */
			continue;
		if (error != 0)
			return error;
		sources_.push_back(std::move(perf));
	}
	return sources_.size() == before ? ENODEV : 0;
}

/* start(callback): callback(kind, a, b, c), see reader.ts */
Napi::Value EventReader::Start(const Napi::CallbackInfo &info)
{
	Napi::Env env = info.Env();
	if (running_.load() || epoll_ < 0)
		throw_bpf_error(env, "start event reader", EBUSY, "");
	env_ = env;
	napi_value name = Napi::String::New(env, "libtrace event reader");
	napi_status status = napi_create_threadsafe_function(
		env, info[0], nullptr, name, 0, 1, nullptr, nullptr, this, OnMessage, &function_);
	if (status != napi_ok)
		throw_bpf_error(env, "start event reader", ENOMEM, "");
	/* Added after the function above, so it runs before the function's own clean-up: the thread
	 * is gone by then. */
	napi_add_env_cleanup_hook(env, OnEnvironmentEnd, this);
	Ref();
	stopping_ = false;
	running_.store(true);

	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int error = 0;
	try {
		thread_ = std::thread([this] { Run(); });
		pthread_setname_np(thread_.native_handle(), "libtrace-reader");
		pthread_getcpuclockid(thread_.native_handle(), &thread_clock_);
	} catch (const std::system_error &failure) {
		error = failure.code().value();
	}
	pthread_sigmask(SIG_SETMASK, &before, nullptr);
	if (error != 0) {
		Join();
		throw_bpf_error(env, "start event reader", error, "");
	}
	return env.Undefined();
}

Napi::Value EventReader::Stop(const Napi::CallbackInfo &info)
{
	{
		std::lock_guard<std::mutex> lock(mutex_);
		stopping_ = true;
	}
	Wake();
	return info.Env().Undefined();
}

Napi::Value EventReader::RequestFlush(const Napi::CallbackInfo &info)
{
	Flush flush;
	flush.id = info[0].As<Napi::Number>().Uint32Value();
	for (const auto &source : sources_)
		flush.targets.push_back(source->Produced());
	{
		std::lock_guard<std::mutex> lock(mutex_);
		flushes_.push_back(std::move(flush));
	}
	Wake();
	return info.Env().Undefined();
}

Napi::Value EventReader::Stats(const Napi::CallbackInfo &info)
{
	Napi::Env env = info.Env();
	uint64_t lost = lost_before_;
	for (const auto &source : sources_)
		lost += source->Lost();
	uint64_t cpu = thread_.joinable() && running_.load() ? ThreadCpuNs(thread_clock_) : 0;
	if (cpu == 0)
		cpu = cpu_ns_.load();
	Napi::Object result = Napi::Object::New(env);
	result["batches"] = Napi::BigInt::New(env, batches_.load());
	result["records"] = Napi::BigInt::New(env, records_.load());
	result["bytes"] = Napi::BigInt::New(env, bytes_.load());
	result["waits"] = Napi::BigInt::New(env, waits_.load());
	result["lost"] = Napi::BigInt::New(env, lost);
	result["threadCpuNs"] = Napi::BigInt::New(env, cpu);
	return result;
}

void EventReader::OnMessage(napi_env raw_env, napi_value callback, void *context, void *data)
{
	auto *self = static_cast<EventReader *>(context);
	auto *message = static_cast<Message *>(data);
	bool is_batch = message->kind == Kind::kBatch;
	if (raw_env == nullptr) { /* the environment ends; nobody is left to be called */
		if (!is_batch)
			delete message;
		return;
	}
	Napi::Env env(raw_env);
	Napi::HandleScope scope(env);
	napi_value arguments[4];
	size_t count = 2;
	napi_create_uint32(env, static_cast<uint32_t>(message->kind), &arguments[0]);
	switch (message->kind) {
	case Kind::kBatch:
		napi_create_uint32(env, message->slab->index, &arguments[1]);
		napi_create_uint32(env, message->slab->records, &arguments[2]);
		napi_create_uint32(env, static_cast<uint32_t>(message->slab->used), &arguments[3]);
		count = 4;
		break;
	case Kind::kOversize:
		napi_create_buffer_copy(
			env, message->bytes.size(), message->bytes.data(), nullptr, &arguments[1]);
		break;
	default:
		napi_create_uint32(env, message->id, &arguments[1]);
	}
	Kind kind = message->kind;
	if (kind == Kind::kStopped || kind == Kind::kFailed) {
		self->Join();
		self->CloseSources();
	}
	napi_value receiver, error;
	napi_get_undefined(env, &receiver);
	napi_status status = napi_call_function(env, receiver, callback, count, arguments, nullptr);
	if (message->slab != nullptr)
		self->ReturnSlab(message->slab);
	if (!is_batch)
		delete message;
	bool pending = false;
	if (status != napi_ok && napi_is_exception_pending(env, &pending) == napi_ok && pending &&
		napi_get_and_clear_last_exception(env, &error) == napi_ok)
		napi_fatal_exception(
			env, error); /* an uncaughtException, as of any other callback */
}

void EventReader::OnEnvironmentEnd(void *context)
{
	auto *self = static_cast<EventReader *>(context);
	self->abort_.store(true);
	if (self->thread_.joinable()) {
		self->Wake();
		self->thread_.join();
	}
	self->running_.store(false);
}

void EventReader::ReturnSlab(Slab *slab)
{
	bool wake;
	{
		std::lock_guard<std::mutex> lock(mutex_);
		slab->used = 0;
		slab->records = 0;
		free_.push_back(slab);
		in_flight_--;
		wake = held_back_ && in_flight_ == 0;
	}
	slab_free_.notify_one();
	if (wake)
		Wake();
}

/* Ends the thread and what keeps the event loop alive. */
void EventReader::Join()
{
	if (thread_.joinable()) {
		Wake();
		thread_.join();
	}
	if (!running_.exchange(false))
		return;
	napi_remove_env_cleanup_hook(env_, OnEnvironmentEnd, this);
	napi_release_threadsafe_function(function_, napi_tsfn_release);
	function_ = nullptr;
	Unref();
}

void EventReader::Wake()
{
	uint64_t one = 1;
	if (wake_ >= 0 && write(wake_, &one, sizeof(one)) < 0) {
		/* The counter is full: the thread is woken already. */
	}
	/* Under the lock, or the thread could miss it between looking and falling asleep. */
	std::lock_guard<std::mutex> lock(mutex_);
	slab_free_.notify_all();
}
