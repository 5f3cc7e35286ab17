/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kernel's own structs, as far as they are read: every access to kernel memory goes through
 * these declarations, which libbpf relocates to the running kernel (CO-RE). Names and meanings are
 * the kernel's.
 */
#ifndef LIBTRACE_KERNEL_TYPES_H
#define LIBTRACE_KERNEL_TYPES_H

#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#define AF_UNIX 1
#define AF_INET 2
#define AF_INET6 10
#define IPPROTO_TCP 6
#define SOCK_STREAM 1
#define SOCK_DGRAM 2
#define SOCK_SEQPACKET 5

/* include/net/tcp_states.h */
#define TCP_ESTABLISHED 1
#define TCP_SYN_SENT 2
#define TCP_SYN_RECV 3
#define TCP_FIN_WAIT1 4
#define TCP_FIN_WAIT2 5
#define TCP_TIME_WAIT 6
#define TCP_CLOSE 7
#define TCP_CLOSE_WAIT 8
#define TCP_LAST_ACK 9
#define TCP_CLOSING 11

/* include/linux/sched.h */
#define PF_EXITING 0x4

/* include/net/sock.h */
#define RCV_SHUTDOWN 1
#define SEND_SHUTDOWN 2

#define S_IFMT 0170000
#define S_IFSOCK 0140000

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct inode {
	__u16 i_mode;
	unsigned long i_ino;
};

struct file {
	struct inode *f_inode;
	void *private_data;
};

/* Until 6.12; since 6.13 (commit 08ef26ea9ab3) the count is file_ref_t f_ref, which is 0 for one
 * reference. */
struct file___counted {
	struct {
		long counter;
	} f_count;
};

struct file___referenced {
	struct {
		struct {
			long counter;
		} refcnt;
	} f_ref;
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};

struct files_struct {
	struct fdtable *fdt;
};

struct signal_struct {
	struct {
		int counter;
	} live;
};

struct mm_struct;

struct task_struct {
	unsigned int flags;
	int pid;
	int tgid;
	struct task_struct *real_parent;
	struct files_struct *files;
	struct signal_struct *signal;
	struct mm_struct *mm;
	char comm[16];
};

struct mm_struct {
	unsigned long arg_start;
	unsigned long arg_end;
};

struct linux_binprm {
	const char *filename;
};

struct in6_addr {
	__u8 s6_addr[16];
};

struct sock_common {
	__be32 skc_daddr;
	__be32 skc_rcv_saddr;
	__be16 skc_dport;
	__u16 skc_num;
	unsigned short skc_family;
	volatile unsigned char skc_state;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
};

struct socket;

struct sock {
	struct sock_common __sk_common;
	__u16 sk_protocol;
	__u16 sk_type;
	__u8 sk_shutdown;
	int sk_err;
	struct socket *sk_socket;
};

struct socket {
	struct sock *sk;
};

/* A socket and its inode are one allocation: include/net/sock.h, SOCK_INODE. */
struct socket_alloc {
	struct inode vfs_inode;
};

struct inet_connection_sock {
	const void *icsk_ulp_ops;
};

struct tcp_sock {
	__u32 write_seq;
	__u32 copied_seq;
	__u32 rcv_nxt;
};

struct sockaddr_un {
	unsigned short sun_family;
	char sun_path[108];
};

struct unix_address {
	int len;
	struct sockaddr_un name[];
};

struct unix_sock {
	struct unix_address *addr;
	struct sock *peer;
};

#pragma clang attribute pop

/* x86: r15 … ss, arch/x86/include/asm/ptrace.h; the names of the members have changed, their places
 * have not. */
struct pt_regs {
	__u64 words[21];
};

/*
 * Since 6.2 (commit a35b9af4ec2c) any address can be given a kernel type and is then read by a
 * plain load, which yields 0 where nothing is mapped. A call of bpf_probe_read_kernel costs twenty
 * times as much.
 */
extern void *bpf_rdonly_cast(const void *address, __u32 type) __ksym __weak;

#define can_cast() bpf_ksym_exists(bpf_rdonly_cast)
#define cast_to(pointer, type)                                                                     \
	((type *)bpf_rdonly_cast((const void *)(pointer), bpf_core_type_id_kernel(type)))

/* One member of a kernel struct: pointer->field. */
#define KERNEL_READ(pointer, field)                                                                \
	({                                                                                         \
		typeof(pointer) pointer__ = (pointer);                                             \
		typeof(pointer__->field) value__;                                                  \
		if (can_cast())                                                                    \
			value__ = cast_to(pointer__, typeof(*pointer__))->field;                   \
		else                                                                               \
			value__ = BPF_CORE_READ(pointer__, field);                                 \
		value__;                                                                           \
	})

/* User memory: include/uapi/linux/uio.h, include/linux/socket.h (64-bit layout). */
struct user_iovec {
	__u64 base;
	__u64 length;
};

struct user_msghdr {
	__u64 name;
	__u32 name_length;
	__u32 pad0;
	__u64 vector;
	__u64 vector_length;
	__u64 control;
	__u64 control_length;
	__u32 flags;
	__u32 pad1;
};

struct user_mmsghdr {
	struct user_msghdr header;
	__u32 length;
	__u32 pad;
};

#define MSG_OOB 0x1
#define MSG_PEEK 0x2
#define MSG_TRUNC 0x20
#define MSG_ERRQUEUE 0x2000

#endif
