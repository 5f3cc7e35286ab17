/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Changes of state of TCP sockets: handshakes, ends of directions, ends of connections. */
#ifndef LIBTRACE_SOCKET_STATE_H
#define LIBTRACE_SOCKET_STATE_H

#include "connection.bpf.h"

static __always_inline void note_handshake(__u64 sk, int old_state)
{
	struct handshake handshake = {};
	struct sequences now;

	read_sequences(sk, false, false, &now);
	handshake.out_sequence = now.out;
	handshake.in_sequence = now.in;
	handshake.role = old_state == TCP_SYN_SENT ? ROLE_CLIENT : ROLE_SERVER;
	bpf_map_update_elem(&handshakes, &sk, &handshake, BPF_ANY);
}

/*
 * True when a program still holds the socket that TCP is done with: after a half-close it may have
 * bytes to read, and a reset may arrive within the very call whose bytes have not been shown yet.
 * The current process may be the other end of a loopback connection, so its exit counts only when
 * it is the one that used the socket.
 */
static __always_inline bool is_held(struct connection *connection, __u64 sk)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	if (connection->closing || !KERNEL_READ((struct sock *)sk, sk_socket))
		return false;
	return !(KERNEL_READ(task, flags) & PF_EXITING) ||
	       (__u32)KERNEL_READ(task, tgid) != connection->pid;
}

static __always_inline int on_state(struct bpf_raw_tracepoint_args *ctx)
{
	__u64 sk = ctx->args[0];
	int old_state = ctx->args[1], new_state = ctx->args[2];
	struct connection *connection;
	__u64 position[2];

	if (BPF_CORE_READ((struct sock *)sk, sk_protocol) != IPPROTO_TCP)
		return 0;
	connection = bpf_map_lookup_elem(&connections, &sk);
	if (new_state == TCP_ESTABLISHED)
		note_handshake(sk, old_state);
	if (new_state == TCP_ESTABLISHED || old_state == TCP_CLOSE) {
		/* The memory of a socket whose end was not seen serves a new one. */
		if (connection)
			end_connection(connection, sk, 0, connection->position);
		return 0;
	}
	if (new_state == TCP_CLOSE)
		bpf_map_delete_elem(&handshakes, &sk);
	if (!connection || connection->tcp_state == new_state)
		return 0;
	connection->tcp_state = new_state;
	/* The FIN is queued after the change to a state that has sent it: positions first. */
	final_positions(connection, sk, position);
	if (has_sent_fin(new_state))
		connection->fin_out = 1;
	if (has_received_fin(new_state) || (new_state == TCP_CLOSE && old_state == TCP_FIN_WAIT2))
		connection->fin_in = 1;
	if (new_state == TCP_FIN_WAIT1 || new_state == TCP_LAST_ACK)
		emit_end(connection, EVENT_END, DIRECTION_OUT, 0, position);
	if (new_state != TCP_CLOSE)
		return 0;
	if (is_held(connection, sk)) {
		connection->lingering = 1;
		emit_end(connection, EVENT_LINGER, 0, 0, connection->position);
		return 0;
	}
	end_connection(connection, sk, 0, position);
	return 0;
}

#endif
