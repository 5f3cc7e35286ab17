// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Programs that load among programs that must not: one the verifier rejects, one for a field no
 * kernel has. */
#include "target-thread.h"
#include <bpf/bpf_core_read.h>

int first(void *context);
int rejected(void *context);
int no_such_field(void *context);
int last(void *context);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 4);
	__uint(key_size, sizeof(__u32));
	__array(values, int(void *));
} steps SEC(".maps") = {
	.values = {[0] = (void *)&rejected, [1] = (void *)&last, [2] = (void *)&no_such_field},
};

struct task_struct {
	int libtrace_test_has_no_such_field;
} __attribute__((preserve_access_index));

__u64 first_runs = 0;
__u64 last_runs = 0;
const volatile __u64 step = 1;

SEC("raw_tp/sys_enter")
int first(void *context)
{
	if (!is_target())
		return 0;
	first_runs += step;
	bpf_tail_call(context, &steps, 0); /* empty: goes on */
	bpf_tail_call(context, &steps, 1);
	return 0;
}

SEC("raw_tp/sys_enter")
int rejected(void *context)
{
	__u64 *nowhere = (__u64 *)bpf_ktime_get_ns();

	return (int)*nowhere;
}

SEC("raw_tp/sys_enter")
int no_such_field(void *context)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();

	return BPF_CORE_READ(task, libtrace_test_has_no_such_field);
}

SEC("raw_tp/sys_enter")
int last(void *context)
{
	last_runs += step;
	return 0;
}

SEC("?raw_tp/sys_enter")
int optional(void *context)
{
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
