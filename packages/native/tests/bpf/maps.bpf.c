// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Maps of several kinds, and a program that uses them for the target's system calls. */
#include "target-thread.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u32);
} per_cpu SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 8);
	__type(value, __u32);
} queue SEC(".maps");

const volatile __u64 constant = 7;
__u32 initialized = 11;
__u64 sum = 0;
__u8 flag = 0;

SEC("raw_tp/sys_enter")
int on_syscall(void *context)
{
	__u32 key = 0, zero = 0, *slot;
	__u64 one = 1, *count;

	if (!is_target())
		return 0;
	sum += constant + initialized + flag;
	slot = bpf_map_lookup_elem(&per_cpu, &zero);
	if (slot)
		*slot += 1;
	count = bpf_map_lookup_elem(&counts, &key);
	if (count)
		__sync_fetch_and_add(count, 1);
	else
		bpf_map_update_elem(&counts, &key, &one, BPF_ANY);
	bpf_map_push_elem(&queue, &key, BPF_ANY);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
