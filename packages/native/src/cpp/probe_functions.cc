// SPDX-License-Identifier: Apache-2.0
#include "functions.h"

#include <cerrno>
#include <cstring>
#include <string>

#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "libbpf_log.h"

/* Every function here returns 1 (supported), 0 (not supported) or a negative errno (could not be
 * found out). */
namespace
{

Napi::Value probe_program_type(const Napi::CallbackInfo &info)
{
	LibbpfLog log;
	auto type = static_cast<enum bpf_prog_type>(info[0].As<Napi::Number>().Int32Value());
	return Napi::Number::New(info.Env(), libbpf_probe_bpf_prog_type(type, nullptr));
}

Napi::Value probe_map_type(const Napi::CallbackInfo &info)
{
	LibbpfLog log;
	auto type = static_cast<enum bpf_map_type>(info[0].As<Napi::Number>().Int32Value());
	return Napi::Number::New(info.Env(), libbpf_probe_bpf_map_type(type, nullptr));
}

Napi::Value probe_helper(const Napi::CallbackInfo &info)
{
	LibbpfLog log;
	auto type = static_cast<enum bpf_prog_type>(info[0].As<Napi::Number>().Int32Value());
	auto helper = static_cast<enum bpf_func_id>(info[1].As<Napi::Number>().Int32Value());
	return Napi::Number::New(info.Env(), libbpf_probe_bpf_helper(type, helper, nullptr));
}

/* openProbeEvent(perfType, config, target, offset): whether a kprobe or uprobe event can be opened;
 * closed at once */
Napi::Value open_probe_event(const Napi::CallbackInfo &info)
{
	std::string target = info[2].As<Napi::String>();
	struct perf_event_attr attributes;
	memset(&attributes, 0, sizeof(attributes));
	attributes.size = sizeof(attributes);
	attributes.type = info[0].As<Napi::Number>().Uint32Value();
	attributes.config = info[1].As<Napi::Number>().Uint32Value();
	attributes.config1 = reinterpret_cast<uint64_t>(target.c_str());
	attributes.config2 = info[3].As<Napi::Number>().Uint32Value();
	attributes.disabled = 1;
	int fd = static_cast<int>(
		syscall(SYS_perf_event_open, &attributes, getpid(), -1, -1, PERF_FLAG_FD_CLOEXEC));
	if (fd < 0)
		return Napi::Number::New(info.Env(), -errno);
	close(fd);
	return Napi::Number::New(info.Env(), 1);
}

/* findBtfIds(names): ids of functions and types in the kernel's BTF; negative: not there, or no BTF
 */
Napi::Value find_btf_ids(const Napi::CallbackInfo &info)
{
	LibbpfLog log;
	auto names = info[0].As<Napi::Array>();
	Napi::Array ids = Napi::Array::New(info.Env());
	struct btf *btf = btf__load_vmlinux_btf();
	for (uint32_t i = 0; i < names.Length(); i++) {
		std::string name = names.Get(i).As<Napi::String>();
		int id = btf == nullptr ? -ENOENT
					: btf__find_by_name_kind(btf, name.c_str(), BTF_KIND_FUNC);
		if (id < 0 && btf != nullptr)
			id = btf__find_by_name_kind(btf, name.c_str(), BTF_KIND_TYPEDEF);
		ids[i] = id;
	}
	btf__free(btf);
	return ids;
}

/* attachOnce(fd): attaches a loaded program to the place its load named, and detaches it at once */
Napi::Value attach_once(const Napi::CallbackInfo &info)
{
	int fd = bpf_raw_tracepoint_open(nullptr, info[0].As<Napi::Number>().Int32Value());
	if (fd < 0)
		return Napi::Number::New(info.Env(), -errno);
	close(fd);
	return Napi::Number::New(info.Env(), 1);
}

/* uprobeMulti(): whether one link can hold many uprobes (6.6). Found by asking for one in a
 * directory: a kernel that knows the kind of link refuses the file, any other refuses the kind. */
Napi::Value uprobe_multi(const Napi::CallbackInfo &info)
{
	LibbpfLog log;
	const struct bpf_insn instructions[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K,
			.dst_reg = 0,
			.src_reg = 0,
			.off = 0,
			.imm = 0},
		{.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, load, .expected_attach_type = BPF_TRACE_UPROBE_MULTI);
	int program = bpf_prog_load(BPF_PROG_TYPE_KPROBE, nullptr, "GPL", instructions, 2, &load);
	if (program < 0)
		return Napi::Number::New(info.Env(), 0);
	unsigned long offset = 0;
	LIBBPF_OPTS(bpf_link_create_opts, create);
	create.uprobe_multi.path = "/";
	create.uprobe_multi.offsets = &offset;
	create.uprobe_multi.cnt = 1;
	int link = bpf_link_create(program, -1, BPF_TRACE_UPROBE_MULTI, &create);
	int error = link < 0 ? -link : 0;
	if (link >= 0)
		close(link);
	close(program);
	return Napi::Number::New(info.Env(), link >= 0 || error == EBADF ? 1 : 0);
}

} // namespace

void register_probe_functions(Napi::Env env, Napi::Object exports)
{
	exports.Set("probeProgramType", Napi::Function::New(env, probe_program_type));
	exports.Set("probeMapType", Napi::Function::New(env, probe_map_type));
	exports.Set("probeHelper", Napi::Function::New(env, probe_helper));
	exports.Set("openProbeEvent", Napi::Function::New(env, open_probe_event));
	exports.Set("findBtfIds", Napi::Function::New(env, find_btf_ids));
	exports.Set("uprobeMulti", Napi::Function::New(env, uprobe_multi));
	exports.Set("attachOnce", Napi::Function::New(env, attach_once));
}
