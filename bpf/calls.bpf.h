/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* System calls: what they are to us, when they began, and the one look at each when it returns. */
#ifndef LIBTRACE_CALLS_H
#define LIBTRACE_CALLS_H

#include "plaintext.bpf.h"
#include "stages.bpf.h"
#include "syscalls.bpf.h"

/* What a system call is to us. */
enum call_kind {
	CALL_OTHER = 0,
	CALL_BUFFER,   /* (fd, buffer, length) */
	CALL_SENDTO,   /* (fd, buffer, length, flags, address) */
	CALL_VECTOR,   /* (fd, iovecs, number) */
	CALL_MESSAGE,  /* (fd, msghdr, flags) */
	CALL_MESSAGES, /* (fd, mmsghdrs, number, flags) */
	CALL_SENDFILE, /* (out_fd, …) */
	CALL_ACCEPT,
	CALL_CONNECT,
	CALL_SHUTDOWN,
	CALL_MAP, /* (address, length, protection, flags, fd) */
};

static __always_inline enum call_kind classify(__u64 number, __u32 *direction)
{
	*direction = DIRECTION_OUT;
	switch (number) {
	case NR_READ:
		*direction = DIRECTION_IN;
		return CALL_BUFFER;
	case NR_WRITE:
		return CALL_BUFFER;
	case NR_RECVFROM:
		*direction = DIRECTION_IN;
		return CALL_SENDTO;
	case NR_SENDTO:
		return CALL_SENDTO;
	case NR_READV:
	case NR_PREADV2:
		*direction = DIRECTION_IN;
		return CALL_VECTOR;
	case NR_WRITEV:
	case NR_PWRITEV2:
		return CALL_VECTOR;
	case NR_RECVMSG:
		*direction = DIRECTION_IN;
		return CALL_MESSAGE;
	case NR_SENDMSG:
		return CALL_MESSAGE;
	case NR_RECVMMSG:
		*direction = DIRECTION_IN;
		return CALL_MESSAGES;
	case NR_SENDMMSG:
		return CALL_MESSAGES;
	case NR_SENDFILE:
		return CALL_SENDFILE;
	case NR_ACCEPT:
	case NR_ACCEPT4:
		return CALL_ACCEPT;
	case NR_CONNECT:
		return CALL_CONNECT;
	case NR_SHUTDOWN:
		return CALL_SHUTDOWN;
	case NR_MMAP:
		return CALL_MAP;
	}
	return CALL_OTHER;
}

static __always_inline bool is_sending(__u64 number)
{
	switch (number) {
	case NR_WRITE:
	case NR_SENDTO:
	case NR_WRITEV:
	case NR_PWRITEV2:
	case NR_SENDMSG:
	case NR_SENDMMSG:
	case NR_SENDFILE:
		return true;
	}
	return false;
}

/*
 * The close of the last file descriptor is the end of a unix socket, which has no state changes to
 * watch, and of a TCP socket that TCP was done with before. Any other TCP socket changes its state
 * now.
 */
static __always_inline void note_close(__u32 fd, __u32 pid)
{
	struct socket_reference reference = {};
	struct connection *connection;

	if (!socket_of(fd, &reference, &connection) || !connection)
		return;
	if (!is_last_reference(fd))
		return;
	if (connection->transport == TRANSPORT_TCP && !connection->lingering) {
		connection->closing = 1;
		return;
	}
	end_connection(connection, reference.sk, pid, connection->position);
}

static __always_inline int on_enter(__u64 number, const void *registers_address)
{
	__u64 pid_tgid, now, *entry;
	__u32 pid, tid;

	if (number != NR_CLOSE && !is_sending(number))
		return 0;
	pid_tgid = bpf_get_current_pid_tgid();
	pid = pid_tgid >> 32;
	if (!is_target(pid))
		return 0;
	if (number == NR_CLOSE) {
		struct call_registers registers;

		read_call(registers_address, &registers);
		note_close(registers.arguments[0], pid);
		return 0;
	}
	tid = (__u32)pid_tgid;
	now = bpf_ktime_get_ns();
	entry = bpf_map_lookup_elem(&send_entries, &tid);
	if (entry)
		*entry = now;
	else
		bpf_map_update_elem(&send_entries, &tid, &now, BPF_ANY);
	return 0;
}

/* When the sending call that returns now was entered. */
static __always_inline __u64 entry_time(__u32 tid, __u64 now)
{
	__u64 *entry = bpf_map_lookup_elem(&send_entries, &tid);
	__u64 start = now;

	if (entry && *entry) {
		start = *entry;
		*entry = 0;
	}
	return start;
}

#define PROT_EXEC 4

/* The process has mapped a file as code. User space is woken for one that none had mapped before.
 */
static __always_inline void note_mapping(struct call_registers *registers, __u32 pid)
{
	struct mapped_event *event;
	struct file *file;
	__u64 inode;
	__u8 one = 1;
	bool is_known;

	if (!want_files || !(registers->arguments[2] & PROT_EXEC))
		return;
	if ((int)registers->arguments[4] < 0)
		return;
	file = file_of(registers->arguments[4]);
	if (!file)
		return;
	inode = (__u64)KERNEL_READ(file, f_inode);
	is_known = bpf_map_lookup_elem(&known_files, &inode) != NULL;
	if (!is_known)
		bpf_map_update_elem(&known_files, &inode, &one, BPF_ANY);
	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event) {
		count_lost_event();
		return;
	}
	__builtin_memset(event, 0, sizeof(*event));
	event->type = EVENT_MAPPED;
	event->pid = pid;
	event->inode = KERNEL_READ((struct inode *)inode, i_ino);
	event->timestamp_ns = bpf_ktime_get_ns();
	bpf_ringbuf_submit(event, is_known ? BPF_RB_NO_WAKEUP : BPF_RB_FORCE_WAKEUP);
}

static __always_inline int on_exit(void *ctx, long result, bool is_raw)
{
	struct call_registers registers;
	struct connection *connection;
	struct capture *capture;
	struct call *call;
	enum call_kind kind;
	__u64 pid_tgid, flags = 0, name = 0;
	__u32 direction, pid, fd;
	__u8 role = ROLE_UNKNOWN;

	if (result < 0)
		return 0;
	pid_tgid = bpf_get_current_pid_tgid();
	pid = pid_tgid >> 32;
	if (!is_target(pid))
		return 0;
	read_call(is_raw ? (void *)((struct bpf_raw_tracepoint_args *)ctx)->args[0]
			 : current_registers(),
		&registers);
	kind = classify(registers.number, &direction);
	if (kind == CALL_OTHER)
		return 0;
	if (CALL_IS_COMPAT(&registers)) {
		struct counters *c = own_counters();

		if (c)
			c->compat_calls++;
		return 0;
	}
	if (kind == CALL_MAP) {
		note_mapping(&registers, pid);
		return 0;
	}
	call = own_call();
	capture = own_capture();
	if (!call || !capture)
		return 0;
	fd = kind == CALL_ACCEPT ? result : registers.arguments[0];
	if (!socket_of(fd, &call->reference, &connection))
		return 0;

	call->direction = direction;
	call->buffer = 0;
	call->vector = registers.arguments[1];
	call->vector_index = 0;
	call->vector_offset = 0;
	call->messages_length = 0;
	call->messages_index = 0;
	call->discarded = 0;
	call->tail_calls = 0;
	call->end_ns = bpf_ktime_get_ns();
	call->start_ns = call->end_ns;
	if (direction == DIRECTION_OUT && kind < CALL_ACCEPT)
		call->start_ns = entry_time((__u32)pid_tgid, call->end_ns);

	switch (kind) {
	case CALL_SENDTO:
		flags = registers.arguments[3];
		name = registers.arguments[4];
		call->buffer = registers.arguments[1];
		break;
	case CALL_BUFFER:
		call->buffer = registers.arguments[1];
		break;
	case CALL_VECTOR:
		call->vector_length = registers.arguments[2];
		break;
	case CALL_MESSAGE: {
		struct user_msghdr header;

		flags = registers.arguments[2];
		if (bpf_probe_read_user(&header, sizeof(header), (void *)registers.arguments[1]))
			__builtin_memset(&header, 0, sizeof(header));
		name = header.name;
		call->vector = header.vector;
		call->vector_length = header.vector_length;
		break;
	}
	case CALL_MESSAGES:
		flags = registers.arguments[3];
		call->messages = registers.arguments[1];
		call->messages_length = result;
		break;
	case CALL_ACCEPT:
		role = ROLE_SERVER;
		break;
	case CALL_CONNECT:
		role = ROLE_CLIENT;
		break;
	default:
		break;
	}
	if (direction == DIRECTION_IN && flags & (MSG_PEEK | MSG_OOB | MSG_ERRQUEUE))
		return 0;
	if (direction == DIRECTION_IN && flags & MSG_TRUNC && call->reference.is_tcp)
		call->discarded = 1;
	if (kind == CALL_MESSAGES) {
		next_message(ctx, call);
		return 0;
	}
	if (kind == CALL_SHUTDOWN) {
		/* how: SHUT_WR 1, SHUT_RDWR 2. TCP tells by its state. */
		if (connection && registers.arguments[1] && connection->transport == TRANSPORT_UNIX)
			emit_end(connection, EVENT_END, DIRECTION_OUT, pid, connection->position);
		return 0;
	}
	if (result == 0 && role == ROLE_UNKNOWN) {
		bool asked = kind != CALL_BUFFER && kind != CALL_SENDTO
				     ? true
				     : registers.arguments[2] != 0;

		if (connection && direction == DIRECTION_IN && asked &&
			connection->transport != TRANSPORT_UDP)
			emit_end(connection, EVENT_END, DIRECTION_IN, pid, connection->position);
		return 0;
	}
	/* A TCP connection's role comes from its handshake. */
	if (role != ROLE_UNKNOWN && call->reference.is_tcp)
		return 0;
	read_peer(&call->reference, name);
	connection = connection_of(call, connection, role, role == ROLE_UNKNOWN);
	if (role != ROLE_UNKNOWN || (connection && connection->excluded))
		return 0;
	if (want_plaintext && connection && connection->transport != TRANSPORT_UDP)
		note_socket_use(call, connection, pid_tgid, result, registers.goroutine);
	if (!begin_segment(call, capture, connection, result, false, pid_tgid))
		return 0;
	if (kind == CALL_SENDFILE || call->discarded) {
		capture->event.hole_reason = HOLE_KERNEL_COPY;
		emit(call, capture);
		return 0;
	}
	if (!call->buffer) {
		go_to(ctx, call, STAGE_VECTOR);
		goto no_stage;
	}
	/* recv with MSG_TRUNC on a datagram returns more than it wrote. */
	if (call->limit > registers.arguments[2])
		call->limit = registers.arguments[2];
	copy_buffer(call, capture);
	if (call->settled) {
		emit(call, capture);
		return 0;
	}
	go_to(ctx, call, STAGE_INFER);
no_stage : {
	struct counters *c = own_counters();

	if (c)
		c->lost_internal++;
}
	return 0;
}

#endif
