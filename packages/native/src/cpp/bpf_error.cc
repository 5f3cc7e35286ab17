// SPDX-License-Identifier: Apache-2.0
#include "bpf_error.h"

#include "libbpf_log.h"

void throw_bpf_error(Napi::Env env, const std::string &operation, int error)
{
	throw_bpf_error(env, operation, error, LibbpfLog::current());
}

void throw_bpf_error(Napi::Env env, const std::string &operation, int error, const std::string &log)
{
	auto *state = env.GetInstanceData<AddonState>();
	int number = error < 0 ? -error : error;
	if (state == nullptr || state->error_factory.IsEmpty())
		throw Napi::Error::New(
			env, operation + " failed with errno " + std::to_string(number));
	Napi::Value value = state->error_factory.Call({Napi::String::New(env, operation),
		Napi::Number::New(env, number), Napi::String::New(env, log)});
	throw Napi::Error(env, value);
}
