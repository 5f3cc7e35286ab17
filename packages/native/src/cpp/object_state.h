// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <set>
#include <system_error>
#include <thread>
#include <vector>

#include <bpf/libbpf.h>

/**
 * Destroys links. The kernel waits for a grace period for each uprobe link: several threads wait at
 * the same time.
 */
inline void destroy_links(const std::vector<struct bpf_link *> &links)
{
	constexpr size_t threads_max = 32;
	std::vector<std::thread> threads;
	size_t count = links.size() < threads_max ? links.size() : threads_max;

	auto destroy = [&links, count](size_t first) {
		for (size_t i = first; i < links.size(); i += count)
			bpf_link__destroy(links[i]);
	};
	for (size_t i = 1; i < count; i++) {
		try {
			threads.emplace_back(destroy, i);
		} catch (const std::system_error &) {
			/* No thread to be had. */
			destroy(i);
		}
	}
	if (count > 0)
		destroy(0);
	for (std::thread &thread : threads)
		thread.join();
}

/**
 * One bpf_object with what was attached from it. Shared by the object's and its links' handles:
 * links may not outlive the object (libbpf's USDT links point into it), whichever of the handles is
 * collected first.
 */
struct ObjectState {
	struct bpf_object *object = nullptr;
	std::vector<struct bpf_program *> programs;
	std::vector<struct bpf_map *> maps;
	std::set<struct bpf_link *> links;

	ObjectState() = default;
	ObjectState(const ObjectState &) = delete;
	ObjectState &operator=(const ObjectState &) = delete;
	~ObjectState()
	{
		Close();
	}

	void Close()
	{
		destroy_links({links.begin(), links.end()});
		links.clear();
		programs.clear();
		maps.clear();
		if (object != nullptr)
			bpf_object__close(object);
		object = nullptr;
	}
};
