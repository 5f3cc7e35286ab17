/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The socket tracer: what the traced processes move through their sockets, from the system calls
 * alone.
 *
 *   enter_call ── remembers when a sending call began; notes the last close of a socket
 *   exit_call ─┬─ copy_vector (again and again) ─┬─ infer ── rules (of user space) ── emit_segment
 *              └─ copy_messages (again and again)┘
 *   change_state, execute, fork, exit_process
 *   (programs of a source of plaintext) ── take_plaintext
 *
 * The programs of calls exist twice: for raw tracepoints, and (_tp) for perf-style ones. Tail calls
 * go to programs of the caller's type only.
 */
#include "calls.bpf.h"
#include "process_events.bpf.h"
#include "socket_state.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

SEC("raw_tp/sys_enter")
int enter_call(struct bpf_raw_tracepoint_args *ctx)
{
	return on_enter(ctx->args[1], (void *)ctx->args[0]);
}

SEC("tracepoint/raw_syscalls/sys_enter")
int enter_call_tp(struct syscall_event *ctx)
{
	return on_enter(ctx->number, current_registers());
}

SEC("raw_tp/sys_exit")
int exit_call(struct bpf_raw_tracepoint_args *ctx)
{
	return on_exit(ctx, ctx->args[1], true);
}

SEC("tracepoint/raw_syscalls/sys_exit")
int exit_call_tp(struct syscall_event *ctx)
{
	return on_exit(ctx, ctx->result, false);
}

#define STAGE(name, body)                                                                          \
	SEC("raw_tp/sys_exit")                                                                     \
	int name(void *ctx)                                                                        \
	{                                                                                          \
		return body(ctx);                                                                  \
	}                                                                                          \
	SEC("tracepoint/raw_syscalls/sys_exit")                                                    \
	int name##_tp(void *ctx)                                                                   \
	{                                                                                          \
		return body(ctx);                                                                  \
	}

STAGE(copy_vector, vector_stage)
STAGE(copy_messages, messages_stage)
STAGE(infer, infer_stage)
STAGE(emit_segment, emit_stage)

/* Always 0. */
const volatile __u8 never = 0;

/*
 * Reached by tail calls from the programs of sources of plaintext.
 *
 * Since 6.13 a program with a large stack frame has it in memory of its CPU
 * instead of the kernel's stack. The kernel does not see to it that the programs of uprobes do not
 * preempt each other, and then two of them use the same frame: 7.2 crashed. A program that may make
 * a tail call has its frame on the kernel's stack.
 */
SEC("uprobe")
int take_plaintext(void *ctx)
{
	take_call();
	if (never)
		bpf_tail_call(ctx, &plaintext_stages, 0);
	return 0;
}

/*
 * A kernel skips a program that is already running on the same CPU: a state change in a softirq
 * that interrupts the program, or, where raw tracepoints may be preempted, an event of another
 * thread. So what may not be missed is hooked twice, by two programs that do the same: of an event
 * in the middle of the one, the other learns. Both see all other events, and what they do is done
 * once.
 */
#define TWIN(event, name, body)                                                                    \
	SEC("raw_tp/" #event)                                                                      \
	int name(struct bpf_raw_tracepoint_args *ctx)                                              \
	{                                                                                          \
		return body(ctx);                                                                  \
	}                                                                                          \
	SEC("raw_tp/" #event)                                                                      \
	int name##_twin(struct bpf_raw_tracepoint_args *ctx)                                       \
	{                                                                                          \
		return body(ctx);                                                                  \
	}

TWIN(inet_sock_set_state, change_state, on_state)
TWIN(sched_process_exec, execute, on_exec)
TWIN(sched_process_fork, fork_process, on_fork)
TWIN(sched_process_exit, exit_process, on_process_exit)

/* Keeps the contract's structs in the object's BTF, from which user space's readers are generated.
 */
const struct open_event *contract_open __attribute__((unused));
const struct end_event *contract_end __attribute__((unused));
const struct process_event *contract_process __attribute__((unused));
const struct bind_event *contract_bind __attribute__((unused));
const struct mapped_event *contract_mapped __attribute__((unused));
const enum event_type contract_event_type __attribute__((unused)) = EVENT_SEGMENT;
const enum hole_reason contract_hole_reason __attribute__((unused)) = HOLE_NONE;
const enum verdict_kind contract_verdict_kind __attribute__((unused)) = VERDICT_NONE;
const enum connection_transport contract_transport __attribute__((unused)) = TRANSPORT_TCP;
const enum connection_role contract_role __attribute__((unused)) = ROLE_UNKNOWN;
const enum direction contract_direction __attribute__((unused)) = DIRECTION_IN;
const enum window_answer contract_window_answer __attribute__((unused)) = ANSWER_NONE;
const enum window_side contract_window_side __attribute__((unused)) = SIDE_UNKNOWN;
const enum stage contract_stage __attribute__((unused)) = STAGE_VECTOR;
