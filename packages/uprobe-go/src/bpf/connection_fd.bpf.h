/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From a *tls.Conn to the file descriptor of its socket:
 *
 *   tls.Conn.conn (net.Conn: type, data) -> net.TCPConn.conn.fd -> net.netFD.pfd.Sysfd
 *
 * What implements net.Conn may be anything. A *net.TCPConn (or UnixConn) is known by its netFD,
 * which names its network; of a struct that begins with a net.Conn (an embedded one, another
 * tls.Conn) that one is tried in turn. Whatever else it is, no descriptor is named.
 */
#ifndef LIBTRACE_GO_CONNECTION_FD_H
#define LIBTRACE_GO_CONNECTION_FD_H

#include <linux/types.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>

/* Offsets within Go's structs; of the same size in all versions known. */
const volatile __u64 conn_conn_offset = 0;  /* crypto/tls.Conn.conn */
const volatile __u64 tcpconn_fd_offset = 0; /* net.TCPConn.conn.fd */
const volatile __u64 netfd_pfd_offset = 0;  /* net.netFD.pfd */
const volatile __u64 fd_sysfd_offset = 16;  /* internal/poll.FD.Sysfd */
const volatile __u64 netfd_net_offset = 80; /* net.netFD.net */

/* net.Conn within net.Conn, at most. */
#define WRAPPED_MAX 3
/* More descriptors than a process may have (NR_OPEN_MAX, fs/file_table.c, is of this order). */
#define DESCRIPTORS_MAX (1 << 30)

struct go_interface {
	__u64 type;
	__u64 data;
};

struct go_string {
	__u64 pointer;
	__u64 length;
};

/* Whether a netFD says that it is of a network on which TLS is spoken: tcp, tcp4, tcp6, unix. */
static __always_inline bool is_network(__u64 netfd)
{
	struct go_string network;
	char name[4];

	if (bpf_probe_read_user(&network, sizeof(network), (void *)(netfd + netfd_net_offset)))
		return false;
	if (network.length != 3 && network.length != 4)
		return false;
	if (bpf_probe_read_user(name, sizeof(name), (void *)network.pointer))
		return false;
	if (name[0] == 't')
		return name[1] == 'c' && name[2] == 'p';
	return name[0] == 'u' && name[1] == 'n' && name[2] == 'i' && name[3] == 'x';
}

/* No descriptor: of what net.Conn it is, is not known, or it is closed. */
#define FD_UNKNOWN (-1)
#define FD_CLOSED (-2)

/* Descriptor of a netFD. */
static __always_inline __s32 descriptor_of(__u64 netfd)
{
	__u64 fd;

	if (bpf_probe_read_user(
		    &fd, sizeof(fd), (void *)(netfd + netfd_pfd_offset + fd_sysfd_offset)))
		return FD_UNKNOWN;
	/* Go writes -1 when it closes it. */
	return fd < DESCRIPTORS_MAX ? (__s32)fd : FD_CLOSED;
}

/* Descriptor of the socket under a *tls.Conn, or FD_*. */
static __always_inline __s32 connection_fd(__u64 connection)
{
	struct go_interface below;
	__u64 netfd, at = connection + conn_conn_offset;

	for (int i = 0; i < WRAPPED_MAX; i++) {
		if (bpf_probe_read_user(&below, sizeof(below), (void *)at) || !below.data)
			return FD_UNKNOWN;
		if (bpf_probe_read_user(
			    &netfd, sizeof(netfd), (void *)(below.data + tcpconn_fd_offset)))
			return FD_UNKNOWN;
		if (is_network(netfd))
			return descriptor_of(netfd);
		at = below.data;
	}
	return FD_UNKNOWN;
}

#endif
