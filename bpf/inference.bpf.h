/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* In-kernel inference: what the rules are shown of a call, and what comes of their answer. */
#ifndef LIBTRACE_INFERENCE_H
#define LIBTRACE_INFERENCE_H

#include "segment.bpf.h"

/* Programs that the rules are compiled to; 0: there are none. Written by user space. */
volatile __u32 rule_programs = 0;
/* A call that moved at most this many bytes may have moved a header whose message is read by the
 * next one. Written by user space. */
volatile __u32 carry_bytes = 0;

/* A connection that has fallen silent delivers so many segments after a rule has said `likely`, so
 * that user space can see whether the match is confirmed; at most once in such a time. */
#define REVIVED_SEGMENTS 8
#define SUSPICION_INTERVAL_NS 1000000000ull

static __always_inline struct inference_window *own_window(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&windows, &zero);
}

static __always_inline enum window_side side_of(struct connection *connection, __u32 direction)
{
	if (connection->role == ROLE_UNKNOWN)
		return SIDE_UNKNOWN;
	return (connection->role == ROLE_SERVER) == (direction == DIRECTION_IN) ? SIDE_REQUEST
										: SIDE_RESPONSE;
}

/*
 * The captured bytes, behind those of the call before when that was a short one of the same
 * direction, right before, and not itself put behind another: a header and its message are read by
 * two calls in a row. The interpreter in user space does the same (core's CarriedHeader).
 */
static __always_inline void fill_window(struct call *call, struct capture *capture,
	struct connection *connection, struct inference_window *window)
{
	struct segment_event *event = &capture->event;
	struct carry *carry = &connection->carry;
	__u64 size = bounded(call->filled, WINDOW_BYTES);
	__u64 carried = 0;
	__u16 local = 0, remote = 0;

	if (carry->length && carry->direction == event->direction &&
		carry->end == event->position) {
		carried = bounded(carry->length, CARRY_MAX);
		__builtin_memcpy(window->data, carry->bytes, CARRY_MAX);
	}
	bpf_probe_read_kernel(&window->data[carried], size, capture->data);
	window->length = event->length + carried;
	window->available = size + carried;
	window->side = side_of(connection, event->direction);
	window->transport = 1 << connection->transport;
	if (connection->transport != TRANSPORT_UNIX)
		read_ports(call->reference.sk, &local, &remote);
	window->local_port = local;
	window->remote_port = call->reference.has_peer ? call->reference.peer_port : remote;

	carry->length = 0;
	if (carried || event->length > carry_bytes || call->filled != event->length ||
		connection->transport == TRANSPORT_UDP)
		return;
	__builtin_memcpy(carry->bytes, capture->data, CARRY_MAX);
	carry->end = event->position + event->length;
	carry->direction = event->direction;
	carry->length = event->length;
}

/* Whether a connection that has fallen silent may speak again because of a `likely` match. */
static __always_inline bool may_revive(struct connection *connection, __u64 now)
{
	if (connection->suspected_ns && now < connection->suspected_ns + SUSPICION_INTERVAL_NS)
		return false;
	connection->suspected_ns = now;
	connection->revived = REVIVED_SEGMENTS;
	return true;
}

/*
 * Last stage for a connection whose protocol was not known before this call: takes the rules'
 * answer, or charges the bytes to what an unnamed connection may deliver. 1: emit; 0: counted,
 * done; -1: copy again, more is wanted.
 */
static __always_inline int settle(
	struct call *call, struct capture *capture, struct inference_window *window)
{
	struct connection *connection = entry_of(call->key, &call->reference);
	struct counters *c = own_counters();
	__u32 direction = call->direction & 1;
	__u8 answer = window->answer;

	if (!connection) {
		c->lost_connections++;
		return 0;
	}
	if (answer && answer <= PROTOCOLS_MAX && protocol_active[answer]) {
		connection->protocol = answer;
		capture->event.protocol = answer;
	} else if (is_silent(connection, direction) &&
		   !(window->suspect && may_revive(connection, call->end_ns))) {
		c->lost_ignored++;
		return 0;
	} else if (has_spent_its_budget(connection, direction)) {
		connection->revived--;
	} else {
		connection->unnamed_bytes[direction] += call->filled;
		connection->unnamed_segments++;
	}
	call->settled = 1;
	if (call->limit < call->wanted) {
		call->limit = call->wanted;
		return -1;
	}
	return 1;
}

#endif
