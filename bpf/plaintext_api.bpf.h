/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The contract between a source of plaintext (programs on the functions of a TLS library, in an
 * object of its own) and the socket tracer, which knows sockets, filters and the ring.
 *
 * A source's program fills in the call of its thread and hands it over by a tail call:
 *
 *   SEC("uprobe")
 *   int write_enter(struct pt_regs *ctx)
 *   {
 *           struct plaintext_call *call;
 *
 *           if (!plaintext_is_traced())
 *                   return 0;
 *           call = plaintext_call();
 *           if (!call)
 *                   return 0;
 *           call->object = PT_REGS_PARM1(ctx);
 *           call->buffer = PT_REGS_PARM2(ctx);
 *           call->length = PT_REGS_PARM3(ctx);
 *           call->direction = PLAINTEXT_OUT;
 *           return plaintext_submit(ctx, call, PLAINTEXT_BEGIN);
 *   }
 *
 * The same for sources of other publishers: the package @libtrace/core ships this file and
 * target.bpf.h in bpf/include.
 */
#ifndef LIBTRACE_PLAINTEXT_API_H
#define LIBTRACE_PLAINTEXT_API_H

#include "target.bpf.h"

/* Number of this source, given by core; 0 in the socket tracer itself. */
const volatile __u8 plaintext_source = 0;

/* Seen from the process; the values of enum direction. */
enum plaintext_direction {
	PLAINTEXT_IN = 0,
	PLAINTEXT_OUT = 1,
};

enum plaintext_action {
	/*
	 * A call on `object` begins. `direction`, and for OUT the `length` that is to be written;
	 * `fd` when the socket is known. Without `fd`, sockets that this thread (or, when
	 * `goroutine` is not 0, that goroutine on this thread) uses until the call is over carry
	 * the object's ciphertext. Every call begins so: an object becomes known by it. (Or by
	 * PLAINTEXT_END with `fd`: a call that had begun before the probes were in place.)
	 */
	PLAINTEXT_BEGIN = 1,
	/*
	 * The call is over: `length` bytes at `buffer` moved in `direction`; 0: none. A `buffer`
	 * of 0 says that they cannot be read.
	 */
	PLAINTEXT_END = 2,
	/* `object` speaks over the socket `fd`, from now on. */
	PLAINTEXT_BIND = 3,
	/* `direction` of `object` has ended (close_notify was read or written); the call is over.
	 */
	PLAINTEXT_SHUT = 4,
	/* `object` is gone: its address may serve another connection. The call is over. */
	PLAINTEXT_FREE = 5,
	/*
	 * A call has moved `length` bytes, and nothing else is known of it: its beginning was not
	 * seen. Counted as lost.
	 */
	PLAINTEXT_MISSED = 6,
};

/* What a thread is doing. One entry a thread, kept from call to call. */
struct plaintext_call {
	/* Of the source, for the next action; core does not change them. */
	__u64 object;	 /* user address that names the connection within its process */
	__u64 buffer;	 /* user address of the plaintext */
	__u64 length;	 /* bytes; see enum plaintext_action */
	__u64 start_ns;	 /* entry of the call, bpf_ktime_get_ns; set by the source */
	__u64 goroutine; /* user address of the goroutine that makes the call; 0: the thread does */
	__s32 fd;	 /* of the socket; -1: not known */
	__u8 direction;	 /* enum plaintext_direction */
	__u8 action;	 /* enum plaintext_action; set by plaintext_submit */
	__u8 source;	 /* set by plaintext_submit */
	__u8 depth;	 /* the source's own: calls within calls */
	/* The source's own: what its program at the return has to know. */
	__u64 stack; /* stack pointer at the entry */
	__u64 arguments[3];
	/* Core's own. */
	__u64 inside; /* the object of the call that has begun and not ended */
	__u64 inside_goroutine;
	__u64 recent;	     /* the object of the last call, when it used no socket */
	__u64 recent_length; /* bytes that it wrote */
	__u64 read_from;     /* id of the connection that TLS was read from right before; 0: none */
	__u64 read_key;	     /* its key */
	__u32 read_length;   /* bytes read */
	__u8 used_socket;    /* a socket was used since the call began */
	__u8 recent_many;    /* calls on other objects came before, and no socket was used since */
	__u8 read_many;	     /* TLS was read from other sockets before, and no call came since */
	__u8 pad[1];
};

/* Key: thread (bpf_get_current_pid_tgid). Shared by all objects of a tracer; resized by the loader.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, __u64);
	__type(value, struct plaintext_call);
} plaintext_calls SEC(".maps");

/* The socket tracer's program that takes calls, in slot 0. Shared. */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} plaintext_stages SEC(".maps");

/* Whether the current process is traced: the first thing to ask. */
static __always_inline bool plaintext_is_traced(void)
{
	return is_target(bpf_get_current_pid_tgid() >> 32);
}

/* The current thread's entry, as it was left; NULL: there is none yet. */
static __always_inline struct plaintext_call *plaintext_known_call(void)
{
	__u64 thread = bpf_get_current_pid_tgid();

	return bpf_map_lookup_elem(&plaintext_calls, &thread);
}

/* The same, made if need be (all zero but for `fd`); NULL: no room. */
static __always_inline struct plaintext_call *plaintext_call(void)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct plaintext_call *call = bpf_map_lookup_elem(&plaintext_calls, &thread);
	struct plaintext_call fresh = {.fd = -1};

	if (call)
		return call;
	bpf_map_update_elem(&plaintext_calls, &thread, &fresh, BPF_NOEXIST);
	return bpf_map_lookup_elem(&plaintext_calls, &thread);
}

/* Hands the call over. Returns what the program shall return. */
static __always_inline int plaintext_submit(
	void *ctx, struct plaintext_call *call, enum plaintext_action action)
{
	call->action = action;
	call->source = plaintext_source;
	bpf_tail_call(ctx, &plaintext_stages, 0);
	return 0;
}

#endif
