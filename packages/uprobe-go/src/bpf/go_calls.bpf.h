/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Calls of goroutines, remembered from where they begin to where they return. */
#ifndef LIBTRACE_GO_CALLS_H
#define LIBTRACE_GO_CALLS_H

#include "connection_fd.bpf.h"
#include "registers.bpf.h"

/* runtime.g.goid; differs by version. */
const volatile __u64 goid_offset = 152;

/* The goroutine of the current thread. */
struct goroutine {
	__u64 address; /* of its struct g */
	__u64 id;
	__u64 stack_end; /* g.stack.hi: what lies on the stack keeps its distance from it */
	__u64 stack_begin;
	__u64 depth; /* of the stack pointer, from stack_end */
};

/*
 * A goroutine may be on another thread when its call returns, its stack at another address, and a
 * tls.Conn under a tls.Conn makes calls within calls. What stays is how deep on its stack it is.
 */
struct go_call_key {
	__u32 pid;
	__u32 depth;
	__u64 goroutine; /* its id */
};

struct go_call {
	__u64 connection; /* address of the tls.Conn */
	__u64 buffer;	  /* user address; from the stack's end when it is on the stack */
	__u64 start_ns;
	__u64 on_stack; /* 1: the buffer is */
};

/* Entries of calls that never return are of use to nobody: the process was killed. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct go_call_key);
	__type(value, struct go_call);
} go_calls SEC(".maps");

/* False: this is no goroutine on its own stack. */
static __always_inline bool read_goroutine(
	const go_registers *registers, struct goroutine *goroutine)
{
	struct {
		__u64 lo;
		__u64 hi;
	} stack;
	__u64 sp = GO_STACK_POINTER(registers);
	__u64 g = current_goroutine(registers);

	/* g begins with its stack. */
	if (bpf_probe_read_user(&stack, sizeof(stack), (void *)g))
		return false;
	if (bpf_probe_read_user(&goroutine->id, sizeof(goroutine->id), (void *)(g + goid_offset)))
		return false;
	if (sp < stack.lo || sp >= stack.hi)
		return false;
	goroutine->address = g;
	goroutine->stack_begin = stack.lo;
	goroutine->stack_end = stack.hi;
	goroutine->depth = stack.hi - sp;
	return true;
}

static __always_inline struct go_call_key key_of(const struct goroutine *goroutine)
{
	return (struct go_call_key){
		.pid = bpf_get_current_pid_tgid() >> 32,
		.depth = goroutine->depth,
		.goroutine = goroutine->id,
	};
}

static __always_inline void remember_call(
	const struct goroutine *goroutine, const struct go_arguments *arguments, __u64 start_ns)
{
	struct go_call_key key = key_of(goroutine);
	struct go_call call = {
		.connection = arguments->receiver,
		.buffer = arguments->pointer,
		.start_ns = start_ns,
	};

	if (call.buffer >= goroutine->stack_begin && call.buffer < goroutine->stack_end) {
		call.buffer = goroutine->stack_end - call.buffer;
		call.on_stack = 1;
	}
	bpf_map_update_elem(&go_calls, &key, &call, BPF_ANY);
}

/* The call that returns now, with the address that its buffer has now; false: it began unseen. */
static __always_inline bool recall(const struct goroutine *goroutine, struct go_call *call)
{
	struct go_call_key key = key_of(goroutine);
	struct go_call *known = bpf_map_lookup_elem(&go_calls, &key);

	if (!known)
		return false;
	*call = *known;
	bpf_map_delete_elem(&go_calls, &key);
	if (call->on_stack)
		call->buffer = goroutine->stack_end - call->buffer;
	return true;
}

#endif
