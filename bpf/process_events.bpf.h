/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Processes that start, become another program, and end: who is traced follows them. */
#ifndef LIBTRACE_PROCESS_EVENTS_H
#define LIBTRACE_PROCESS_EVENTS_H

#include "plaintext.bpf.h"

static __always_inline struct process_event *reserve_process_event(__u8 type, __u32 pid)
{
	struct process_event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (!event) {
		count_lost_event();
		return NULL;
	}
	event->type = type;
	__builtin_memset(event->reserved, 0, sizeof(event->reserved));
	event->pid = pid;
	event->parent_pid = 0;
	event->path_length = 0;
	event->arguments_length = 0;
	event->reserved2 = 0;
	event->timestamp_ns = bpf_ktime_get_ns();
	event->cgroup = bpf_get_current_cgroup_id();
	bpf_get_current_comm(event->comm, sizeof(event->comm));
	return event;
}

static __always_inline void read_arguments(struct process_event *event, struct task_struct *task)
{
	struct mm_struct *mm = BPF_CORE_READ(task, mm);
	__u64 start = BPF_CORE_READ(mm, arg_start), end = BPF_CORE_READ(mm, arg_end);
	__u64 length = end - start;

	if (!start || end < start)
		return;
	length = bounded(length, ARGUMENT_BYTES);
	if (!bpf_probe_read_user(event->arguments, length, (void *)start))
		event->arguments_length = length;
}

static __always_inline int on_exec(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *task = (void *)ctx->args[0];
	struct linux_binprm *program = (void *)ctx->args[2];
	__u32 pid = bpf_get_current_pid_tgid() >> 32;
	struct process_event *event;
	long length;

	if (!is_target(pid)) {
		char comm[COMM_BYTES] = {};

		if (!filter_comms || pid == own_pid)
			return 0;
		bpf_get_current_comm(comm, sizeof(comm));
		if (!bpf_map_lookup_elem(&target_comms, comm))
			return 0;
		set_target(pid, 1);
	}
	event = reserve_process_event(EVENT_EXEC, pid);
	if (!event)
		return 0;
	event->parent_pid = BPF_CORE_READ(task, real_parent, tgid);
	length = bpf_probe_read_kernel_str(
		event->path, sizeof(event->path), BPF_CORE_READ(program, filename));
	event->path_length = length > 0 ? length - 1 : 0;
	read_arguments(event, task);
	bpf_ringbuf_submit(event, want_files ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP);
	return 0;
}

static __always_inline int on_fork(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *child = (void *)ctx->args[1];
	__u32 parent_pid = bpf_get_current_pid_tgid() >> 32;
	__u32 pid = BPF_CORE_READ(child, tgid);
	struct process_event *event;

	/* A new thread, not a process. */
	if (pid == parent_pid)
		return 0;
	if (!is_target(parent_pid))
		return 0;
	if (filter_pids || filter_comms)
		set_target(pid, 1);
	event = reserve_process_event(EVENT_FORK, pid);
	if (!event)
		return 0;
	event->parent_pid = parent_pid;
	bpf_ringbuf_submit(event, BPF_RB_NO_WAKEUP);
	return 0;
}

static __always_inline int on_process_exit(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *task = (void *)ctx->args[0];
	__u64 pid_tgid = bpf_get_current_pid_tgid();
	__u32 pid = pid_tgid >> 32, tid = (__u32)pid_tgid;
	struct process_event *event;

	if (!is_target(pid))
		return 0;
	bpf_map_delete_elem(&send_entries, &tid);
	if (want_plaintext)
		bpf_map_delete_elem(&plaintext_calls, &pid_tgid);
	/* kernel/exit.c, do_exit: the count of live threads is lowered before this tracepoint. */
	if (BPF_CORE_READ(task, signal, live.counter) != 0)
		return 0;
	if (filter_pids || filter_comms)
		set_target(pid, 0);
	event = reserve_process_event(EVENT_EXIT, pid);
	if (!event)
		return 0;
	bpf_ringbuf_submit(event, BPF_RB_NO_WAKEUP);
	return 0;
}

#endif
