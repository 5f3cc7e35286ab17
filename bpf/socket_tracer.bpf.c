/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The socket tracer: what the traced processes move through their sockets, from the system calls
 * alone.
 *
 *   enter_call ── remembers when a sending call began; notes the last close of a socket
 *   exit_call ─┬─ copy_vector (again and again) ─┬─ infer ── emit_segment
 *              └─ copy_messages (again and again)┘
 *   change_state, execute, fork, exit_process
 *
 * Every program is a raw tracepoint: one attach type, no tracefs, and tail calls between all of
 * them.
 */
#include "segment.bpf.h"
#include "syscalls.bpf.h"
#include "infer_http.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

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

SEC("raw_tp/sys_enter")
int enter_call(struct bpf_raw_tracepoint_args *ctx)
{
	return on_enter(ctx->args[1], (void *)ctx->args[0]);
}

SEC("tracepoint/raw_syscalls/sys_enter")
int enter_call_tp(struct syscall_event *ctx)
{
	return on_enter(ctx->number, current_registers());
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

/*
 * Goes on with a call that moves several messages. When the budget of tail calls is spent, the rest
 * is counted as lost (for TCP it is a hole as well: the sequence numbers know of it).
 */
static __always_inline void next_message(void *ctx, struct call *call)
{
	struct counters *c;

	if (call->messages_index >= call->messages_length)
		return;
	bpf_tail_call(ctx, &stages, STAGE_MESSAGES);
	c = own_counters();
	if (c) {
		c->segments_seen += call->messages_length - call->messages_index;
		c->lost_internal += call->messages_length - call->messages_index;
	}
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
	if (!begin_segment(call, capture, connection, result, false, pid_tgid))
		return 0;
	if (kind == CALL_SENDFILE || call->discarded) {
		capture->event.hole_reason = HOLE_KERNEL_COPY;
		emit(call, capture);
		return 0;
	}
	if (!call->buffer) {
		bpf_tail_call(ctx, &stages, STAGE_VECTOR);
		goto no_stage;
	}
	/* recv with MSG_TRUNC on a datagram returns more than it wrote. */
	if (call->limit > registers.arguments[2])
		call->limit = registers.arguments[2];
	copy_buffer(call, capture);
	if (call->named) {
		emit(call, capture);
		return 0;
	}
	bpf_tail_call(ctx, &stages, STAGE_INFER);
no_stage : {
	struct counters *c = own_counters();

	if (c)
		c->lost_internal++;
}
	return 0;
}

SEC("raw_tp/sys_exit")
int exit_call(struct bpf_raw_tracepoint_args *ctx)
{
	return on_exit(ctx, ctx->args[1], true);
}

SEC("tracepoint/raw_syscalls/sys_exit")
int exit_call_tp(struct syscall_event *ctx)
{
	return on_exit(ctx, ctx->result, false);
}

/* Per run of copy_vector; with 33 tail calls that makes all 1,024 iovecs that a call may have. */
#define PIECES_PER_RUN 32

/*
 * Copies a piece of the call's next iovec behind what is in the capture area. 1: all that is wanted
 * was copied, or can not be. A function of its own, not inlined: the verifier walks it once, not
 * once for every round of every loop.
 */
__attribute__((noinline)) int copy_piece(void)
{
	struct capture *capture = own_capture();
	struct call *call = own_call();
	struct user_iovec iovec;
	__u64 filled, piece, left;

	if (!call || !capture)
		return 1;
	filled = call->filled;
	if (filled >= call->limit || call->vector_index >= call->vector_length)
		return 1;
	if (bpf_probe_read_user(&iovec, sizeof(iovec),
		    (void *)(call->vector + call->vector_index * sizeof(iovec))))
		goto fault;
	left = iovec.length - call->vector_offset;
	piece = call->limit - filled;
	if (piece > left)
		piece = left;
	piece = bounded(piece, PIECE_MAX);
	filled = bounded(filled, CAPTURE_MAX);
	if (bpf_probe_read_user(
		    &capture->data[filled], piece, (void *)(iovec.base + call->vector_offset)))
		goto fault;
	call->filled = filled + piece;
	if (piece < left) {
		call->vector_offset += piece;
	} else {
		call->vector_index++;
		call->vector_offset = 0;
	}
	return call->filled >= call->limit || call->vector_index >= call->vector_length;
fault:
	capture->event.hole_reason = HOLE_FAULT;
	return 1;
}

/* A stage is reached by tail calls, which go to programs of the caller's type only. */
#define STAGE(name, body)                                                                          \
	SEC("raw_tp/sys_exit")                                                                     \
	int name(void *ctx)                                                                        \
	{                                                                                          \
		return body(ctx);                                                                  \
	}                                                                                          \
	SEC("tracepoint/raw_syscalls/sys_exit")                                                    \
	int name##_tp(void *ctx)                                                                   \
	{                                                                                          \
		return body(ctx);                                                                  \
	}

static __always_inline int vector_stage(void *ctx)
{
	struct capture *capture = own_capture();
	struct call *call = own_call();
	int done = 0;

	if (!call || !capture)
		return 0;
	for (int i = 0; i < PIECES_PER_RUN; i++) {
		done = copy_piece();
		if (done)
			break;
	}
	if (!done)
		bpf_tail_call(ctx, &stages, STAGE_VECTOR);
	if (call->named) {
		emit(call, capture);
		next_message(ctx, call);
		return 0;
	}
	bpf_tail_call(ctx, &stages, STAGE_INFER);
	/* Only the budget of tail calls can have run out: what was copied is shown, user space
	 * infers. */
	emit(call, capture);
	return 0;
}

STAGE(copy_vector, vector_stage)

#define MESSAGES_PER_RUN 3
#define PIECES_PER_MESSAGE 32

/* recvmmsg and sendmmsg: one segment a message. */
static __always_inline int messages_stage(void *ctx)
{
	__u64 pid_tgid = bpf_get_current_pid_tgid();
	struct capture *capture = own_capture();
	struct call *call = own_call();
	struct counters *c = own_counters();

	if (!call || !capture || !c)
		return 0;
	for (int i = 0; i < MESSAGES_PER_RUN; i++) {
		struct user_mmsghdr message;
		struct connection *connection;
		__u32 index = call->messages_index;

		if (index >= call->messages_length)
			return 0;
		call->messages_index = index + 1;
		if (bpf_probe_read_user(&message, sizeof(message),
			    (void *)(call->messages + index * sizeof(message)))) {
			c->segments_seen++;
			c->lost_internal++;
			continue;
		}
		if (!message.length)
			continue;
		call->reference.has_peer = 0;
		read_peer(&call->reference, message.header.name);
		connection = bpf_map_lookup_elem(&connections, &call->reference.sk);
		if (connection && connection->inode != call->reference.inode)
			connection = NULL;
		connection = connection_of(call, connection, ROLE_UNKNOWN, 1);
		if (connection && connection->excluded)
			return 0;
		call->vector = message.header.vector;
		call->vector_length = message.header.vector_length;
		call->vector_index = 0;
		call->vector_offset = 0;
		if (!begin_segment(call, capture, connection, message.length,
			    call->messages_length > 1, pid_tgid))
			continue;
		if (call->discarded) {
			capture->event.hole_reason = HOLE_KERNEL_COPY;
			emit(call, capture);
			continue;
		}
		for (int j = 0; j < PIECES_PER_MESSAGE; j++) {
			if (copy_piece())
				break;
		}
		/* Comes back through emit_segment when there are more messages. */
		if (!call->named) {
			bpf_tail_call(ctx, &stages, STAGE_INFER);
			emit(call, capture);
			break;
		}
		emit(call, capture);
	}
	next_message(ctx, call);
	return 0;
}

STAGE(copy_messages, messages_stage)

static __always_inline int infer_stage(void *ctx)
{
	struct capture *capture = own_capture();
	struct call *call = own_call();

	if (!call || !capture)
		return 0;
	call->guess = infer_http(capture->data, call->filled);
	bpf_tail_call(ctx, &stages, STAGE_EMIT);
	return 0;
}

STAGE(infer, infer_stage)

static __always_inline int emit_stage(void *ctx)
{
	struct capture *capture = own_capture();
	struct call *call = own_call();
	int next;

	if (!call || !capture)
		return 0;
	next = settle(call, capture);
	if (next < 0) {
		if (call->buffer)
			copy_buffer(call, capture);
		else
			bpf_tail_call(ctx, &stages, STAGE_VECTOR);
	}
	if (next)
		emit(call, capture);
	next_message(ctx, call);
	return 0;
}

STAGE(emit_segment, emit_stage)

/*
 * A kernel skips a program that is already running on the same CPU: a state change in a softirq
 * that interrupts the program, or, where raw tracepoints may be preempted, an event of another
 * thread. So what may not be missed is hooked twice, by two programs that do the same: of an event
 * in the middle of the one, the other learns. Both see all other events, and what they do is done
 * once.
 */
#define TWIN(event, name, body)                                                                    \
	SEC("raw_tp/" #event)                                                                      \
	int name(struct bpf_raw_tracepoint_args *ctx)                                              \
	{                                                                                          \
		return body(ctx);                                                                  \
	}                                                                                          \
	SEC("raw_tp/" #event)                                                                      \
	int name##_twin(struct bpf_raw_tracepoint_args *ctx)                                       \
	{                                                                                          \
		return body(ctx);                                                                  \
	}

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

TWIN(inet_sock_set_state, change_state, on_state)

static __always_inline struct process_event *reserve_process_event(__u8 type, __u32 pid)
{
	struct process_event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (!event) {
		count_lost_event();
		return NULL;
	}
	event->type = type;
	__builtin_memset(event->reserved, 0, sizeof(event->reserved));
	event->pid = pid;
	event->parent_pid = 0;
	event->path_length = 0;
	event->timestamp_ns = bpf_ktime_get_ns();
	event->cgroup = bpf_get_current_cgroup_id();
	bpf_get_current_comm(event->comm, sizeof(event->comm));
	return event;
}

static __always_inline int on_exec(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *task = (void *)ctx->args[0];
	struct linux_binprm *program = (void *)ctx->args[2];
	__u32 pid = bpf_get_current_pid_tgid() >> 32;
	struct process_event *event;
	long length;

	if (!is_target(pid)) {
		char comm[COMM_BYTES] = {};

		if (!filter_comms || pid == own_pid)
			return 0;
		bpf_get_current_comm(comm, sizeof(comm));
		if (!bpf_map_lookup_elem(&target_comms, comm))
			return 0;
		add_target(pid);
	}
	event = reserve_process_event(EVENT_EXEC, pid);
	if (!event)
		return 0;
	event->parent_pid = BPF_CORE_READ(task, real_parent, tgid);
	length = bpf_probe_read_kernel_str(
		event->path, sizeof(event->path), BPF_CORE_READ(program, filename));
	event->path_length = length > 0 ? length - 1 : 0;
	bpf_ringbuf_submit(event, BPF_RB_NO_WAKEUP);
	return 0;
}

TWIN(sched_process_exec, execute, on_exec)

static __always_inline int on_fork(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *child = (void *)ctx->args[1];
	__u32 parent_pid = bpf_get_current_pid_tgid() >> 32;
	__u32 pid = BPF_CORE_READ(child, tgid);
	struct process_event *event;

	/* A new thread, not a process. */
	if (pid == parent_pid)
		return 0;
	if (!is_target(parent_pid))
		return 0;
	if (filter_pids || filter_comms)
		add_target(pid);
	event = reserve_process_event(EVENT_FORK, pid);
	if (!event)
		return 0;
	event->parent_pid = parent_pid;
	bpf_ringbuf_submit(event, BPF_RB_NO_WAKEUP);
	return 0;
}

TWIN(sched_process_fork, fork_process, on_fork)

static __always_inline int on_process_exit(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *task = (void *)ctx->args[0];
	__u64 pid_tgid = bpf_get_current_pid_tgid();
	__u32 pid = pid_tgid >> 32, tid = (__u32)pid_tgid;
	struct process_event *event;

	if (!is_target(pid))
		return 0;
	bpf_map_delete_elem(&send_entries, &tid);
	/* kernel/exit.c, do_exit: the count of live threads is lowered before this tracepoint. */
	if (BPF_CORE_READ(task, signal, live.counter) != 0)
		return 0;
	if (filter_pids || filter_comms)
		bpf_map_delete_elem(&target_pids, &pid);
	event = reserve_process_event(EVENT_EXIT, pid);
	if (!event)
		return 0;
	bpf_ringbuf_submit(event, BPF_RB_NO_WAKEUP);
	return 0;
}

TWIN(sched_process_exit, exit_process, on_process_exit)

/* Keeps the contract's structs in the object's BTF, from which user space's readers are generated.
 */
const struct open_event *contract_open __attribute__((unused));
const struct end_event *contract_end __attribute__((unused));
const struct process_event *contract_process __attribute__((unused));
const enum event_type contract_event_type __attribute__((unused)) = EVENT_SEGMENT;
const enum hole_reason contract_hole_reason __attribute__((unused)) = HOLE_NONE;
const enum verdict_kind contract_verdict_kind __attribute__((unused)) = VERDICT_NONE;
const enum connection_transport contract_transport __attribute__((unused)) = TRANSPORT_TCP;
const enum connection_role contract_role __attribute__((unused)) = ROLE_UNKNOWN;
const enum direction contract_direction __attribute__((unused)) = DIRECTION_IN;
const enum stage contract_stage __attribute__((unused)) = STAGE_VECTOR;
