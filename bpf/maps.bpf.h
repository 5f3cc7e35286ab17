/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef LIBTRACE_MAPS_H
#define LIBTRACE_MAPS_H

#include "kernel_types.bpf.h"
#include "socket_tracer_api.bpf.h"

/* A read of user memory is at most this long, so that `filled + piece` stays inside the capture
 * area. */
#define PIECE_MAX 16384

/* What the last call of a connection without a protocol moved, when it was short: perhaps a header
 * whose message is read by the next call. */
struct carry {
	__u64 end; /* position behind it */
	__u8 bytes[CARRY_MAX];
	__u8 length; /* 0: nothing is carried */
	__u8 direction;
	__u8 pad[6];
};

/* One entry of `connections`. */
struct connection {
	__u64 id;
	__u64 inode;	    /* proves that the key's socket is still the same one */
	__u64 position[2];  /* bytes moved, per enum direction */
	__u64 moved_ns;	    /* when */
	__u64 suspected_ns; /* when a rule last said `likely` after the connection fell silent */
	__u64 created_ns;
	__u64 plaintext; /* id of the plaintext connection whose ciphertext it carries; 0: none */
	struct carry carry;
	__u32 sequence[2]; /* TCP: the kernel's sequence number at `position` */
	__u32 verdict_generation;
	__u32 plugin_generation;
	__u32 pid;		/* that moved bytes last */
	__u32 unnamed_bytes[2]; /* delivered while no protocol was named */
	__u32 unnamed_segments;
	__u8 protocol;
	__u8 announced;
	__u8 ignored;
	__u8 role;
	__u8 transport;
	__u8 midstream;
	__u8 sequenced; /* `sequence` is in use: the kernel's numbers count plain bytes */
	__u8 fin_in;
	__u8 fin_out;
	__u8 excluded;	/* the port filter leaves it out */
	__u8 tcp_state; /* the last change that was looked at */
	__u8 lingering; /* TCP is done with it, a program still holds it */
	__u8 closing;	/* the program is closing its last descriptor */
	__u8 revived;	/* segments that it may deliver although it has fallen silent */
	__u8 covered;	/* its plaintext is delivered */
	__u8 carried;	/* a plaintext connection has been bound to it */
	__u8 pad[4];
};

/* Remembered from a TCP handshake until the socket is closed. */
struct handshake {
	__u32 out_sequence;
	__u32 in_sequence;
	__u32 role;
};

/* What a file descriptor led to. */
struct socket_reference {
	__u64 sk;
	__u64 inode;
	__u8 transport; /* enum connection_transport */
	__u8 is_tcp; /* sk is a struct tcp_sock (not MPTCP) whose sequence numbers count plain bytes
		      */
	__u8 has_peer; /* UDP without connect(): the datagram's other end is in peer_* */
	__u8 pad[3];
	__u16 peer_port; /* host byte order */
	__u8 peer_addr[16];
};

/* The call being looked at; lives from a hook to the end of its tail calls, on one CPU. */
struct call {
	struct socket_reference reference;
	__u64 key;	     /* in `connections` */
	__u64 buffer;	     /* user address, when there is one buffer */
	__u64 vector;	     /* user address of iovecs, when there are several */
	__u64 vector_length; /* iovecs */
	__u64 vector_index;  /* next iovec to copy */
	__u64 vector_offset; /* bytes of it already copied */
	__u64 messages;	     /* user address of mmsghdrs */
	__u64 start_ns;
	__u64 end_ns;
	__u32 messages_length; /* mmsghdrs to look at */
	__u32 messages_index;
	__u32 filled;	 /* bytes copied to the capture area */
	__u32 limit;	 /* bytes wanted there now */
	__u32 wanted;	 /* bytes wanted there if inference names a protocol */
	__u32 direction; /* enum direction */
	__u8 settled;	 /* inference has nothing to say: the protocol is known, or was asked for */
	__u8 discarded;	 /* recv with MSG_TRUNC: the bytes were not put into user memory */
	__u8 tail_calls; /* made since the hook */
	__u8 pad;
	__u32 quiet_bytes; /* of this CPU: written to the ring since user space was woken */
	__u32 pad2;
};

struct capture {
	struct segment_event event;
	__u8 data[CAPTURE_MAX + PIECE_MAX];
};

/* Events for user space. Resized by the loader. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 8 * 1024 * 1024);
} events SEC(".maps");

/* Key: address of the struct sock. Resized by the loader. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, __u64);
	__type(value, struct connection);
} connections SEC(".maps");

/* One entry a peer of a UDP socket without connect(): the socket's address mixed with the peer's.
 * Resized by the loader. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, struct connection);
} datagram_peers SEC(".maps");

/* Key: address of the struct sock. Filled by inet_sock_set_state. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, __u64);
	__type(value, struct handshake);
} handshakes SEC(".maps");

/* Key: thread id. Value: when the thread entered its current sending call, ns. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, __u32);
	__type(value, __u64);
} send_entries SEC(".maps");

struct verdict verdicts[VERDICT_SLOTS] = {};

/* Written by the CPU that it is for. */
struct counters counters[CPUS_MAX] = {};

/* Key: command name that is traced, padded with NUL. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, char[COMM_BYTES]);
	__type(value, __u8);
} target_comms SEC(".maps");

/* Key: port, host byte order. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u16);
	__type(value, __u8);
} target_ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct call);
} calls SEC(".maps");

/* What the rules look at, and their answer. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct inference_window);
} windows SEC(".maps");

/* One entry a CPU: a per-CPU array's values are limited to 32 KiB. Resized by the loader. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct capture);
} captures SEC(".maps");

/* Next connection number of each CPU. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} connection_numbers SEC(".maps");

/* Files that some traced process has mapped as code. Key: address of the struct inode. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64);
	__type(value, __u8);
} known_files SEC(".maps");

/* Programs that plugins' rules are compiled to, at most. */
#define RULE_PROGRAMS_MAX 8

/*
 * The pipeline: hook -> (copy) -> inference -> rules -> emit. The slots from STAGE_RULES on belong
 * to user space: the first program of the rules, and two banks for those that follow it. New rules
 * go into the other bank, so that a run in the middle of the old ones ends as it began.
 */
enum stage {
	STAGE_VECTOR = 0,
	STAGE_MESSAGES = 1,
	STAGE_INFER = 2,
	STAGE_EMIT = 3,
	STAGE_RULES = 4,
	STAGE_RULES_NEXT = 5,
	STAGE_COUNT = STAGE_RULES_NEXT + 2 * (RULE_PROGRAMS_MAX - 1),
};

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, STAGE_COUNT);
	__type(key, __u32);
	__type(value, __u32);
} stages SEC(".maps");

#endif
