// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* One program per kind of attachment; each counts its runs in the target. */
#include "target-thread.h"

__u64 raw_runs = 0;
__u64 tracepoint_runs = 0;
__u64 tracepoint_cookie = 0;
__u64 btf_runs = 0;
__u64 uprobe_runs = 0;
__u64 uprobe_argument = 0;
__u64 uretprobe_runs = 0;
__u64 uretprobe_value = 0;
__u64 clock_runs = 0;
__u64 xdp_runs = 0;

SEC("raw_tp/sys_enter")
int on_raw(void *context)
{
	if (is_target())
		__sync_fetch_and_add(&raw_runs, 1);
	return 0;
}

SEC("tracepoint/raw_syscalls/sys_enter")
int on_tracepoint(void *context)
{
	if (is_target()) {
		__sync_fetch_and_add(&tracepoint_runs, 1);
		tracepoint_cookie = bpf_get_attach_cookie(context);
	}
	return 0;
}

SEC("tp_btf/sys_enter")
int on_btf(void *context)
{
	if (is_target())
		__sync_fetch_and_add(&btf_runs, 1);
	return 0;
}

SEC("uprobe")
int on_uprobe(struct pt_regs *registers)
{
	if (is_target()) {
		__sync_fetch_and_add(&uprobe_runs, 1);
		uprobe_argument = PT_REGS_PARM1(registers);
	}
	return 0;
}

SEC("uretprobe")
int on_uretprobe(struct pt_regs *registers)
{
	if (is_target()) {
		__sync_fetch_and_add(&uretprobe_runs, 1);
		uretprobe_value = PT_REGS_RC(registers);
	}
	return 0;
}

SEC("kprobe")
int on_kprobe(struct pt_regs *registers)
{
	return 0;
}

SEC("perf_event")
int on_clock(void *context)
{
	if (is_target())
		__sync_fetch_and_add(&clock_runs, 1);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
