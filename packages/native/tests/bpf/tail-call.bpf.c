// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Hops into slot 0, where the test puts a program made of raw instructions. */
#include "target-thread.h"

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u32);
} steps SEC(".maps");

__u64 entered = 0;
__u64 fell_through = 0;

SEC("raw_tp/sys_enter")
int enter(void *context)
{
	if (!is_target())
		return 0;
	__sync_fetch_and_add(&entered, 1);
	bpf_tail_call(context, &steps, 0);
	__sync_fetch_and_add(&fell_through, 1);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
