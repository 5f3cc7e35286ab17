// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Every system call of the target makes `per_call` numbered records in a ring buffer. */
#include "target-thread.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} events SEC(".maps");

const volatile __u32 per_call = 1;
const volatile __u32 record_bytes = 16;
/* 0: let the kernel decide; BPF_RB_NO_WAKEUP: the reader looks by time */
const volatile __u64 flags = 0;

__u64 seen = 0;
__u64 lost = 0;
__u32 paused = 0;

struct record {
	__u64 number;
	__u64 words[511];
};

static __always_inline void fill(struct record *record, __u64 number)
{
	record->number = number;
	record->words[0] = ~number;
	bpf_ringbuf_submit(record, flags);
}

static __always_inline void emit_one(void)
{
	/* The target makes its calls on one thread, so numbers are in the order of the records. */
	__u64 number = __sync_fetch_and_add(&seen, 1);
	struct record *record;

	if (record_bytes == 16)
		record = bpf_ringbuf_reserve(&events, 16, 0);
	else
		record = bpf_ringbuf_reserve(&events, 4096, 0);
	if (record)
		fill(record, number);
	else
		__sync_fetch_and_add(&lost, 1);
}

SEC("raw_tp/sys_enter")
int on_syscall(void *context)
{
	if (!is_target() || paused)
		return 0;
	for (__u32 i = 0; i < 64; i++) {
		if (i >= per_call)
			break;
		emit_one();
	}
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
