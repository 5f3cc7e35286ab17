// SPDX-License-Identifier: Apache-2.0
// The attach methods of BpfObject. First argument of each: the program's index.
#include <cerrno>
#include <cstring>
#include <string>

#include <fcntl.h>
#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bpf_error.h"
#include "bpf_link.h"
#include "bpf_object.h"
#include "libbpf_log.h"

Napi::Value BpfObject::Finish(Napi::Env env, const std::string &operation, struct bpf_link *link)
{
	if (link == nullptr)
		throw_bpf_error(env, operation, errno);
	return BpfLink::Wrap(env, state_, link);
}

static uint64_t to_u64(const Napi::Value &value)
{
	bool lossless;
	return value.As<Napi::BigInt>().Uint64Value(&lossless);
}

Napi::Value BpfObject::AttachRawTracepoint(const Napi::CallbackInfo &info)
{
	LibbpfLog log;
	std::string event = info[1].As<Napi::String>();
	return Finish(info.Env(), "attach raw tracepoint " + event,
		bpf_program__attach_raw_tracepoint(Program(info), event.c_str()));
}

Napi::Value BpfObject::AttachTracepoint(const Napi::CallbackInfo &info)
{
	LibbpfLog log;
	std::string category = info[1].As<Napi::String>(), name = info[2].As<Napi::String>();
	LIBBPF_OPTS(bpf_tracepoint_opts, options, .bpf_cookie = to_u64(info[3]));
	return Finish(info.Env(), "attach tracepoint " + category + "/" + name,
		bpf_program__attach_tracepoint_opts(
			Program(info), category.c_str(), name.c_str(), &options));
}

Napi::Value BpfObject::AttachTrace(const Napi::CallbackInfo &info)
{
	LibbpfLog log;
	struct bpf_program *program = Program(info);
	return Finish(info.Env(), std::string("attach ") + bpf_program__section_name(program),
		bpf_program__attach_trace(program));
}

Napi::Value BpfObject::AttachLsm(const Napi::CallbackInfo &info)
{
	LibbpfLog log;
	struct bpf_program *program = Program(info);
	return Finish(info.Env(), std::string("attach ") + bpf_program__section_name(program),
		bpf_program__attach_lsm(program));
}

Napi::Value BpfObject::AttachKprobe(const Napi::CallbackInfo &info)
{
	LibbpfLog log;
	std::string symbol = info[1].As<Napi::String>();
	LIBBPF_OPTS(bpf_kprobe_opts, options, .bpf_cookie = to_u64(info[4]),
		.offset = static_cast<size_t>(to_u64(info[3])),
		.retprobe = info[2].As<Napi::Boolean>());
	return Finish(info.Env(), "attach kprobe " + symbol,
		bpf_program__attach_kprobe_opts(Program(info), symbol.c_str(), &options));
}

/* (index, path, offset, retprobe, pid, refCtrOffset, cookie) */
Napi::Value BpfObject::AttachUprobe(const Napi::CallbackInfo &info)
{
	LibbpfLog log;
	std::string path = info[1].As<Napi::String>();
	std::string operation = "attach uprobe " + path;
	/* Never by way of tracefs' uprobe_events, libbpf's way out where the perf kind is missing.
	 */
	if (access("/sys/bus/event_source/devices/uprobe/type", F_OK) != 0)
		throw_bpf_error(info.Env(), operation, EOPNOTSUPP, "no perf event source 'uprobe'");
	LIBBPF_OPTS(bpf_uprobe_opts, options,
		.ref_ctr_offset = static_cast<size_t>(to_u64(info[5])),
		.bpf_cookie = to_u64(info[6]), .retprobe = info[3].As<Napi::Boolean>());
	return Finish(info.Env(), operation,
		bpf_program__attach_uprobe_opts(Program(info),
			info[4].As<Napi::Number>().Int32Value(), path.c_str(),
			static_cast<size_t>(to_u64(info[2])), &options));
}

/* (index, path, offsets, ret, semaphores): one link for all places; semaphores may be empty */
Napi::Value BpfObject::AttachUprobeMulti(const Napi::CallbackInfo &info)
{
	LibbpfLog log;
	std::string path = info[1].As<Napi::String>();
	auto places = info[2].As<Napi::Array>(), counters = info[4].As<Napi::Array>();
	std::vector<unsigned long> offsets, semaphores;
	for (uint32_t i = 0; i < places.Length(); i++)
		offsets.push_back(static_cast<unsigned long>(to_u64(places.Get(i))));
	for (uint32_t i = 0; i < counters.Length(); i++)
		semaphores.push_back(static_cast<unsigned long>(to_u64(counters.Get(i))));
	LIBBPF_OPTS(bpf_uprobe_multi_opts, options, .offsets = offsets.data(),
		.ref_ctr_offsets = semaphores.empty() ? nullptr : semaphores.data(),
		.cnt = offsets.size(), .retprobe = info[3].As<Napi::Boolean>());
	return Finish(info.Env(), "attach uprobe " + path,
		bpf_program__attach_uprobe_multi(
			Program(info), -1, path.c_str(), nullptr, &options));
}

/* (index, path, provider, name, pid, cookie) */
Napi::Value BpfObject::AttachUsdt(const Napi::CallbackInfo &info)
{
	LibbpfLog log;
	std::string path = info[1].As<Napi::String>(), provider = info[2].As<Napi::String>(),
		    name = info[3].As<Napi::String>();
	std::string operation = "attach usdt " + path + ":" + provider + ":" + name;
	if (access("/sys/bus/event_source/devices/uprobe/type", F_OK) != 0)
		throw_bpf_error(info.Env(), operation, EOPNOTSUPP, "no perf event source 'uprobe'");
	LIBBPF_OPTS(bpf_usdt_opts, options, .usdt_cookie = to_u64(info[5]));
	return Finish(info.Env(), operation,
		bpf_program__attach_usdt(Program(info), info[4].As<Napi::Number>().Int32Value(),
			path.c_str(), provider.c_str(), name.c_str(), &options));
}

/* (index, type, config, byFrequency, value, pid, cpu) */
Napi::Value BpfObject::AttachPerfEvent(const Napi::CallbackInfo &info)
{
	LibbpfLog log;
	struct perf_event_attr attributes;
	memset(&attributes, 0, sizeof(attributes));
	attributes.size = sizeof(attributes);
	attributes.type = info[1].As<Napi::Number>().Uint32Value();
	attributes.config = to_u64(info[2]);
	attributes.freq = info[3].As<Napi::Boolean>() ? 1 : 0;
	attributes.sample_period = to_u64(info[4]); /* shares its place with sample_freq */
	struct bpf_program *program = Program(info);
	int fd = static_cast<int>(
		syscall(SYS_perf_event_open, &attributes, info[5].As<Napi::Number>().Int32Value(),
			info[6].As<Napi::Number>().Int32Value(), -1, PERF_FLAG_FD_CLOEXEC));
	if (fd < 0)
		throw_bpf_error(info.Env(), "open perf event", errno, "");
	struct bpf_link *link = bpf_program__attach_perf_event(program, fd);
	if (link == nullptr) {
		int error = errno;
		close(fd);
		throw_bpf_error(info.Env(), "attach perf event", error);
	}
	return BpfLink::Wrap(info.Env(), state_, link);
}

Napi::Value BpfObject::AttachCgroup(const Napi::CallbackInfo &info)
{
	LibbpfLog log;
	std::string path = info[1].As<Napi::String>();
	struct bpf_program *program = Program(info);
	int fd = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		throw_bpf_error(info.Env(), "open cgroup " + path, errno, "");
	struct bpf_link *link = bpf_program__attach_cgroup(program, fd);
	int error = errno;
	close(fd);
	errno = error;
	return Finish(info.Env(), "attach cgroup " + path, link);
}

Napi::Value BpfObject::AttachXdp(const Napi::CallbackInfo &info)
{
	LibbpfLog log;
	return Finish(info.Env(), "attach xdp",
		bpf_program__attach_xdp(Program(info), info[1].As<Napi::Number>().Int32Value()));
}

Napi::Value BpfObject::AttachTcx(const Napi::CallbackInfo &info)
{
	LibbpfLog log;
	return Finish(info.Env(), "attach tcx",
		bpf_program__attach_tcx(
			Program(info), info[1].As<Napi::Number>().Int32Value(), nullptr));
}
