// SPDX-License-Identifier: Apache-2.0
#include "bpf_object.h"

#include <signal.h>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <map>

#include <bpf/bpf.h>
#include <bpf/btf.h>

#include "bpf_error.h"
#include "libbpf_log.h"

void BpfObject::Register(Napi::Env env, Napi::Object exports)
{
	exports.Set("NativeObject",
		DefineClass(env, "NativeObject",
			{
				InstanceMethod("programs", &BpfObject::Programs),
				InstanceMethod("maps", &BpfObject::Maps),
				InstanceMethod("variables", &BpfObject::Variables),
				InstanceMethod("setAutoload", &BpfObject::SetAutoload),
				InstanceMethod("setLogLevel", &BpfObject::SetLogLevel),
				InstanceMethod("setMaxEntries", &BpfObject::SetMaxEntries),
				InstanceMethod("setAutocreate", &BpfObject::SetAutocreate),
				InstanceMethod("reuseMap", &BpfObject::ReuseMap),
				InstanceMethod("load", &BpfObject::Load),
				InstanceMethod("programFd", &BpfObject::ProgramFd),
				InstanceMethod("mapFd", &BpfObject::MapFd),
				InstanceMethod("readMemory", &BpfObject::ReadMemory),
				InstanceMethod("writeMemory", &BpfObject::WriteMemory),
				InstanceMethod("isMapped", &BpfObject::IsMapped),
				InstanceMethod("close", &BpfObject::Close),
				InstanceMethod(
					"attachRawTracepoint", &BpfObject::AttachRawTracepoint),
				InstanceMethod("attachTracepoint", &BpfObject::AttachTracepoint),
				InstanceMethod("attachTrace", &BpfObject::AttachTrace),
				InstanceMethod("attachLsm", &BpfObject::AttachLsm),
				InstanceMethod("attachKprobe", &BpfObject::AttachKprobe),
				InstanceMethod("attachUprobe", &BpfObject::AttachUprobe),
				InstanceMethod("setUprobeMulti", &BpfObject::SetUprobeMulti),
				InstanceMethod("attachUprobeMulti", &BpfObject::AttachUprobeMulti),
				InstanceMethod("attachUsdt", &BpfObject::AttachUsdt),
				InstanceMethod("attachPerfEvent", &BpfObject::AttachPerfEvent),
				InstanceMethod("attachCgroup", &BpfObject::AttachCgroup),
				InstanceMethod("attachXdp", &BpfObject::AttachXdp),
				InstanceMethod("attachTcx", &BpfObject::AttachTcx),
			}));
}

BpfObject::BpfObject(const Napi::CallbackInfo &info)
    : Napi::ObjectWrap<BpfObject>(info), state_(std::make_shared<ObjectState>())
{
	LibbpfLog log;
	auto bytes = info[0].As<Napi::Uint8Array>();
	std::string name = info[1].As<Napi::String>();
	std::string btf;

	LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = name.c_str());
	if (info[2].IsString()) {
		btf = info[2].As<Napi::String>();
		options.btf_custom_path = btf.c_str();
	}
	/* A copy of our own: libelf wants it aligned, and JavaScript must not change it meanwhile.
	 */
	std::vector<uint64_t> image((bytes.ByteLength() + 7) / 8 + 1);
	memcpy(image.data(), bytes.Data(), bytes.ByteLength());
	state_->object = bpf_object__open_mem(image.data(), bytes.ByteLength(), &options);
	if (state_->object == nullptr)
		throw_bpf_error(info.Env(), "open", errno);
	/* Of a mangled file libbpf can return an error pointer outside the range it takes for one.
	 */
	if (reinterpret_cast<intptr_t>(state_->object) < 0) {
		state_->object = nullptr;
		throw_bpf_error(info.Env(), "open", EINVAL);
	}

	struct bpf_program *program;
	bpf_object__for_each_program(program, state_->object) state_->programs.push_back(program);
	struct bpf_map *map;
	bpf_object__for_each_map(map, state_->object) state_->maps.push_back(map);
}

struct bpf_program *BpfObject::Program(const Napi::CallbackInfo &info)
{
	size_t index = info[0].As<Napi::Number>().Uint32Value();
	if (state_->object == nullptr || index >= state_->programs.size())
		throw_bpf_error(info.Env(), "program", EBADF, "");
	return state_->programs[index];
}

struct bpf_map *BpfObject::Map(const Napi::CallbackInfo &info)
{
	size_t index = info[0].As<Napi::Number>().Uint32Value();
	if (state_->object == nullptr || index >= state_->maps.size())
		throw_bpf_error(info.Env(), "map", EBADF, "");
	return state_->maps[index];
}

Napi::Value BpfObject::Programs(const Napi::CallbackInfo &info)
{
	Napi::Env env = info.Env();
	Napi::Array list = Napi::Array::New(env);
	for (struct bpf_program *program : state_->programs) {
		const char *type = libbpf_bpf_prog_type_str(bpf_program__type(program));
		Napi::Object item = Napi::Object::New(env);
		item["name"] = bpf_program__name(program);
		item["section"] = bpf_program__section_name(program);
		item["type"] = type == nullptr ? "unknown" : type;
		item["autoload"] = bpf_program__autoload(program);
		item["instructions"] = static_cast<double>(bpf_program__insn_cnt(program));
		list[list.Length()] = item;
	}
	return list;
}

Napi::Value BpfObject::Maps(const Napi::CallbackInfo &info)
{
	Napi::Env env = info.Env();
	/* Data sections become maps with made-up names; they are known to JavaScript by their
	 * section's name. */
	std::map<const struct bpf_map *, std::string> sections;
	const struct btf *btf =
		state_->object == nullptr ? nullptr : bpf_object__btf(state_->object);
	for (__u32 id = 1; btf != nullptr && id < btf__type_cnt(btf); id++) {
		const struct btf_type *type = btf__type_by_id(btf, id);
		if (!btf_is_datasec(type))
			continue;
		const char *name = btf__name_by_offset(btf, type->name_off);
		if (name == nullptr || name[0] != '.')
			continue;
		const struct bpf_map *map = bpf_object__find_map_by_name(state_->object, name);
		if (map != nullptr && bpf_map__is_internal(map))
			sections[map] = name;
	}
	Napi::Array list = Napi::Array::New(env);
	for (struct bpf_map *map : state_->maps) {
		const char *type = libbpf_bpf_map_type_str(bpf_map__type(map));
		auto section = sections.find(map);
		Napi::Object item = Napi::Object::New(env);
		item["name"] =
			section == sections.end() ? bpf_map__name(map) : section->second.c_str();
		item["type"] = type == nullptr ? "unknown" : type;
		item["keySize"] = bpf_map__key_size(map);
		item["valueSize"] = bpf_map__value_size(map);
		item["maxEntries"] = bpf_map__max_entries(map);
		item["internal"] = bpf_map__is_internal(map);
		list[list.Length()] = item;
	}
	return list;
}

Napi::Value BpfObject::Variables(const Napi::CallbackInfo &info)
{
	Napi::Env env = info.Env();
	Napi::Array list = Napi::Array::New(env);
	const struct btf *btf =
		state_->object == nullptr ? nullptr : bpf_object__btf(state_->object);
	for (__u32 id = 1; btf != nullptr && id < btf__type_cnt(btf); id++) {
		const struct btf_type *section = btf__type_by_id(btf, id);
		if (!btf_is_datasec(section))
			continue;
		const char *section_name = btf__name_by_offset(btf, section->name_off);
		if (section_name == nullptr || section_name[0] != '.')
			continue;
		struct bpf_map *map = bpf_object__find_map_by_name(state_->object, section_name);
		if (map == nullptr || !bpf_map__is_internal(map))
			continue;
		const struct btf_var_secinfo *variable = btf_var_secinfos(section);
		for (int i = 0; i < btf_vlen(section); i++, variable++) {
			const struct btf_type *type = btf__type_by_id(btf, variable->type);
			if (type == nullptr || !btf_is_var(type))
				continue;
			const char *name = btf__name_by_offset(btf, type->name_off);
			if (name == nullptr || name[0] == '\0')
				continue;
			size_t index = 0;
			while (index < state_->maps.size() && state_->maps[index] != map)
				index++;
			Napi::Object item = Napi::Object::New(env);
			item["name"] = name;
			item["section"] = section_name;
			item["map"] = static_cast<double>(index);
			item["offset"] = variable->offset;
			item["size"] = variable->size;
			list[list.Length()] = item;
		}
	}
	return list;
}

Napi::Value BpfObject::SetAutoload(const Napi::CallbackInfo &info)
{
	LibbpfLog log;
	int result = bpf_program__set_autoload(Program(info), info[1].As<Napi::Boolean>());
	if (result < 0)
		throw_bpf_error(info.Env(), "set autoload", result);
	return info.Env().Undefined();
}

Napi::Value BpfObject::SetLogLevel(const Napi::CallbackInfo &info)
{
	LibbpfLog log;
	int result =
		bpf_program__set_log_level(Program(info), info[1].As<Napi::Number>().Uint32Value());
	if (result < 0)
		throw_bpf_error(info.Env(), "set log level", result);
	return info.Env().Undefined();
}

Napi::Value BpfObject::SetMaxEntries(const Napi::CallbackInfo &info)
{
	LibbpfLog log;
	struct bpf_map *map = Map(info);
	int result = bpf_map__set_max_entries(map, info[1].As<Napi::Number>().Uint32Value());
	if (result < 0)
		throw_bpf_error(info.Env(), "resize map", result);
	return Napi::Number::New(info.Env(), bpf_map__max_entries(map));
}

Napi::Value BpfObject::SetAutocreate(const Napi::CallbackInfo &info)
{
	LibbpfLog log;
	int result = bpf_map__set_autocreate(Map(info), info[1].As<Napi::Boolean>());
	if (result < 0)
		throw_bpf_error(info.Env(), "set autocreate", result);
	return info.Env().Undefined();
}

Napi::Value BpfObject::ReuseMap(const Napi::CallbackInfo &info)
{
	LibbpfLog log;
	int result = bpf_map__reuse_fd(Map(info), info[1].As<Napi::Number>().Int32Value());
	if (result < 0)
		throw_bpf_error(info.Env(), "reuse map", result);
	return info.Env().Undefined();
}

Napi::Value BpfObject::SetUprobeMulti(const Napi::CallbackInfo &info)
{
	LibbpfLog log;
	int result = bpf_program__set_expected_attach_type(Program(info), BPF_TRACE_UPROBE_MULTI);
	if (result < 0)
		throw_bpf_error(info.Env(), "set attach type", result);
	return info.Env().Undefined();
}

Napi::Value BpfObject::Load(const Napi::CallbackInfo &info)
{
	Napi::Env env = info.Env();
	if (state_->object == nullptr)
		throw_bpf_error(env, "load", EBADF, "");
	LibbpfLog log(info[0].As<Napi::Boolean>());
	auto begin = std::chrono::steady_clock::now();
	/* A pending signal makes the verifier give up (EAGAIN); a profiler sends one every
	 * millisecond. */
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int result = bpf_object__load(state_->object);
	pthread_sigmask(SIG_SETMASK, &before, nullptr);
	std::chrono::duration<double, std::milli> spent = std::chrono::steady_clock::now() - begin;
	Napi::Object report = Napi::Object::New(env);
	report["error"] = result < 0 ? -result : 0;
	report["log"] = log.text();
	report["milliseconds"] = spent.count();
	return report;
}

Napi::Value BpfObject::ProgramFd(const Napi::CallbackInfo &info)
{
	return Napi::Number::New(info.Env(), bpf_program__fd(Program(info)));
}

Napi::Value BpfObject::MapFd(const Napi::CallbackInfo &info)
{
	return Napi::Number::New(info.Env(), bpf_map__fd(Map(info)));
}

/* The memory of a data section: initial values before load, the kernel's own memory after it. */
static uint8_t *section_memory(
	Napi::Env env, struct bpf_map *map, const char *operation, double offset, double length)
{
	size_t size = 0;
	auto *memory = static_cast<uint8_t *>(bpf_map__initial_value(map, &size));
	if (memory == nullptr)
		throw_bpf_error(env, operation, EINVAL, "the map has no memory");
	if (offset < 0 || length < 0 || offset + length > static_cast<double>(size))
		throw_bpf_error(env, operation, ERANGE, "outside the section");
	return memory + static_cast<size_t>(offset);
}

Napi::Value BpfObject::ReadMemory(const Napi::CallbackInfo &info)
{
	double offset = info[1].As<Napi::Number>(), length = info[2].As<Napi::Number>();
	const uint8_t *memory =
		section_memory(info.Env(), Map(info), "read variable", offset, length);
	return Napi::Buffer<uint8_t>::Copy(info.Env(), memory, static_cast<size_t>(length));
}

Napi::Value BpfObject::WriteMemory(const Napi::CallbackInfo &info)
{
	auto bytes = info[2].As<Napi::Uint8Array>();
	struct bpf_map *map = Map(info);
	/* The kernel's copy of constant data is mapped read-only. */
	if (bpf_map__fd(map) >= 0 && (bpf_map__map_flags(map) & BPF_F_RDONLY_PROG) != 0)
		throw_bpf_error(info.Env(), "write variable", EBUSY, "constant after load");
	uint8_t *memory = section_memory(info.Env(), map, "write variable",
		info[1].As<Napi::Number>(), static_cast<double>(bytes.ByteLength()));
	memcpy(memory, bytes.Data(), bytes.ByteLength());
	return info.Env().Undefined();
}

Napi::Value BpfObject::IsMapped(const Napi::CallbackInfo &info)
{
	bool mapped = (bpf_map__map_flags(Map(info)) & BPF_F_MMAPABLE) != 0;
	return Napi::Boolean::New(info.Env(), mapped);
}

Napi::Value BpfObject::Close(const Napi::CallbackInfo &info)
{
	LibbpfLog log;
	state_->Close();
	return info.Env().Undefined();
}
