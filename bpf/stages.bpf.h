/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What follows a hook, by tail calls: copying, inference, handing over. */
#ifndef LIBTRACE_STAGES_H
#define LIBTRACE_STAGES_H

#include "inference.bpf.h"

/* include/linux/bpf.h, MAX_TAIL_CALL_CNT: 32 before 5.17, and then one more was allowed. */
#define TAIL_CALLS_MAX 33

/* Returns only when the budget of tail calls is spent, or nothing is in the slot. */
static __always_inline void go_to(void *ctx, struct call *call, enum stage stage)
{
	call->tail_calls++;
	bpf_tail_call(ctx, &stages, stage);
}

/*
 * Goes on with a call that moves several messages. When the budget of tail calls is spent, the rest
 * is counted as lost (for TCP it is a hole as well: the sequence numbers know of it).
 */
static __always_inline void next_message(void *ctx, struct call *call)
{
	struct counters *c;

	if (call->messages_index >= call->messages_length)
		return;
	go_to(ctx, call, STAGE_MESSAGES);
	c = own_counters();
	if (c) {
		c->segments_seen += call->messages_length - call->messages_index;
		c->lost_internal += call->messages_length - call->messages_index;
	}
}

/* Per run of copy_vector: 16 runs make all 1,024 iovecs that a call may have. */
#define PIECES_PER_RUN 64

/*
 * Copies a piece of the call's next iovec behind what is in the capture area. 1: all that is wanted
 * was copied, or can not be. A function of its own, not inlined: the verifier walks it once, not
 * once for every round of every loop.
 */
__attribute__((noinline)) int copy_piece(void)
{
	struct capture *capture = own_capture();
	struct call *call = own_call();
	struct user_iovec iovec;
	__u64 filled, piece, left;

	if (!call || !capture)
		return 1;
	filled = call->filled;
	if (filled >= call->limit || call->vector_index >= call->vector_length)
		return 1;
	if (bpf_probe_read_user(&iovec, sizeof(iovec),
		    (void *)(call->vector + call->vector_index * sizeof(iovec))))
		goto fault;
	left = iovec.length - call->vector_offset;
	piece = call->limit - filled;
	if (piece > left)
		piece = left;
	piece = bounded(piece, PIECE_MAX);
	filled = bounded(filled, CAPTURE_MAX);
	if (bpf_probe_read_user(
		    &capture->data[filled], piece, (void *)(iovec.base + call->vector_offset)))
		goto fault;
	call->filled = filled + piece;
	if (piece < left) {
		call->vector_offset += piece;
	} else {
		call->vector_index++;
		call->vector_offset = 0;
	}
	return call->filled >= call->limit || call->vector_index >= call->vector_length;
fault:
	capture->event.hole_reason = HOLE_FAULT;
	return 1;
}

static __always_inline int vector_stage(void *ctx)
{
	struct capture *capture = own_capture();
	struct call *call = own_call();
	int done = 0;

	if (!call || !capture)
		return 0;
	for (int i = 0; i < PIECES_PER_RUN; i++) {
		done = copy_piece();
		if (done)
			break;
	}
	if (!done)
		go_to(ctx, call, STAGE_VECTOR);
	if (!call->settled)
		go_to(ctx, call, STAGE_INFER);
	/* Settled; or the budget of tail calls is spent: what was copied is shown, user space
	 * infers. */
	emit(call, capture);
	next_message(ctx, call);
	return 0;
}

#define MESSAGES_PER_RUN 3
#define PIECES_PER_MESSAGE 32

/* recvmmsg and sendmmsg: one segment a message. */
static __always_inline int messages_stage(void *ctx)
{
	__u64 pid_tgid = bpf_get_current_pid_tgid();
	struct capture *capture = own_capture();
	struct call *call = own_call();
	struct counters *c = own_counters();

	if (!call || !capture || !c)
		return 0;
	for (int i = 0; i < MESSAGES_PER_RUN; i++) {
		struct user_mmsghdr message;
		struct connection *connection;
		__u32 index = call->messages_index;

		if (index >= call->messages_length)
			return 0;
		call->messages_index = index + 1;
		if (bpf_probe_read_user(&message, sizeof(message),
			    (void *)(call->messages + index * sizeof(message)))) {
			c->segments_seen++;
			c->lost_internal++;
			continue;
		}
		if (!message.length)
			continue;
		call->reference.has_peer = 0;
		read_peer(&call->reference, message.header.name);
		connection = bpf_map_lookup_elem(&connections, &call->reference.sk);
		if (connection && connection->inode != call->reference.inode)
			connection = NULL;
		connection = connection_of(call, connection, ROLE_UNKNOWN, 1);
		if (connection && connection->excluded)
			return 0;
		call->vector = message.header.vector;
		call->vector_length = message.header.vector_length;
		call->vector_index = 0;
		call->vector_offset = 0;
		if (!begin_segment(call, capture, connection, message.length,
			    call->messages_length > 1, pid_tgid))
			continue;
		if (call->discarded) {
			capture->event.hole_reason = HOLE_KERNEL_COPY;
			emit(call, capture);
			continue;
		}
		for (int j = 0; j < PIECES_PER_MESSAGE; j++) {
			if (copy_piece())
				break;
		}
		/* Comes back through emit_segment when there are more messages. */
		if (!call->settled)
			go_to(ctx, call, STAGE_INFER);
		emit(call, capture);
	}
	next_message(ctx, call);
	return 0;
}

/*
 * Shows the rules what was moved. Their programs end in emit_segment, for which the budget of tail
 * calls must be left.
 */
static __always_inline int infer_stage(void *ctx)
{
	struct capture *capture = own_capture();
	struct inference_window *window = own_window();
	struct call *call = own_call();
	__u32 programs = rule_programs;

	if (!call || !capture || !window)
		return 0;
	window->answer = ANSWER_NONE;
	window->suspect = 0;
	if (programs && call->tail_calls + programs + 1 <= TAIL_CALLS_MAX) {
		struct connection *connection = entry_of(call->key, &call->reference);

		if (connection) {
			fill_window(call, capture, connection, window);
			call->tail_calls += programs;
			go_to(ctx, call, STAGE_RULES);
		}
	}
	go_to(ctx, call, STAGE_EMIT);
	emit(call, capture);
	next_message(ctx, call);
	return 0;
}

static __always_inline int emit_stage(void *ctx)
{
	struct capture *capture = own_capture();
	struct inference_window *window = own_window();
	struct call *call = own_call();
	int next;

	if (!call || !capture || !window)
		return 0;
	next = settle(call, capture, window);
	if (next < 0) {
		if (call->buffer)
			copy_buffer(call, capture);
		else
			go_to(ctx, call, STAGE_VECTOR);
	}
	if (next)
		emit(call, capture);
	next_message(ctx, call);
	return 0;
}

#endif
