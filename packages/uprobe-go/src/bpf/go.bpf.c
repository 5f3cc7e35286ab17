/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Plaintext of Go's own TLS: crypto/tls.(*Conn).Read, Write and Close.
 *
 * The programs at the beginning of Read and Write need the arguments in their registers and the
 * stack pointer where the caller left it. They may run twice: Go's check for stack space, when it
 * fails, begins the function again. Those at the end are at return instructions, where the stack
 * pointer is again what it was; never at the return address, which a return probe would replace:
 * Go's runtime walks and moves stacks and would find it.
 */
#include "plaintext_api.bpf.h"
#include "go_calls.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

static __always_inline int on_enter(go_registers *registers, enum plaintext_direction direction)
{
	struct goroutine goroutine;
	struct go_arguments arguments;
	struct plaintext_call *call;
	__u64 now;
	__s32 fd;

	if (!plaintext_is_traced())
		return 0;
	if (!read_goroutine(registers, &goroutine) || !read_arguments(registers, &arguments))
		return 0;
	fd = connection_fd(arguments.receiver);
	/* Nothing moves any more; Read may still hand out what it had read before. */
	if (fd == FD_CLOSED)
		return 0;
	now = bpf_ktime_get_ns();
	remember_call(&goroutine, &arguments, now);
	call = plaintext_call();
	if (!call)
		return 0;
	call->object = arguments.receiver;
	call->buffer = arguments.pointer;
	call->length = direction == PLAINTEXT_OUT ? arguments.length : 0;
	call->start_ns = now;
	call->goroutine = goroutine.address;
	call->fd = fd;
	call->direction = direction;
	return plaintext_submit(registers, call, PLAINTEXT_BEGIN);
}

/* Whether the error is io.EOF, an *errors.errorString: a struct of one string. */
static __always_inline bool is_end_of_input(const struct go_results *results)
{
	struct go_string text;
	char eof[3];

	if (!results->error_type)
		return false;
	if (bpf_probe_read_user(&text, sizeof(text), (void *)results->error_data))
		return false;
	if (text.length != sizeof(eof))
		return false;
	if (bpf_probe_read_user(eof, sizeof(eof), (void *)text.pointer))
		return false;
	return eof[0] == 'E' && eof[1] == 'O' && eof[2] == 'F';
}

enum known {
	CALL_KNOWN,
	CALL_MISSED,
	CALL_LEFT_ALONE, /* of a connection that was closed before it */
};

/*
 * A Read that began before the probes were in place, as every server waits in one: what it was
 * called with is on the stack. Taken only when it leads to a socket, and fits the result.
 */
static __always_inline enum known reconstruct(
	const go_registers *registers, __u64 moved, struct go_call *call)
{
	struct go_arguments arguments;
	__s32 fd;

	if (!read_stack_arguments(registers, &arguments) || moved > arguments.length)
		return CALL_MISSED;
	fd = connection_fd(arguments.receiver);
	if (fd < 0)
		return fd == FD_CLOSED ? CALL_LEFT_ALONE : CALL_MISSED;
	call->connection = arguments.receiver;
	call->buffer = arguments.pointer;
	call->start_ns = 0;
	return CALL_KNOWN;
}

/* The call that returns now, after it has moved so many bytes. */
static __always_inline enum known find_call(const go_registers *registers,
	enum plaintext_direction direction, __u64 moved, struct go_call *call)
{
	struct goroutine goroutine;

	if (read_goroutine(registers, &goroutine) && recall(&goroutine, call))
		return CALL_KNOWN;
	if (!moved)
		return CALL_LEFT_ALONE;
	return direction == PLAINTEXT_IN ? reconstruct(registers, moved, call) : CALL_MISSED;
}

static __always_inline int on_return(go_registers *registers, enum plaintext_direction direction)
{
	struct go_results results;
	struct go_call known = {};
	struct plaintext_call *call;
	enum known found;

	if (!plaintext_is_traced())
		return 0;
	if (!read_results(registers, &results))
		return 0;
	/* Results of Read and Write are never negative. */
	if ((__s64)results.number < 0)
		results.number = 0;
	found = find_call(registers, direction, results.number, &known);
	if (found == CALL_LEFT_ALONE)
		return 0;
	call = plaintext_call();
	if (!call)
		return 0;
	call->length = results.number;
	call->goroutine = current_goroutine(registers);
	call->direction = direction;
	if (found == CALL_MISSED)
		return plaintext_submit(registers, call, PLAINTEXT_MISSED);
	call->object = known.connection;
	call->buffer = known.buffer;
	call->start_ns = known.start_ns;
	/* It may have been closed meanwhile, and its number be another socket's. */
	call->fd = connection_fd(known.connection);
	/* A deadline that passed is no end: the program may read on. */
	if (direction == PLAINTEXT_IN && !results.number && is_end_of_input(&results))
		return plaintext_submit(registers, call, PLAINTEXT_SHUT);
	return plaintext_submit(registers, call, PLAINTEXT_END);
}

SEC("uprobe")
int go_read_enter(go_registers *registers)
{
	return on_enter(registers, PLAINTEXT_IN);
}

SEC("uprobe")
int go_read_return(go_registers *registers)
{
	return on_return(registers, PLAINTEXT_IN);
}

SEC("uprobe")
int go_write_enter(go_registers *registers)
{
	return on_enter(registers, PLAINTEXT_OUT);
}

SEC("uprobe")
int go_write_return(go_registers *registers)
{
	return on_return(registers, PLAINTEXT_OUT);
}

/*
 * The end of a connection is that of its socket: other goroutines' calls return after Close has
 * begun, and some only begin then. Only where the socket is not known has Close to be the end.
 */
SEC("uprobe")
int go_close_enter(go_registers *registers)
{
	struct goroutine goroutine;
	struct go_arguments arguments;
	struct plaintext_call *call;

	if (!plaintext_is_traced())
		return 0;
	if (!read_goroutine(registers, &goroutine) || !read_arguments(registers, &arguments))
		return 0;
	if (connection_fd(arguments.receiver) != FD_UNKNOWN)
		return 0;
	call = plaintext_call();
	if (!call)
		return 0;
	call->object = arguments.receiver;
	call->start_ns = bpf_ktime_get_ns();
	call->goroutine = goroutine.address;
	call->fd = FD_UNKNOWN;
	call->direction = PLAINTEXT_OUT;
	return plaintext_submit(registers, call, PLAINTEXT_FREE);
}
