// SPDX-License-Identifier: Apache-2.0
#include "functions.h"

#include <cerrno>
#include <string>
#include <vector>

#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bpf_error.h"
#include "libbpf_log.h"

namespace
{

int fd_of(const Napi::CallbackInfo &info)
{
	return info[0].As<Napi::Number>().Int32Value();
}

/* The size of a key or value buffer is checked by the TypeScript side against what the kernel says
 * of the map. */
uint8_t *bytes_of(const Napi::Value &value)
{
	return value.As<Napi::Uint8Array>().Data();
}

/* lookup(fd, key, out) → found */
Napi::Value lookup(const Napi::CallbackInfo &info)
{
	if (bpf_map_lookup_elem(fd_of(info), bytes_of(info[1]), bytes_of(info[2])) == 0)
		return Napi::Boolean::New(info.Env(), true);
	if (errno == ENOENT)
		return Napi::Boolean::New(info.Env(), false);
	throw_bpf_error(info.Env(), "map lookup", errno, "");
}

/* lookupAndDelete(fd, key, out) → found */
Napi::Value lookup_and_delete(const Napi::CallbackInfo &info)
{
	const uint8_t *key = info[1].IsUndefined() ? nullptr : bytes_of(info[1]);
	if (bpf_map_lookup_and_delete_elem(fd_of(info), key, bytes_of(info[2])) == 0)
		return Napi::Boolean::New(info.Env(), true);
	if (errno == ENOENT)
		return Napi::Boolean::New(info.Env(), false);
	throw_bpf_error(info.Env(), "map lookup and delete", errno, "");
}

/* update(fd, key, value, flags) */
Napi::Value update(const Napi::CallbackInfo &info)
{
	const uint8_t *key = info[1].IsUndefined() ? nullptr : bytes_of(info[1]);
	uint64_t flags = info[3].As<Napi::Number>().Uint32Value();
	if (bpf_map_update_elem(fd_of(info), key, bytes_of(info[2]), flags) != 0)
		throw_bpf_error(info.Env(), "map update", errno, "");
	return info.Env().Undefined();
}

/* remove(fd, key) → was there */
Napi::Value remove_key(const Napi::CallbackInfo &info)
{
	if (bpf_map_delete_elem(fd_of(info), bytes_of(info[1])) == 0)
		return Napi::Boolean::New(info.Env(), true);
	if (errno == ENOENT)
		return Napi::Boolean::New(info.Env(), false);
	throw_bpf_error(info.Env(), "map delete", errno, "");
}

/* nextKey(fd, key | undefined, out) → false at the end */
Napi::Value next_key(const Napi::CallbackInfo &info)
{
	const uint8_t *key = info[1].IsUndefined() ? nullptr : bytes_of(info[1]);
	if (bpf_map_get_next_key(fd_of(info), key, bytes_of(info[2])) == 0)
		return Napi::Boolean::New(info.Env(), true);
	if (errno == ENOENT)
		return Napi::Boolean::New(info.Env(), false);
	throw_bpf_error(info.Env(), "map next key", errno, "");
}

/*
 * entries(fd, keySize, valueBytes, maxEntries) → { keys, values, count }, or undefined when the map
 * or the kernel (before 5.6) cannot do it. Hash maps are gone through bucket by bucket, so that
 * changes meanwhile move no cursor.
 */
Napi::Value entries(const Napi::CallbackInfo &info)
{
	Napi::Env env = info.Env();
	size_t key_size = info[1].As<Napi::Number>().Uint32Value();
	size_t value_bytes = info[2].As<Napi::Number>().Uint32Value();
	size_t limit = info[3].As<Napi::Number>().Uint32Value();
	std::vector<uint8_t> keys, values;
	std::vector<uint8_t> cursor(key_size < 8 ? 8 : key_size), next(cursor.size());
	size_t total = 0, room = 256;
	bool begin = true;
	LIBBPF_OPTS(bpf_map_batch_opts, options);
	/* Maps that programs fill meanwhile may show more than their size, but not without end. */
	while (total < 2 * limit + 1024) {
		keys.resize((total + room) * key_size);
		values.resize((total + room) * value_bytes);
		__u32 count = static_cast<__u32>(room);
		int result = bpf_map_lookup_batch(fd_of(info), begin ? nullptr : cursor.data(),
			next.data(), keys.data() + total * key_size,
			values.data() + total * value_bytes, &count, &options);
		int error = result == 0 ? 0 : errno;
		if (error == ENOSPC) { /* one bucket holds more than there is room for */
			room *= 2;
			continue;
		}
		if (error != 0 && error != ENOENT) {
			if (begin)
				return env.Undefined();
			throw_bpf_error(env, "map entries", error, "");
		}
		total += count;
		if (error == ENOENT)
			break;
		cursor.swap(next);
		begin = false;
		room = room < 4096 ? room * 2 : room;
	}
	Napi::Object found = Napi::Object::New(env);
	found["keys"] = Napi::Buffer<uint8_t>::Copy(env, keys.data(), total * key_size);
	found["values"] = Napi::Buffer<uint8_t>::Copy(env, values.data(), total * value_bytes);
	found["count"] = static_cast<double>(total);
	return found;
}

/* mapTypeId(name) → number, -1 when libbpf does not know it */
Napi::Value type_id(const Napi::CallbackInfo &info)
{
	std::string wanted = info[0].As<Napi::String>();
	for (int type = 1; type < 256; type++) {
		const char *name = libbpf_bpf_map_type_str(static_cast<enum bpf_map_type>(type));
		if (name == nullptr)
			break;
		if (wanted == name)
			return Napi::Number::New(info.Env(), type);
	}
	return Napi::Number::New(info.Env(), -1);
}

/* createMap(typeId, name, keySize, valueSize, maxEntries, flags) → fd */
Napi::Value create(const Napi::CallbackInfo &info)
{
	LibbpfLog log;
	std::string name = info[1].As<Napi::String>();
	LIBBPF_OPTS(bpf_map_create_opts, options,
		.map_flags = info[5].As<Napi::Number>().Uint32Value());
	auto type = static_cast<enum bpf_map_type>(info[0].As<Napi::Number>().Int32Value());
	__u32 key_size = info[2].As<Napi::Number>().Uint32Value();
	__u32 value_size = info[3].As<Napi::Number>().Uint32Value();
	__u32 max_entries = info[4].As<Napi::Number>().Uint32Value();
	int fd = bpf_map_create(type, name.c_str(), key_size, value_size, max_entries, &options);
	if (fd < 0 && (errno == EINVAL || errno == E2BIG) && !name.empty()) /* names: since 4.15 */
		fd = bpf_map_create(type, nullptr, key_size, value_size, max_entries, &options);
	if (fd < 0)
		throw_bpf_error(info.Env(), "create map " + name, errno);
	return Napi::Number::New(info.Env(), fd);
}

Napi::Value close_fd(const Napi::CallbackInfo &info)
{
	close(fd_of(info));
	return info.Env().Undefined();
}

} // namespace

void register_map_functions(Napi::Env env, Napi::Object exports)
{
	exports.Set("mapLookup", Napi::Function::New(env, lookup));
	exports.Set("mapLookupAndDelete", Napi::Function::New(env, lookup_and_delete));
	exports.Set("mapUpdate", Napi::Function::New(env, update));
	exports.Set("mapDelete", Napi::Function::New(env, remove_key));
	exports.Set("mapNextKey", Napi::Function::New(env, next_key));
	exports.Set("mapEntries", Napi::Function::New(env, entries));
	exports.Set("mapTypeId", Napi::Function::New(env, type_id));
	exports.Set("mapCreate", Napi::Function::New(env, create));
	exports.Set("closeFd", Napi::Function::New(env, close_fd));
}
