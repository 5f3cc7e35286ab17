// SPDX-License-Identifier: Apache-2.0
#include "functions.h"

#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include <time.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bpf_error.h"
#include "libbpf_log.h"

namespace
{

/* programTypeId(name) → number, -1 when libbpf does not know it */
Napi::Value type_id(const Napi::CallbackInfo &info)
{
	std::string wanted = info[0].As<Napi::String>();
	for (int type = 1; type < 256; type++) {
		const char *name = libbpf_bpf_prog_type_str(static_cast<enum bpf_prog_type>(type));
		if (name == nullptr)
			break;
		if (wanted == name)
			return Napi::Number::New(info.Env(), type);
	}
	return Napi::Number::New(info.Env(), -1);
}

/*
 * load(typeId, instructions, license, name, logLevel, logBytes, expectedAttachType, attachBtfId)
 * → { fd, error, log }; the caller decides what a failure is.
 */
Napi::Value load(const Napi::CallbackInfo &info)
{
	LibbpfLog log;
	Napi::Env env = info.Env();
	auto type = static_cast<enum bpf_prog_type>(info[0].As<Napi::Number>().Int32Value());
	auto bytes = info[1].As<Napi::Uint8Array>();
	std::string license = info[2].As<Napi::String>(), name = info[3].As<Napi::String>();
	std::vector<struct bpf_insn> instructions(bytes.ByteLength() / sizeof(struct bpf_insn));
	memcpy(instructions.data(), bytes.Data(), instructions.size() * sizeof(struct bpf_insn));
	std::vector<char> buffer(info[5].As<Napi::Number>().Uint32Value());

	LIBBPF_OPTS(bpf_prog_load_opts, options);
	options.log_level = info[4].As<Napi::Number>().Uint32Value();
	if (options.log_level != 0 && !buffer.empty()) {
		options.log_buf = buffer.data();
		options.log_size = static_cast<__u32>(buffer.size());
	}
	options.expected_attach_type =
		static_cast<enum bpf_attach_type>(info[6].As<Napi::Number>().Int32Value());
	options.attach_btf_id = info[7].As<Napi::Number>().Uint32Value();
	int fd = bpf_prog_load(type, name.empty() ? nullptr : name.c_str(), license.c_str(),
		instructions.data(), instructions.size(), &options);
	int error = fd < 0 ? errno : 0;
	Napi::Object result = Napi::Object::New(env);
	result["fd"] = fd;
	result["error"] = error;
	result["log"] = buffer.empty()
				? std::string()
				: std::string(buffer.data(), strnlen(buffer.data(), buffer.size()));
	return result;
}

/* programInfo(fd) */
Napi::Value program_info(const Napi::CallbackInfo &info)
{
	Napi::Env env = info.Env();
	struct bpf_prog_info raw;
	memset(&raw, 0, sizeof(raw));
	__u32 length = sizeof(raw);
	if (bpf_prog_get_info_by_fd(info[0].As<Napi::Number>().Int32Value(), &raw, &length) != 0)
		throw_bpf_error(env, "program info", errno, "");
	static const char digits[] = "0123456789abcdef";
	std::string tag;
	for (unsigned char byte : raw.tag) {
		tag += digits[byte >> 4];
		tag += digits[byte & 15];
	}
	Napi::Object result = Napi::Object::New(env);
	result["id"] = raw.id;
	result["tag"] = tag;
	result["xlatedInstructions"] = raw.xlated_prog_len / 8;
	result["jitedBytes"] = raw.jited_prog_len;
	result["runTimeNs"] = Napi::BigInt::New(env, static_cast<uint64_t>(raw.run_time_ns));
	result["runCount"] = Napi::BigInt::New(env, static_cast<uint64_t>(raw.run_cnt));
	result["recursionMisses"] =
		Napi::BigInt::New(env, static_cast<uint64_t>(raw.recursion_misses));
	result["verifiedInstructions"] = raw.verified_insns;
	return result;
}

/* testRun(fd) → what the program returned; for programs that need nothing of their context */
Napi::Value test_run(const Napi::CallbackInfo &info)
{
	LIBBPF_OPTS(bpf_test_run_opts, options);
	int result = bpf_prog_test_run_opts(info[0].As<Napi::Number>().Int32Value(), &options);
	if (result < 0)
		throw_bpf_error(info.Env(), "run program", result, "");
	return Napi::Number::New(info.Env(), options.retval);
}

/* enableStats() → fd; statistics are on while it is open */
Napi::Value enable_stats(const Napi::CallbackInfo &info)
{
	int fd = bpf_enable_stats(BPF_STATS_RUN_TIME);
	if (fd < 0)
		throw_bpf_error(info.Env(), "enable run time statistics", errno, "");
	return Napi::Number::New(info.Env(), fd);
}

Napi::Value monotonic_ns(const Napi::CallbackInfo &info)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return Napi::BigInt::New(info.Env(), static_cast<uint64_t>(now.tv_sec) * 1000000000u +
						     static_cast<uint64_t>(now.tv_nsec));
}

Napi::Value possible_cpus(const Napi::CallbackInfo &info)
{
	int count = libbpf_num_possible_cpus();
	if (count < 0)
		throw_bpf_error(info.Env(), "count possible CPUs", count, "");
	return Napi::Number::New(info.Env(), count);
}

} // namespace

void register_program_functions(Napi::Env env, Napi::Object exports)
{
	exports.Set("programTypeId", Napi::Function::New(env, type_id));
	exports.Set("programLoad", Napi::Function::New(env, load));
	exports.Set("programInfo", Napi::Function::New(env, program_info));
	exports.Set("programTestRun", Napi::Function::New(env, test_run));
	exports.Set("enableStats", Napi::Function::New(env, enable_stats));
	exports.Set("monotonicNs", Napi::Function::New(env, monotonic_ns));
	exports.Set("possibleCpus", Napi::Function::New(env, possible_cpus));
}
