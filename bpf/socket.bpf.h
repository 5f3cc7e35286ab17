/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* From a file descriptor to the kernel's socket, and what is read out of it. */
#ifndef LIBTRACE_SOCKET_H
#define LIBTRACE_SOCKET_H

#include "maps.bpf.h"

/* 1: datagrams are traced too (some active plugin speaks a protocol over UDP). */
const volatile __u8 want_udp = 0;

/*
 * The current process' file behind a descriptor. It is not pinned: the reads of its memory fail
 * safely, and what they give is checked against the socket's inode number.
 */
static __always_inline struct file *file_of(__u32 fd)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct fdtable *table = KERNEL_READ(KERNEL_READ(task, files), fdt);
	struct file **slot;
	struct file *file = NULL;

	if (fd >= KERNEL_READ(table, max_fds))
		return NULL;
	slot = KERNEL_READ(table, fd) + fd;
	/* A cast needs a struct: any that begins with a word. */
	if (can_cast())
		return (struct file *)cast_to(slot, struct pt_regs)->words[0];
	bpf_probe_read_kernel(&file, sizeof(file), slot);
	return file;
}

/* False when `sk` is not of a kind that is traced. */
static __always_inline bool describe_socket(struct socket_reference *reference)
{
	struct sock *sk = (void *)reference->sk;
	__u16 type = KERNEL_READ(sk, sk_type);
	__u16 family = KERNEL_READ(sk, __sk_common.skc_family);

	if (family == AF_INET || family == AF_INET6) {
		if (type == SOCK_STREAM) {
			reference->transport = TRANSPORT_TCP;
			reference->is_tcp = KERNEL_READ(sk, sk_protocol) == IPPROTO_TCP;
			return true;
		}
		reference->transport = TRANSPORT_UDP;
		return want_udp && type == SOCK_DGRAM;
	}
	reference->transport = TRANSPORT_UNIX;
	return family == AF_UNIX && type == SOCK_STREAM;
}

/*
 * Fills `reference` and, when the socket is in the table of connections, *connection. False when
 * `fd` is not a socket of a kind that is traced. What a file that is no socket keeps in
 * private_data leads to no entry of the table, and no further than the check of its inode.
 */
static __always_inline bool socket_of(
	__u32 fd, struct socket_reference *reference, struct connection **connection)
{
	struct file *file = file_of(fd);
	struct connection *known;
	struct socket *socket;

	*connection = NULL;
	if (!file)
		return false;
	socket = KERNEL_READ(file, private_data);
	reference->sk = (__u64)KERNEL_READ(socket, sk);
	reference->inode = KERNEL_READ((struct socket_alloc *)socket, vfs_inode.i_ino);
	reference->has_peer = 0;
	reference->is_tcp = 0;
	known = bpf_map_lookup_elem(&connections, &reference->sk);
	if (known && known->inode == reference->inode) {
		reference->transport = known->transport;
		reference->is_tcp = known->sequenced;
		*connection = known;
		return true;
	}
	if ((KERNEL_READ(KERNEL_READ(file, f_inode), i_mode) & S_IFMT) != S_IFSOCK)
		return false;
	return describe_socket(reference);
}

/* True when the current call drops the last reference to the file of `fd`. */
static __always_inline bool is_last_reference(__u32 fd)
{
	struct file *file = file_of(fd);

	if (bpf_core_field_exists(((struct file___counted *)0)->f_count))
		return BPF_CORE_READ((struct file___counted *)file, f_count.counter) == 1;
	return BPF_CORE_READ((struct file___referenced *)file, f_ref.refcnt.counter) == 0;
}

/*
 * For a UDP socket that is not connected: the other end, from the sockaddr at the user address
 * `name` (include/uapi/linux/in.h, in6.h). A connected socket has one peer, and the address adds
 * nothing.
 */
static __always_inline void read_peer(struct socket_reference *reference, __u64 name)
{
	struct {
		__u16 family;
		__u16 port; /* network byte order */
		__u32 address4;
		__u8 address6[16];
	} peer = {};
	struct sock *sk = (void *)reference->sk;

	if (!want_udp || reference->transport != TRANSPORT_UDP || !name)
		return;
	if (KERNEL_READ(sk, __sk_common.skc_dport))
		return;
	if (KERNEL_READ(sk, __sk_common.skc_family) == AF_INET) {
		if (bpf_probe_read_user(&peer, 8, (void *)name))
			return;
		__builtin_memset(reference->peer_addr, 0, 16);
		__builtin_memcpy(reference->peer_addr, &peer.address4, 4);
	} else {
		if (bpf_probe_read_user(&peer, sizeof(peer), (void *)name))
			return;
		__builtin_memcpy(reference->peer_addr, peer.address6, 16);
	}
	reference->peer_port = __builtin_bswap16(peer.port);
	reference->has_peer = 1;
}

/* The key of a socket's entry in `connections`; UDP without connect() has an entry per peer. */
static __always_inline __u64 connection_key(struct socket_reference *reference)
{
	__u64 key = reference->sk;
	__u64 halves[2];

	if (!reference->has_peer)
		return key;
	__builtin_memcpy(halves, reference->peer_addr, 16);
	key ^= (halves[0] + reference->peer_port + 1) * 0x9e3779b97f4a7c15ull;
	key ^= (halves[1] + 1) * 0xc2b2ae3d27d4eb4full;
	return key;
}

/* Sequence numbers behind the last byte moved. */
struct sequences {
	__u32 in;
	__u32 out;
};

/*
 * The kernel's own count of what moved. A FIN takes a sequence number of its own (RFC 9293, 3.4):
 * it is taken off. `fin_in`, `fin_out`: the direction's FIN was received, sent.
 */
static __always_inline void read_sequences(
	__u64 sk, bool fin_in, bool fin_out, struct sequences *sequences)
{
	struct tcp_sock *tcp = (void *)sk;

	sequences->out = KERNEL_READ(tcp, write_seq);
	sequences->in = KERNEL_READ(tcp, copied_seq);
	if (fin_out)
		sequences->out--;
	if (fin_in && sequences->in == KERNEL_READ(tcp, rcv_nxt))
		sequences->in--;
}

static __always_inline bool has_sent_fin(__u8 state)
{
	return state == TCP_FIN_WAIT1 || state == TCP_FIN_WAIT2 || state == TCP_LAST_ACK ||
	       state == TCP_CLOSING || state == TCP_TIME_WAIT;
}

static __always_inline bool has_received_fin(__u8 state)
{
	return state == TCP_CLOSE_WAIT || state == TCP_LAST_ACK || state == TCP_CLOSING ||
	       state == TCP_TIME_WAIT;
}

/* Upper-layer protocols (kTLS) change what the sequence numbers count. */
static __always_inline bool has_upper_layer(__u64 sk)
{
	return KERNEL_READ((struct inet_connection_sock *)sk, icsk_ulp_ops) != NULL;
}

#endif
