/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* From a call on a connection to an event in the ring. */
#ifndef LIBTRACE_SEGMENT_H
#define LIBTRACE_SEGMENT_H

#include "connection.bpf.h"

/* Bytes captured of one call, at most CAPTURE_MAX. Written by user space. */
volatile __u32 capture_limit = CAPTURE_MAX;
/* 1: connections without a protocol deliver everything too, whatever user space says of them (a
 * recording). */
const volatile __u8 keep_unnamed = 0;

/* What a connection without a named protocol may deliver, per direction and in all, before it falls
 * silent. */
#define UNNAMED_BYTES_MAX 16384
#define UNNAMED_SEGMENTS_MAX 4096
/* Copied for inference from a connection that has fallen silent: as much as the rules look at.
 * Written by user space. */
volatile __u32 window_reach = 0;

/* min(value, limit), in a form whose bound every verifier sees. */
static __always_inline __u64 bounded(__u64 value, __u64 limit)
{
	barrier_var(value);
	if (value > limit)
		value = limit;
	barrier_var(value);
	return value;
}

static __always_inline struct call *own_call(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&calls, &zero);
}

static __always_inline struct capture *own_capture(void)
{
	__u32 cpu = bpf_get_smp_processor_id();

	return bpf_map_lookup_elem(&captures, &cpu);
}

/* By number: 1 when a plugin of that protocol is active. Written by user space. */
volatile __u8 protocol_active[256] = {};

/* Back to inference. */
static __always_inline void reopen(struct connection *connection)
{
	connection->protocol = 0;
	connection->ignored = 0;
	connection->unnamed_bytes[0] = 0;
	connection->unnamed_bytes[1] = 0;
	connection->unnamed_segments = 0;
	connection->revived = 0;
}

/* After a change of plugins: what no plugin wanted may be wanted now, and the other way round. */
static __always_inline void follow_plugins(struct connection *connection)
{
	__u32 generation = plugin_generation;

	if (connection->plugin_generation == generation)
		return;
	connection->plugin_generation = generation;
	if (!connection->protocol || !protocol_active[connection->protocol])
		reopen(connection);
}

static __always_inline void apply_verdict(struct connection *connection)
{
	struct verdict *verdict;
	__u8 kind;
	__u32 generation = verdict_generation;

	if (connection->verdict_generation == generation)
		return;
	connection->verdict_generation = generation;
	verdict = &verdicts[VERDICT_SLOT(connection->id)];
	if (*(volatile __u64 *)&verdict->connection != connection->id)
		return;
	kind = verdict->kind;
	if (kind == VERDICT_NONE)
		return;
	connection->ignored = kind == VERDICT_IGNORE && !keep_unnamed;
	/* The plugin may have been taken out since. */
	if (kind == VERDICT_PROTOCOL && protocol_active[verdict->protocol])
		connection->protocol = verdict->protocol;
	if (kind == VERDICT_REOPEN)
		reopen(connection);
	verdict->kind = VERDICT_NONE;
}

static __always_inline bool has_spent_its_budget(struct connection *connection, __u32 direction)
{
	if (keep_unnamed)
		return false;
	return connection->unnamed_bytes[direction & 1] >= UNNAMED_BYTES_MAX ||
	       connection->unnamed_segments >= UNNAMED_SEGMENTS_MAX;
}

static __always_inline bool is_silent(struct connection *connection, __u32 direction)
{
	return has_spent_its_budget(connection, direction) && !connection->revived;
}

/*
 * Accounts for `length` bytes of the call's direction and prepares the event of what will be
 * copied. False when nothing is to be copied; why is counted.
 */
static __always_inline bool begin_segment(struct call *call, struct capture *capture,
	struct connection *connection, __u32 length, bool one_of_many, __u64 pid_tgid)
{
	struct segment_event *event = &capture->event;
	struct counters *c = own_counters();
	__u64 opposite;
	__u64 start;
	__u32 idle_ms = 0;

	c->segments_seen++;
	c->bytes_seen += length;
	if (!connection) {
		c->lost_connections++;
		return false;
	}
	start = advance(
		connection, call->direction, length, &call->reference, one_of_many, &opposite);
	/* Another CPU may have been here with a later time. */
	if (connection->moved_ns && call->end_ns > connection->moved_ns)
		idle_ms = (call->end_ns - connection->moved_ns) / 1000000;
	if (call->end_ns > connection->moved_ns)
		connection->moved_ns = call->end_ns;
	connection->pid = pid_tgid >> 32;
	follow_plugins(connection);
	apply_verdict(connection);
	if (connection->ignored && !connection->covered) {
		c->lost_ignored++;
		return false;
	}
	if (!connection->announced &&
		!announce(connection, call->key, &call->reference, pid_tgid)) {
		c->lost_ring++;
		c->lost_ring_bytes += length;
		return false;
	}
	if (connection->covered) {
		c->lost_covered++;
		return false;
	}
	event->type = EVENT_SEGMENT;
	event->direction = call->direction;
	event->hole_reason = HOLE_NONE;
	event->protocol = connection->protocol;
	event->pid = pid_tgid >> 32;
	event->tid = (__u32)pid_tgid;
	event->length = length;
	event->captured = 0;
	event->idle_ms = idle_ms;
	event->connection = connection->id;
	event->start_ns = call->start_ns;
	event->end_ns = call->end_ns;
	event->position = start;
	event->opposite_position = opposite;
	call->filled = 0;
	call->settled = connection->protocol != 0;
	call->wanted = length < capture_limit ? length : capture_limit;
	call->limit = call->wanted;
	if (!call->settled && call->limit > window_reach && is_silent(connection, call->direction))
		call->limit = window_reach;
	return true;
}

/* Copies the one buffer of the call. */
static __always_inline void copy_buffer(struct call *call, struct capture *capture)
{
	__u64 size = bounded(call->limit, CAPTURE_MAX);

	if (bpf_probe_read_user(capture->data, size, (void *)call->buffer)) {
		capture->event.hole_reason = HOLE_FAULT;
		size = 0;
	}
	call->filled = size;
}

/* How user space is woken after `size` more bytes: at once when it has to name the protocol, before
 * the connection has spent what it may deliver without a name. */
static __always_inline __u64 wake_flag(struct call *call, __u32 size, bool is_named)
{
	call->quiet_bytes += size;
	if ((is_named || keep_unnamed) && call->quiet_bytes < wake_bytes)
		return BPF_RB_NO_WAKEUP;
	call->quiet_bytes = 0;
	return BPF_RB_FORCE_WAKEUP;
}

/* Hands the captured bytes to user space. */
static __always_inline void emit(struct call *call, struct capture *capture)
{
	struct segment_event *event = &capture->event;
	struct counters *c = own_counters();
	__u64 size = bounded(call->filled, CAPTURE_MAX);

	event->captured = size;
	if (size < event->length && event->hole_reason == HOLE_NONE)
		event->hole_reason = HOLE_LIMIT;
	if (bpf_ringbuf_output(&events, capture, sizeof(*event) + size,
		    wake_flag(call, sizeof(*event) + size, event->protocol != 0))) {
		c->lost_ring++;
		c->lost_ring_bytes += event->length;
	} else {
		c->segments_delivered++;
		c->bytes_delivered += size;
	}
}

#endif
