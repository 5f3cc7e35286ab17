/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Plaintext of OpenSSL (libssl 1.1.0 to 3.x) and of libraries with the same names. One
 * program for the entry of each kind of function, one for its return.
 *
 * Arguments are read from registers only: an entry may be probed behind the first instructions of
 * its function.
 */
#include <linux/ptrace.h>
#include "plaintext_api.bpf.h"
#include <bpf/bpf_tracing.h>
#include "calls_in_progress.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

enum library_function {
	FUNCTION_READ, /* the result is the number of bytes, 0: the peer has ended its direction */
	FUNCTION_WRITE,
	FUNCTION_READ_EX, /* the result is 1: the number of bytes is in a size_t of the caller's */
	FUNCTION_WRITE_EX,
	FUNCTION_WRITE_EX2,
	FUNCTION_READ_EARLY,
	FUNCTION_WRITE_EARLY,
	FUNCTION_SENDFILE, /* as FUNCTION_WRITE, but from a file */
	FUNCTION_SHUTDOWN, /* the result is not negative: close_notify was written */
	FUNCTION_OTHER,	   /* moves no plaintext */
};

/* What the next action is about. */
static __always_inline struct plaintext_call *call_on(__u64 object)
{
	struct plaintext_call *call = plaintext_call();

	if (!call)
		return NULL;
	call->object = object;
	call->buffer = 0;
	call->length = 0;
	call->start_ns = 0;
	call->goroutine = 0;
	call->fd = -1;
	return call;
}

static __always_inline int enter(struct pt_regs *ctx, struct library_call *entered)
{
	struct plaintext_call *call;

	entered->stack = PT_REGS_SP(ctx);
	entered->start_ns = bpf_ktime_get_ns();
	if (!entered->object || !push_call(entered))
		return 0;
	call = call_on(entered->object);
	if (!call)
		return 0;
	call->direction = entered->direction;
	call->start_ns = entered->start_ns;
	if (entered->direction == PLAINTEXT_OUT && !entered->is_part)
		call->length = entered->length;
	return plaintext_submit(ctx, call, PLAINTEXT_BEGIN);
}

/* An int that is a length: a negative one is refused by the library. */
static __always_inline __u64 length_of(__u64 argument)
{
	__s32 length = (__s32)argument;

	return length > 0 ? length : 0;
}

/* A program at the entry of a function whose first argument is the SSL. */
#define ENTRY(name, ...)                                                                           \
	SEC("uprobe")                                                                              \
	int name(struct pt_regs *ctx)                                                              \
	{                                                                                          \
		if (!plaintext_is_traced())                                                        \
			return 0;                                                                  \
		struct library_call call = {.object = PT_REGS_PARM1(ctx), __VA_ARGS__};            \
		return enter(ctx, &call);                                                          \
	}

#define READ(what) .direction = PLAINTEXT_IN, .function = what
#define WRITE(what) .direction = PLAINTEXT_OUT, .function = what
/* (SSL *, void *, int) */
#define BUFFER_INT .buffer = PT_REGS_PARM2(ctx), .length = length_of(PT_REGS_PARM3(ctx))
/* (SSL *, void *, size_t, ...) */
#define BUFFER_SIZE .buffer = PT_REGS_PARM2(ctx), .length = PT_REGS_PARM3(ctx), .may_wrap = 1

/* int SSL_read(SSL *, void *, int); int SSL_write(SSL *, const void *, int) */
ENTRY(read_enter, READ(FUNCTION_READ), BUFFER_INT)
ENTRY(write_enter, WRITE(FUNCTION_WRITE), BUFFER_INT)

/* int SSL_read_ex(SSL *, void *, size_t, size_t *), SSL_write_ex: since 1.1.1 */
ENTRY(read_ex_enter, READ(FUNCTION_READ_EX), BUFFER_SIZE, .moved = PT_REGS_PARM4(ctx))
ENTRY(write_ex_enter, WRITE(FUNCTION_WRITE_EX), BUFFER_SIZE, .moved = PT_REGS_PARM4(ctx))

/* int SSL_write_ex2(SSL *, const void *, size_t, uint64_t, size_t *): since 3.3 */
ENTRY(write_ex2_enter, WRITE(FUNCTION_WRITE_EX2), BUFFER_SIZE, .moved = PT_REGS_PARM5(ctx))

/* int SSL_read_early_data(SSL *, void *, size_t, size_t *), SSL_write_early_data: since 1.1.1 */
ENTRY(read_early_enter, READ(FUNCTION_READ_EARLY), BUFFER_SIZE, .moved = PT_REGS_PARM4(ctx))
ENTRY(write_early_enter, WRITE(FUNCTION_WRITE_EARLY), BUFFER_SIZE, .moved = PT_REGS_PARM4(ctx))

/* ossl_ssize_t SSL_sendfile(SSL *, int, off_t, size_t, int): since 3.0; bytes without a buffer */
ENTRY(sendfile_enter, WRITE(FUNCTION_SENDFILE), .length = PT_REGS_PARM4(ctx))

/* int SSL_shutdown(SSL *) */
ENTRY(shutdown_enter, .function = FUNCTION_SHUTDOWN, .direction = PLAINTEXT_OUT)

/* SSL_do_handshake, SSL_peek, SSL_peek_ex: the sockets that they use are the object's */
ENTRY(other_enter, .function = FUNCTION_OTHER, .direction = PLAINTEXT_IN)

/* How much a call has moved, by what it returned. */
static __always_inline __u64 moved_by(const struct library_call *call, __u64 result)
{
	__u64 moved = 0;

	switch (call->function) {
	case FUNCTION_READ:
	case FUNCTION_WRITE:
		moved = length_of(result);
		break;
	case FUNCTION_SENDFILE:
		moved = (__s64)result > 0 ? result : 0;
		break;
	case FUNCTION_READ_EX:
	case FUNCTION_WRITE_EX:
	case FUNCTION_WRITE_EX2:
	case FUNCTION_READ_EARLY:
	case FUNCTION_WRITE_EARLY:
		/* SSL_READ_EARLY_DATA_FINISH is 2: no bytes. */
		if ((__s32)result != 1 ||
			bpf_probe_read_user(&moved, sizeof(moved), (void *)call->moved))
			return 0;
		break;
	}
	return moved <= call->length ? moved : 0;
}

/* Whether the call says that its direction has ended. */
static __always_inline bool has_ended(const struct library_call *call, __u64 result)
{
	if (call->function == FUNCTION_READ)
		return (__s32)result == 0 && call->length > 0;
	return call->function == FUNCTION_SHUTDOWN && (__s32)result >= 0;
}

/* A call whose entry was not seen has returned. Only the result may say what it has moved. */
static __always_inline int leave_unknown(
	struct pt_regs *ctx, enum library_function function, __u64 result)
{
	struct plaintext_call *call;

	if (function != FUNCTION_READ && function != FUNCTION_WRITE)
		return 0;
	if (!length_of(result))
		return 0;
	call = call_on(0);
	if (!call)
		return 0;
	call->direction = function == FUNCTION_READ ? PLAINTEXT_IN : PLAINTEXT_OUT;
	call->length = length_of(result);
	return plaintext_submit(ctx, call, PLAINTEXT_MISSED);
}

static __always_inline int leave(struct pt_regs *ctx, enum library_function function)
{
	struct library_call returned;
	struct plaintext_call *call;
	__u64 result = PT_REGS_RC(ctx);

	if (!plaintext_is_traced())
		return 0;
	if (!pop_call(function, PT_REGS_SP(ctx), &returned))
		return leave_unknown(ctx, function, result);
	call = call_on(returned.object);
	if (!call)
		return 0;
	call->direction = returned.direction;
	if (has_ended(&returned, result))
		return plaintext_submit(ctx, call, PLAINTEXT_SHUT);
	call->start_ns = returned.start_ns;
	if (!returned.is_part) {
		call->buffer = returned.buffer;
		call->length = moved_by(&returned, result);
	}
	return plaintext_submit(ctx, call, PLAINTEXT_END);
}

#define RETURN(name, function)                                                                     \
	SEC("uprobe")                                                                              \
	int name(struct pt_regs *ctx)                                                              \
	{                                                                                          \
		return leave(ctx, function);                                                       \
	}

RETURN(read_return, FUNCTION_READ)
RETURN(write_return, FUNCTION_WRITE)
RETURN(read_ex_return, FUNCTION_READ_EX)
RETURN(write_ex_return, FUNCTION_WRITE_EX)
RETURN(write_ex2_return, FUNCTION_WRITE_EX2)
RETURN(read_early_return, FUNCTION_READ_EARLY)
RETURN(write_early_return, FUNCTION_WRITE_EARLY)
RETURN(sendfile_return, FUNCTION_SENDFILE)
RETURN(shutdown_return, FUNCTION_SHUTDOWN)
RETURN(other_return, FUNCTION_OTHER)

/* int SSL_set_fd(SSL *, int), SSL_set_rfd, SSL_set_wfd */
SEC("uprobe")
int set_fd_enter(struct pt_regs *ctx)
{
	struct plaintext_call *call;

	if (!plaintext_is_traced() || !PT_REGS_PARM1(ctx))
		return 0;
	call = call_on(PT_REGS_PARM1(ctx));
	if (!call)
		return 0;
	call->fd = (__s32)PT_REGS_PARM2(ctx);
	if (call->fd < 0)
		return 0;
	return plaintext_submit(ctx, call, PLAINTEXT_BIND);
}

/* void SSL_free(SSL *); int SSL_clear(SSL *), after which the object may serve another connection
 */
SEC("uprobe")
int free_enter(struct pt_regs *ctx)
{
	__u64 object = PT_REGS_PARM1(ctx);
	struct plaintext_call *call;

	/* A handshake that begins clears its object. */
	if (!plaintext_is_traced() || !object || is_in_call_on(object, PT_REGS_SP(ctx)))
		return 0;
	call = call_on(object);
	if (!call)
		return 0;
	return plaintext_submit(ctx, call, PLAINTEXT_FREE);
}
