// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Numbered records by way of a perf event array. */
#include "target-thread.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} events SEC(".maps");

__u64 seen = 0;
__u64 failed = 0;

SEC("raw_tp/sys_enter")
int on_syscall(void *context)
{
	__u64 record[3] = {};

	if (!is_target())
		return 0;
	record[0] = __sync_fetch_and_add(&seen, 1);
	record[1] = ~record[0];
	record[2] = bpf_get_smp_processor_id();
	if (bpf_perf_event_output(context, &events, BPF_F_CURRENT_CPU, record, sizeof(record)))
		__sync_fetch_and_add(&failed, 1);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
