/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The connection table: one entry a socket, its positions, and what user space is told of it. */
#ifndef LIBTRACE_CONNECTION_H
#define LIBTRACE_CONNECTION_H

#include "filter.bpf.h"
#include "socket.bpf.h"

/* Wake user space when this many bytes wait in the ring; below, it comes by itself every few
 * milliseconds. */
const volatile __u32 wake_bytes = 256 * 1024;
/* Incremented by user space after it has written to `verdicts`. */
volatile __u32 verdict_generation = 0;
/* Incremented by user space when the plugins have changed. */
volatile __u32 plugin_generation = 0;

/* A jump of the sequence numbers beyond this is not believed (reused socket, repair mode). */
#define SEQUENCE_JUMP_MAX (1u << 30)

static __always_inline struct counters *own_counters(void)
{
	return &counters[bpf_get_smp_processor_id() % CPUS_MAX];
}

static __always_inline void count_lost_event(void)
{
	struct counters *c = own_counters();

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

/* The end of a connection: user space is told, its entry is removed. */
static __always_inline void end_connection(
	struct connection *connection, __u64 key, __u32 pid, __u64 position[2])
{
	emit_end(connection, EVENT_CLOSE, 0, pid, position);
	bpf_map_delete_elem(&connections, &key);
}

/* Tells user space of the connection, once; tried again at the next segment when the ring is full.
 */
static __always_inline bool announce(struct connection *connection, __u64 key,
	struct socket_reference *reference, __u64 pid_tgid)
{
	struct sock *sk = (void *)reference->sk;
	__u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);
	struct open_event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (!event) {
		count_lost_event();
		return false;
	}
	__builtin_memset(event, 0, sizeof(*event));
	event->type = EVENT_OPEN;
	event->role = connection->role;
	event->transport = connection->transport;
	event->family = family;
	event->pid = pid_tgid >> 32;
	event->tid = (__u32)pid_tgid;
	event->connection = connection->id;
	event->key = key;
	event->inode = connection->inode;
	event->timestamp_ns = bpf_ktime_get_ns();
	event->position[0] = connection->position[0];
	event->position[1] = connection->position[1];
	event->midstream = connection->midstream;
	if (family == AF_UNIX) {
		read_unix_path(reference->sk, event);
	} else {
		read_ports(reference->sk, &event->local_port, &event->remote_port);
		if (family == AF_INET) {
			__be32 address = BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr);

			__builtin_memcpy(event->local_addr, &address, 4);
			address = BPF_CORE_READ(sk, __sk_common.skc_daddr);
			__builtin_memcpy(event->remote_addr, &address, 4);
		} else {
			BPF_CORE_READ_INTO(&event->local_addr, sk, __sk_common.skc_v6_rcv_saddr);
			BPF_CORE_READ_INTO(&event->remote_addr, sk, __sk_common.skc_v6_daddr);
		}
		if (reference->has_peer) {
			event->remote_port = reference->peer_port;
			__builtin_memcpy(event->remote_addr, reference->peer_addr, 16);
		}
	}
	bpf_ringbuf_submit(event, BPF_RB_NO_WAKEUP);
	connection->announced = 1;
	if (connection->lingering)
		emit_end(connection, EVENT_LINGER, 0, 0, connection->position);
	return true;
}

static __always_inline struct connection *entry_of(__u64 key, struct socket_reference *reference)
{
	if (reference->has_peer)
		return bpf_map_lookup_elem(&datagram_peers, &key);
	return bpf_map_lookup_elem(&connections, &key);
}

/*
 * From here on the positions of a TCP connection follow the kernel's sequence numbers. Those of its
 * handshake make its very first byte position 0; without one, the connection is older than the
 * tracer and begins where it is now.
 */
static __always_inline void begin_sequences(struct connection *fresh, __u64 sk)
{
	struct handshake *handshake = bpf_map_lookup_elem(&handshakes, &sk);
	struct sequences now;
	__u8 state;

	fresh->sequenced = 1;
	state = KERNEL_READ((struct sock *)sk, __sk_common.skc_state);
	if (state == TCP_CLOSE) {
		__u8 shut = KERNEL_READ((struct sock *)sk, sk_shutdown);

		fresh->fin_in = (shut & RCV_SHUTDOWN) != 0;
		fresh->fin_out = (shut & SEND_SHUTDOWN) != 0;
		fresh->lingering = 1;
	} else {
		fresh->fin_in = has_received_fin(state);
		fresh->fin_out = has_sent_fin(state);
	}
	if (handshake) {
		fresh->role = handshake->role;
		fresh->midstream = 0;
		fresh->sequence[DIRECTION_IN] = handshake->in_sequence;
		fresh->sequence[DIRECTION_OUT] = handshake->out_sequence;
		return;
	}
	read_sequences(sk, fresh->fin_in, fresh->fin_out, &now);
	fresh->sequence[DIRECTION_IN] = now.in;
	fresh->sequence[DIRECTION_OUT] = now.out;
}

/* A new entry of the table, or NULL when it is full. */
static __always_inline struct connection *add_connection(
	__u64 key, struct socket_reference *reference, __u8 role, __u8 midstream)
{
	struct connection fresh = {};
	__u16 local = 0, remote = 0;

	fresh.id = next_connection_id();
	fresh.created_ns = bpf_ktime_get_ns();
	fresh.inode = reference->inode;
	fresh.role = role;
	fresh.transport = reference->transport;
	fresh.midstream = midstream;
	/* Verdicts are by id: none can be waiting for a new one. */
	fresh.verdict_generation = verdict_generation;
	fresh.plugin_generation = plugin_generation;
	if (reference->is_tcp && !has_upper_layer(reference->sk))
		begin_sequences(&fresh, reference->sk);
	reference->is_tcp = fresh.sequenced;
	if (filter_ports) {
		if (reference->transport != TRANSPORT_UNIX)
			read_ports(reference->sk, &local, &remote);
		fresh.excluded =
			reference->transport == TRANSPORT_UNIX || !is_target_port(local, remote);
	}
	if (reference->has_peer) {
		if (bpf_map_update_elem(&datagram_peers, &key, &fresh, BPF_ANY))
			return NULL;
	} else if (bpf_map_update_elem(&connections, &key, &fresh, BPF_ANY)) {
		return NULL;
	}
	return entry_of(key, reference);
}

/* The entry of the call's socket: `known`, or the one of the datagram's peer, or a new one; NULL:
 * no room. */
static __always_inline struct connection *connection_of(
	struct call *call, struct connection *known, __u8 role, __u8 midstream)
{
	call->key = connection_key(&call->reference);
	if (call->reference.has_peer) {
		known = entry_of(call->key, &call->reference);
		if (known && known->inode != call->reference.inode)
			known = NULL;
	}
	return known ? known : add_connection(call->key, &call->reference, role, midstream);
}

/*
 * Moves the position of `direction` on by `length` and returns where the bytes began; *opposite is
 * how far the other direction had come. TCP positions follow the kernel's sequence numbers, so that
 * bytes moved by calls without a hook (io_uring, splice) show as a gap instead of shifting what
 * follows. `one_of_many`: the call moved more bytes than these, and the sequence numbers are behind
 * all of them.
 */
static __always_inline __u64 advance(struct connection *connection, __u32 direction, __u32 length,
	struct socket_reference *reference, bool one_of_many, __u64 *opposite)
{
	/* The masks repeat what is known, for the verifier. */
	__u32 own = direction & 1, other = ~direction & 1;
	__u64 start = connection->position[own];
	struct sequences now;
	__u32 moved;

	*opposite = connection->position[other];
	if (connection->sequenced) {
		read_sequences(reference->sk, connection->fin_in, connection->fin_out, &now);
		moved = (own ? now.out : now.in) - connection->sequence[own];
		if (one_of_many) {
			connection->sequence[own] += length;
		} else {
			if (moved >= length && moved < SEQUENCE_JUMP_MAX)
				start += moved - length;
			connection->sequence[own] += moved;
		}
		moved = (own ? now.in : now.out) - connection->sequence[other];
		if (moved < SEQUENCE_JUMP_MAX)
			*opposite += moved;
	}
	connection->position[own] = start + length;
	return start;
}

/* Final positions, for the events that end a direction or a connection. */
static __always_inline void final_positions(
	struct connection *connection, __u64 sk, __u64 position[2])
{
	struct sequences now;
	__u32 moved;

	position[0] = connection->position[0];
	position[1] = connection->position[1];
	if (!connection->sequenced)
		return;
	read_sequences(sk, connection->fin_in, connection->fin_out, &now);
	moved = now.in - connection->sequence[DIRECTION_IN];
	if (moved < SEQUENCE_JUMP_MAX)
		position[DIRECTION_IN] += moved;
	moved = now.out - connection->sequence[DIRECTION_OUT];
	if (moved < SEQUENCE_JUMP_MAX)
		position[DIRECTION_OUT] += moved;
}

#endif
