// SPDX-License-Identifier: Apache-2.0
#include <napi.h>

#include "bpf_error.h"
#include "bpf_link.h"
#include "bpf_object.h"
#include "event_reader.h"
#include "functions.h"
#include "libbpf_log.h"

static Napi::Value set_error_factory(const Napi::CallbackInfo &info)
{
	auto *state = info.Env().GetInstanceData<AddonState>();
	state->error_factory = Napi::Persistent(info[0].As<Napi::Function>());
	return info.Env().Undefined();
}

static Napi::Object initialize(Napi::Env env, Napi::Object exports)
{
	LibbpfLog::install();
	env.SetInstanceData(new AddonState());
	exports.Set("setErrorFactory", Napi::Function::New(env, set_error_factory));
	BpfLink::Register(env, exports);
	BpfObject::Register(env, exports);
	EventReader::Register(env, exports);
	register_map_functions(env, exports);
	register_program_functions(env, exports);
	register_probe_functions(env, exports);
	register_return_probe_functions(env, exports);
	return exports;
}

NODE_API_MODULE(libtrace, initialize)
