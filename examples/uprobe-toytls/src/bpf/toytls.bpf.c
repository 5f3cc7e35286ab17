/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Plaintext of libtoytls. */
#include <linux/ptrace.h>
#include "plaintext_api.bpf.h"
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* A call of toy_read or toy_write begins. */
static __always_inline int enter(struct pt_regs *ctx, enum plaintext_direction direction)
{
	struct plaintext_call *call;

	if (!plaintext_is_traced())
		return 0;
	call = plaintext_call();
	if (!call)
		return 0;
	call->object = PT_REGS_PARM1(ctx);
	call->buffer = PT_REGS_PARM2(ctx);
	call->length = direction == PLAINTEXT_OUT ? PT_REGS_PARM3(ctx) : 0;
	call->start_ns = bpf_ktime_get_ns();
	call->goroutine = 0;
	call->fd = -1;
	call->direction = direction;
	call->depth = 1;
	return plaintext_submit(ctx, call, PLAINTEXT_BEGIN);
}

/* ssize_t toy_read(struct toy *, void *, size_t) */
SEC("uprobe")
int read_enter(struct pt_regs *ctx)
{
	return enter(ctx, PLAINTEXT_IN);
}

/* ssize_t toy_write(struct toy *, const void *, size_t) */
SEC("uprobe")
int write_enter(struct pt_regs *ctx)
{
	return enter(ctx, PLAINTEXT_OUT);
}

/* Either of them returns what it moved. */
SEC("uprobe")
int call_return(struct pt_regs *ctx)
{
	struct plaintext_call *call;
	__s64 moved = (__s64)PT_REGS_RC(ctx);

	if (!plaintext_is_traced())
		return 0;
	call = plaintext_known_call();
	/* The thread was in the middle of the call when the probes were placed. */
	if (!call || call->depth != 1)
		return 0;
	call->depth = 0;
	if (moved == 0 && call->direction == PLAINTEXT_IN)
		return plaintext_submit(ctx, call, PLAINTEXT_SHUT);
	call->length = moved > 0 ? moved : 0;
	return plaintext_submit(ctx, call, PLAINTEXT_END);
}

/* void toy_free(struct toy *) */
SEC("uprobe")
int free_enter(struct pt_regs *ctx)
{
	struct plaintext_call *call;

	if (!plaintext_is_traced())
		return 0;
	call = plaintext_call();
	if (!call)
		return 0;
	call->object = PT_REGS_PARM1(ctx);
	return plaintext_submit(ctx, call, PLAINTEXT_FREE);
}
