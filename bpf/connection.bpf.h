/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The connection table: one entry a socket, its positions, and what user space is told of it. */
#ifndef LIBTRACE_CONNECTION_H
#define LIBTRACE_CONNECTION_H

#include "filter.bpf.h"
#include "socket.bpf.h"

/* Wake user space when this many bytes wait in the ring; below, it comes by itself every few
 * milliseconds. */
const volatile __u64 wake_bytes = 256 * 1024;
/* Incremented by user space after it has written to `verdicts`. */
volatile __u32 verdict_generation = 0;

/* A jump of the sequence numbers beyond this is not believed (reused socket, repair mode). */
#define SEQUENCE_JUMP_MAX (1u << 30)

static __always_inline struct counters *own_counters(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&counters, &zero);
}

static __always_inline __u64 wake_flag(void)
{
	return bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA) >= wake_bytes ? BPF_RB_FORCE_WAKEUP
									   : BPF_RB_NO_WAKEUP;
}

static __always_inline void count_lost_event(void)
{
	struct counters *c = own_counters();

	if (c)
		c->lost_events++;
}

static __always_inline __u64 next_connection_id(void)
{
	__u32 zero = 0;
	__u64 *number = bpf_map_lookup_elem(&connection_numbers, &zero);

	if (!number)
		return 0;
	*number += 1;
	return (__u64)bpf_get_smp_processor_id() << 40 | *number;
}

static __always_inline void read_ports(__u64 sk_address, __u16 *local, __u16 *remote)
{
	struct sock *sk = (void *)sk_address;

	*local = BPF_CORE_READ(sk, __sk_common.skc_num);
	*remote = __builtin_bswap16(BPF_CORE_READ(sk, __sk_common.skc_dport));
}

static __always_inline void read_unix_path(__u64 sk_address, struct open_event *event)
{
	struct unix_sock *sk = (void *)sk_address;
	struct unix_address *address = BPF_CORE_READ(sk, addr);
	int length;

	if (!address) {
		struct unix_sock *peer = (void *)BPF_CORE_READ(sk, peer);

		address = BPF_CORE_READ(peer, addr);
	}
	if (!address)
		return;
	/* len counts sun_family (2 bytes) too: net/unix/af_unix.c, unix_bind. */
	length = BPF_CORE_READ(address, len) - 2;
	if (length <= 0)
		return;
	if (length > (int)sizeof(event->path))
		length = sizeof(event->path);
	event->path_length = length;
	bpf_probe_read_kernel(event->path, sizeof(event->path), (void *)address->name + 2);
}

/* Tells user space of the connection, once; tried again at the next segment when the ring is full.
 */
static __always_inline bool announce(struct connection *connection, __u64 key,
	struct socket_reference *reference, __u64 pid_tgid)
{
	struct sock *sk = (void *)reference->sk;
	struct open_event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (!event) {
		count_lost_event();
		return false;
	}
	__builtin_memset(event, 0, sizeof(*event));
	event->type = EVENT_OPEN;
	event->role = connection->role;
	event->transport = connection->transport;
	event->family = reference->family;
	event->pid = pid_tgid >> 32;
	event->tid = (__u32)pid_tgid;
	event->connection = connection->id;
	event->key = key;
	event->inode = connection->inode;
	event->timestamp_ns = bpf_ktime_get_ns();
	event->position[0] = connection->position[0];
	event->position[1] = connection->position[1];
	event->midstream = connection->midstream;
	if (reference->family == AF_UNIX) {
		read_unix_path(reference->sk, event);
	} else {
		read_ports(reference->sk, &event->local_port, &event->remote_port);
		if (reference->family == AF_INET) {
			__be32 address = BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr);

			__builtin_memcpy(event->local_addr, &address, 4);
			address = BPF_CORE_READ(sk, __sk_common.skc_daddr);
			__builtin_memcpy(event->remote_addr, &address, 4);
		} else {
			BPF_CORE_READ_INTO(event->local_addr, sk, __sk_common.skc_v6_rcv_saddr);
			BPF_CORE_READ_INTO(event->remote_addr, sk, __sk_common.skc_v6_daddr);
		}
		if (reference->has_peer) {
			event->remote_port = reference->peer_port;
			__builtin_memcpy(event->remote_addr, reference->peer_addr, 16);
		}
	}
	bpf_ringbuf_submit(event, BPF_RB_NO_WAKEUP);
	connection->announced = 1;
	return true;
}

/* A new entry of the table, or NULL when it is full. */
static __always_inline struct connection *add_connection(
	__u64 key, struct socket_reference *reference, __u8 role, __u8 midstream)
{
	struct connection fresh = {};
	struct handshake *handshake;
	__u16 local = 0, remote = 0;

	fresh.id = next_connection_id();
	fresh.inode = reference->inode;
	fresh.role = role;
	fresh.transport = reference->transport;
	fresh.midstream = midstream;
	/* Verdicts are by id: none can be waiting for a new one. */
	fresh.verdict_generation = verdict_generation;
	if (reference->is_tcp && !has_upper_layer(reference->sk)) {
		handshake = bpf_map_lookup_elem(&handshakes, &reference->sk);
		if (handshake) {
			fresh.role = handshake->role;
			fresh.midstream = 0;
			fresh.sequence[DIRECTION_IN] = handshake->in_sequence;
			fresh.sequence[DIRECTION_OUT] = handshake->out_sequence;
			fresh.sequenced = 1;
		}
	}
	if (filter_ports) {
		if (reference->family != AF_UNIX)
			read_ports(reference->sk, &local, &remote);
		fresh.excluded = reference->family == AF_UNIX || !is_target_port(local, remote);
	}
	if (bpf_map_update_elem(&connections, &key, &fresh, BPF_ANY))
		return NULL;
	return bpf_map_lookup_elem(&connections, &key);
}

/* The entry of a socket. A new one gets `role` and `midstream` unless its handshake was seen. */
static __always_inline struct connection *find_connection(
	__u64 key, struct socket_reference *reference, __u8 role, __u8 midstream)
{
	struct connection *connection = bpf_map_lookup_elem(&connections, &key);

	if (connection && connection->inode == reference->inode)
		return connection;
	return add_connection(key, reference, role, midstream);
}

/*
 * Moves the position of `direction` on by `length` and returns where the bytes began; *opposite is
 * how far the other direction had come. TCP positions follow the kernel's sequence numbers, so that
 * bytes moved by calls without a hook (io_uring, splice) show as a gap instead of shifting what
 * follows.
 */
static __always_inline __u64 advance(struct connection *connection, __u32 direction, __u32 length,
	struct socket_reference *reference, __u64 *opposite)
{
	/* The masks repeat what is known, for the verifier. */
	__u32 own = direction & 1, other = ~direction & 1;
	__u64 start = connection->position[own];
	struct sequences now;
	__u32 own_now, other_now, moved;

	*opposite = connection->position[other];
	if (reference->is_tcp && !has_upper_layer(reference->sk)) {
		struct sock *sk = (void *)reference->sk;
		__u8 state = BPF_CORE_READ(sk, __sk_common.skc_state);

		read_sequences(reference->sk, state, &now);
		own_now = own ? now.out : now.in;
		other_now = own ? now.in : now.out;
		if (!connection->sequenced) {
			connection->sequenced = 1;
			connection->sequence[own] = own_now - length;
			connection->sequence[other] = other_now;
		}
		moved = own_now - connection->sequence[own];
		if (moved >= length && moved < SEQUENCE_JUMP_MAX) {
			start += moved - length;
			connection->sequence[own] = own_now;
		} else {
			connection->sequence[own] += length;
		}
		moved = other_now - connection->sequence[other];
		if (moved < SEQUENCE_JUMP_MAX)
			*opposite += moved;
	}
	connection->position[own] = start + length;
	return start;
}

/* Final positions, for the events that end a direction or a connection. */
static __always_inline void final_positions(
	struct connection *connection, bool is_tcp, __u64 sk, __u8 state, __u64 position[2])
{
	struct sequences now;
	__u32 moved;

	position[0] = connection->position[0];
	position[1] = connection->position[1];
	if (!is_tcp || !connection->sequenced)
		return;
	read_sequences(sk, state, &now);
	moved = now.in - connection->sequence[DIRECTION_IN];
	if (moved < SEQUENCE_JUMP_MAX)
		position[DIRECTION_IN] += moved;
	moved = now.out - connection->sequence[DIRECTION_OUT];
	if (moved < SEQUENCE_JUMP_MAX)
		position[DIRECTION_OUT] += moved;
}

static __always_inline void emit_end(
	struct connection *connection, __u8 type, __u8 direction, __u32 pid, __u64 position[2])
{
	struct end_event *event;

	if (!connection->announced || connection->excluded)
		return;
	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event) {
		count_lost_event();
		return;
	}
	event->type = type;
	event->direction = direction;
	event->reserved = 0;
	event->pid = pid;
	event->connection = connection->id;
	event->timestamp_ns = bpf_ktime_get_ns();
	event->position[0] = position[0];
	event->position[1] = position[1];
	bpf_ringbuf_submit(event, BPF_RB_NO_WAKEUP);
}

#endif
