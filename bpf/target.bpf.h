/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which processes are traced. Every program asks before it does anything else. The variables are
 * set, and the maps shared, by core's loader: all objects of a tracer see the same ones.
 */
#ifndef LIBTRACE_TARGET_H
#define LIBTRACE_TARGET_H

#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>

/* The tracer's own process: never traced. */
const volatile __u32 own_pid = 0;
/* 1: every process; the filters below are then not asked. */
const volatile __u8 trace_all = 0;
/* 1: the table of that name has entries. */
const volatile __u8 filter_pids = 0;
const volatile __u8 filter_comms = 0;
/* Number of entries of target_cgroups in use. */
const volatile __u32 filter_cgroups = 0;
#define CGROUPS_MAX 8

/* cgroups that are traced, with what is below them. */
struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_ARRAY);
	__uint(max_entries, CGROUPS_MAX);
	__type(key, __u32);
	__type(value, __u32);
} target_cgroups SEC(".maps");

/*
 * By process id (tgid): 1 when it is traced, with its descendants. Plain memory that both sides map
 * and write, a byte at a time: a bpf() call for every process would make the kernel skip tracing
 * programs on that CPU meanwhile. A section of its own: it is as large as 5.10 lets a map's value
 * be.
 */
#define PIDS_MAX (4 * 1024 * 1024) /* PID_MAX_LIMIT, include/linux/threads.h */
volatile __u8 target_pids[PIDS_MAX] SEC(".bss.pids");

static __always_inline bool under_target_cgroup(void)
{
	for (__u32 i = 0; i < CGROUPS_MAX; i++) {
		if (i >= filter_cgroups)
			break;
		if (bpf_current_task_under_cgroup(&target_cgroups, i) == 1)
			return true;
	}
	return false;
}

/* Index in target_pids, in a form whose bound every verifier sees. */
static __always_inline __u64 pid_index(__u32 pid)
{
	__u64 index = pid;

	index &= PIDS_MAX - 1;
	barrier_var(index);
	return index;
}

/* Whether the current process, whose id is `pid`, is traced. */
static __always_inline bool is_target(__u32 pid)
{
	if (pid == own_pid)
		return false;
	if (trace_all)
		return true;
	if ((filter_pids || filter_comms) && target_pids[pid_index(pid)])
		return true;
	return filter_cgroups && under_target_cgroup();
}

#endif
