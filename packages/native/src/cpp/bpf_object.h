// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include <napi.h>

#include "object_state.h"

/** JavaScript handle of one bpf_object. Arguments are checked by the TypeScript side. */
class BpfObject : public Napi::ObjectWrap<BpfObject>
{
      public:
	static void Register(Napi::Env env, Napi::Object exports);

	/** new NativeObject(bytes, name, btfPath | undefined) */
	explicit BpfObject(const Napi::CallbackInfo &info);

      private:
	Napi::Value Programs(const Napi::CallbackInfo &info);
	Napi::Value Maps(const Napi::CallbackInfo &info);
	Napi::Value Variables(const Napi::CallbackInfo &info);
	Napi::Value SetAutoload(const Napi::CallbackInfo &info);
	Napi::Value SetLogLevel(const Napi::CallbackInfo &info);
	Napi::Value SetMaxEntries(const Napi::CallbackInfo &info);
	Napi::Value SetAutocreate(const Napi::CallbackInfo &info);
	Napi::Value ReuseMap(const Napi::CallbackInfo &info);
	Napi::Value Load(const Napi::CallbackInfo &info);
	Napi::Value ProgramFd(const Napi::CallbackInfo &info);
	Napi::Value MapFd(const Napi::CallbackInfo &info);
	Napi::Value ReadMemory(const Napi::CallbackInfo &info);
	Napi::Value WriteMemory(const Napi::CallbackInfo &info);
	Napi::Value IsMapped(const Napi::CallbackInfo &info);
	Napi::Value Close(const Napi::CallbackInfo &info);

	/* program_attach.cc */
	Napi::Value AttachRawTracepoint(const Napi::CallbackInfo &info);
	Napi::Value AttachTracepoint(const Napi::CallbackInfo &info);
	Napi::Value AttachTrace(const Napi::CallbackInfo &info);
	Napi::Value AttachLsm(const Napi::CallbackInfo &info);
	Napi::Value AttachKprobe(const Napi::CallbackInfo &info);
	Napi::Value AttachUprobe(const Napi::CallbackInfo &info);
	Napi::Value SetUprobeMulti(const Napi::CallbackInfo &info);
	Napi::Value AttachUprobeMulti(const Napi::CallbackInfo &info);
	Napi::Value AttachUsdt(const Napi::CallbackInfo &info);
	Napi::Value AttachPerfEvent(const Napi::CallbackInfo &info);
	Napi::Value AttachCgroup(const Napi::CallbackInfo &info);
	Napi::Value AttachXdp(const Napi::CallbackInfo &info);
	Napi::Value AttachTcx(const Napi::CallbackInfo &info);
	Napi::Value Finish(Napi::Env env, const std::string &operation, struct bpf_link *link);

	/** The program or map of an index argument; throws ERR_BPF_CLOSED (EBADF) when the object
	 * was closed. */
	struct bpf_program *Program(const Napi::CallbackInfo &info);
	struct bpf_map *Map(const Napi::CallbackInfo &info);

	std::shared_ptr<ObjectState> state_;
};
