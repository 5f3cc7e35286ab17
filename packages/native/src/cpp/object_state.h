// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <set>
#include <vector>

#include <bpf/libbpf.h>

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
		for (struct bpf_link *link : links)
			bpf_link__destroy(link);
		links.clear();
		programs.clear();
		maps.clear();
		if (object != nullptr)
			bpf_object__close(object);
		object = nullptr;
	}
};
