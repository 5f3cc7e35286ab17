/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The contract: everything that crosses between the socket tracer's programs and user space. The
 * TypeScript readers in packages/core/src/kernel/contract.gen.ts are generated from the BTF of
 * these structs.
 *
 * All integers are in host byte order unless a field says otherwise. No struct is packed; all
 * padding is named. Times are CLOCK_MONOTONIC nanoseconds (bpf_ktime_get_ns). Process ids are those
 * of the initial pid namespace.
 */
#ifndef LIBTRACE_SOCKET_TRACER_API_H
#define LIBTRACE_SOCKET_TRACER_API_H

/* The most bytes that one segment event carries. */
#define CAPTURE_MAX 131072
#define COMM_BYTES 16
#define PATH_BYTES 256
#define ARGUMENT_BYTES 512

/* First byte of every event. */
enum event_type {
	EVENT_SEGMENT = 1, /* struct segment_event, then `captured` bytes */
	EVENT_OPEN = 2,	   /* struct open_event */
	EVENT_END = 3,	   /* struct end_event: one direction ended */
	EVENT_CLOSE = 4,   /* struct end_event: the socket is gone */
	EVENT_EXEC = 5,	   /* struct process_event */
	EVENT_FORK = 6,	   /* struct process_event */
	EVENT_EXIT = 7,	   /* struct process_event */
	EVENT_LINGER =
		8, /* struct end_event: TCP is done with the socket, a program still holds it */
	EVENT_BIND = 9,	   /* struct bind_event */
	EVENT_MAPPED = 10, /* struct mapped_event */
};

/* Seen from the traced process. Also the index of per-direction arrays. */
enum direction {
	DIRECTION_IN = 0,
	DIRECTION_OUT = 1,
};

enum connection_role {
	ROLE_UNKNOWN = 0,
	ROLE_CLIENT = 1,
	ROLE_SERVER = 2,
};

enum connection_transport {
	TRANSPORT_TCP = 1,
	TRANSPORT_UDP = 2,
	TRANSPORT_UNIX = 3,
	TRANSPORT_TLS = 4, /* plaintext above a TLS library */
};

/* Why `length - captured` bytes at the end of a segment are missing. */
enum hole_reason {
	HOLE_NONE = 0,
	HOLE_LIMIT = 1,	      /* more than the capture limit, or more buffers than are walked */
	HOLE_KERNEL_COPY = 2, /* sendfile: the bytes never were in user memory */
	HOLE_FAULT = 3,	      /* user memory could not be read */
};

/* Written by user space into the `verdicts` map. */
enum verdict_kind {
	VERDICT_NONE = 0,
	VERDICT_PROTOCOL = 1, /* settled: capture everything */
	VERDICT_IGNORE = 2,   /* capture nothing more */
	VERDICT_REOPEN = 3,   /* back to inference */
};

/* Bytes that one system call moved (one datagram for UDP). The captured bytes follow the struct. */
struct segment_event {
	__u8 type;
	__u8 direction;	  /* enum direction */
	__u8 hole_reason; /* enum hole_reason */
	__u8 protocol;	  /* number of the protocol that in-kernel inference named; 0: none */
	__u32 pid;
	__u32 tid;
	__u32 length;		 /* bytes moved */
	__u32 captured;		 /* bytes that follow */
	__u32 idle_ms;		 /* since the connection last moved a byte, seen or lost */
	__u64 connection;	 /* id, as in the open_event */
	__u64 start_ns;		 /* written: entry of the call; read: its return */
	__u64 end_ns;		 /* return of the call */
	__u64 position;		 /* bytes moved in this direction before */
	__u64 opposite_position; /* bytes moved in the other direction by then */
};

/* A connection is announced before its first segment. */
struct open_event {
	__u8 type;
	__u8 role;	/* enum connection_role */
	__u8 transport; /* enum connection_transport */
	__u8 family;	/* AF_INET, AF_INET6, AF_UNIX */
	__u32 pid;
	__u32 tid;
	__u16 local_port;
	__u16 remote_port;
	__u64 connection; /* unique for the life of the loaded object; below 2^53 */
	__u64 key;	  /* key in the `connections` map; TRANSPORT_TLS: the library's object */
	__u64 inode;	  /* inode number of the socket, as in /proc/PID/fd */
	__u64 timestamp_ns;
	__u64 position[2];   /* per direction, at this time */
	__u8 local_addr[16]; /* network byte order; IPv4 uses the first four bytes */
	__u8 remote_addr[16];
	__u8 midstream;	  /* 1: bytes may have moved before the tracer knew of the socket */
	__u8 path_length; /* AF_UNIX: bytes of `path` */
	__u8 path[108];	  /* AF_UNIX: sun_path of the listening end; abstract ones begin with NUL */
	__u8 source;	  /* TRANSPORT_TLS: number of the source of plaintext */
	__u8 reserved[1]; /* 0 */
};

/*
 * The plaintext connection `connection` (TRANSPORT_TLS) has its ciphertext carried by `carrier`,
 * which was announced before, from now on. Comes after the open_event of `connection`.
 */
struct bind_event {
	__u8 type;
	__u8 reserved[7]; /* 0 */
	__u64 connection;
	__u64 carrier;
	__u64 timestamp_ns;
};

/* A traced process has mapped a file as code. Only while there are sources of plaintext. */
struct mapped_event {
	__u8 type;
	__u8 reserved[3]; /* 0 */
	__u32 pid;
	__u64 inode; /* number, on a device that is not told */
	__u64 timestamp_ns;
};

/*
 * EVENT_END: `direction` moved its last byte. EVENT_CLOSE: both did. EVENT_LINGER: nothing new will
 * come, but bytes that came before may still be read; the program's close of the socket will be the
 * end, or its exit, which no hook sees.
 */
struct end_event {
	__u8 type;
	__u8 direction; /* EVENT_END only */
	__u16 reserved; /* 0 */
	__u32 pid;	/* 0 when not in the context of a traced process */
	__u64 connection;
	__u64 timestamp_ns;
	__u64 position[2]; /* final, per direction */
};

struct process_event {
	__u8 type;
	__u8 reserved[3]; /* 0 */
	__u32 pid;
	__u32 parent_pid;
	__u32 path_length; /* EVENT_EXEC: bytes of `path` */
	__u64 timestamp_ns;
	__u64 cgroup; /* cgroup v2 id: the inode number of its directory */
	__u8 comm[COMM_BYTES];
	__u8 path[PATH_BYTES];		/* EVENT_EXEC: the file as given to execve */
	__u8 arguments[ARGUMENT_BYTES]; /* EVENT_EXEC: NUL-terminated, one behind the other; cut */
	__u32 arguments_length;		/* bytes of `arguments` */
	__u32 reserved2;		/* 0 */
};

/*
 * Decisions of user space, in a table of VERDICT_SLOTS: a slot is found by VERDICT_SLOT(connection
 * id). User space writes `kind` and `protocol`, then `connection`, then increments
 * verdict_generation. It is plain memory that both sides map: a bpf() call for every verdict would
 * make the kernel skip tracing programs on that CPU meanwhile.
 */
#define VERDICT_SLOTS 16384
#define VERDICT_SLOT(id) (((__u32)(id) + (__u32)((id) >> 40) * 0x9e3779b1u) & (VERDICT_SLOTS - 1))

struct verdict {
	__u64 connection; /* id; whose verdict it is */
	__u8 kind;	  /* enum verdict_kind; VERDICT_NONE once it was taken */
	__u8 protocol;	  /* VERDICT_PROTOCOL: its number, or PROTOCOL_UNNUMBERED */
	__u8 reserved[6];
};

/* First bytes of a message that inference rules may look at. */
#define WINDOW_BYTES 256
/* The longest header that is kept for the call that reads the rest of its message. */
#define CARRY_MAX 16
/* Protocols have the numbers 1 to PROTOCOLS_MAX, given by user space. */
#define PROTOCOLS_MAX 250

/* Answers of the rules beyond a protocol's number. */
enum window_answer {
	ANSWER_NONE = 0,
	ANSWER_TLS = 254, /* a TLS record: user space decides what becomes of the connection */
};

/* Named by user space; the rules do not know the protocol. */
#define PROTOCOL_UNNUMBERED 255

/* Which half of an exchange bytes are. */
enum window_side {
	SIDE_UNKNOWN = 0,
	SIDE_REQUEST = 1,
	SIDE_RESPONSE = 2,
};

/*
 * What the rules see of a call on a connection without a protocol. Filled by the stage before them;
 * `answer` and `suspect` are theirs. The programs compiled from plugins' rules find the members by
 * the offsets in the object's BTF.
 */
struct inference_window {
	__u32 length;	 /* bytes moved, those carried over from the call before included */
	__u32 available; /* bytes in `data`; rules look at the first WINDOW_BYTES only */
	__u16 local_port;
	__u16 remote_port;
	__u8 side;	/* enum window_side */
	__u8 transport; /* 1 << enum connection_transport */
	__u8 answer;	/* enum window_answer, or the number of the protocol that certainly is it */
	__u8 suspect;	/* 1: a rule says that it is likely some protocol */
	__u8 data[WINDOW_BYTES + CARRY_MAX];
};

/*
 * Per CPU (number modulo CPUS_MAX), since load; mapped by user space. segments_seen =
 * segments_delivered + lost_ring + lost_ignored + lost_connections + lost_internal + lost_covered
 * + lost_begun, always.
 */
#define CPUS_MAX 1024

struct counters {
	__u64 segments_seen;
	__u64 bytes_seen;
	__u64 segments_delivered;
	__u64 bytes_delivered; /* captured bytes */
	__u64 lost_ring;       /* segments that found the ring full */
	__u64 lost_ring_bytes;
	__u64 lost_ignored;	/* segments of connections that no protocol claimed */
	__u64 lost_connections; /* segments for which the connection table had no room */
	__u64 lost_internal;	/* segments left when the budget of tail calls was spent */
	__u64 lost_events;  /* opens, ends, closes and process events that found the ring full */
	__u64 compat_calls; /* system calls of 32-bit programs */
	__u64 lost_covered; /* segments of ciphertext whose plaintext is delivered */
	__u64 lost_begun;   /* segments of calls above TLS whose beginning was not seen */
} __attribute__((aligned(64)));

#endif
