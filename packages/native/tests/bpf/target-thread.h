/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

/* The one thread that a test traces: its own, or the main thread of a child it started. 0: nobody.
 */
const volatile __u32 target_tid = 0;

static __always_inline int is_target(void)
{
	return target_tid != 0 && (__u32)bpf_get_current_pid_tgid() == target_tid;
}
