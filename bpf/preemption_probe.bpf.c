/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Can a raw tracepoint's program be preempted on this kernel? Tells by looking at the preemption
 * count from within one, for the tracer's own process only. Kernels without the variable
 * (before 6.15) always disable preemption there.
 */
#include "kernel_types.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

const volatile __u32 own_pid = 0;
/* 0: not seen; 1: not preemptible; 2: preemptible. */
volatile __u32 answer = 0;

extern const int __preempt_count __ksym __weak;

/* The low byte counts preempt_disable(): include/linux/preempt.h. */
#define PREEMPT_MASK 0xff

SEC("raw_tp/sys_exit")
int probe_preemption(void *ctx)
{
	const int *count;

	if (bpf_get_current_pid_tgid() >> 32 != own_pid)
		return 0;
	if (!bpf_ksym_exists(&__preempt_count)) {
		answer = 1;
		return 0;
	}
	count = bpf_this_cpu_ptr(&__preempt_count);
	answer = *count & PREEMPT_MASK ? 1 : 2;
	return 0;
}
