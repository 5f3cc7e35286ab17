/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * In-kernel inference: which protocol do the first bytes of a segment belong to? This one knows
 * HTTP/1 by hand. It only reads the window and answers; it may be replaced, in its slot of
 * `stages`, by a program compiled from plugins' rules.
 */
#ifndef LIBTRACE_INFER_HTTP_H
#define LIBTRACE_INFER_HTTP_H

#include <linux/types.h>

/* Agreed with packages/core/src/kernel/protocol-numbers.ts. */
#define PROTOCOL_HTTP 1

#define BYTES4(a, b, c, d) ((__u32)(a) | (__u32)(b) << 8 | (__u32)(c) << 16 | (__u32)(d) << 24)

/* RFC 9112, 3 and 4: a request begins with a method and a space, a response with `HTTP/1.`. */
static __always_inline __u8 infer_http(const __u8 *window, __u32 length)
{
	__u32 first, second;

	if (length < 8)
		return 0;
	__builtin_memcpy(&first, window, 4);
	__builtin_memcpy(&second, window + 4, 4);
	switch (first) {
	case BYTES4('G', 'E', 'T', ' '):
	case BYTES4('P', 'U', 'T', ' '):
		return PROTOCOL_HTTP;
	case BYTES4('H', 'T', 'T', 'P'):
		return (second & 0xffffff) == BYTES4('/', '1', '.', 0) ? PROTOCOL_HTTP : 0;
	case BYTES4('P', 'O', 'S', 'T'):
	case BYTES4('H', 'E', 'A', 'D'):
		return (second & 0xff) == ' ' ? PROTOCOL_HTTP : 0;
	case BYTES4('P', 'A', 'T', 'C'):
		return (second & 0xffff) == BYTES4('H', ' ', 0, 0) ? PROTOCOL_HTTP : 0;
	case BYTES4('D', 'E', 'L', 'E'):
		return (second & 0xffffff) == BYTES4('T', 'E', ' ', 0) ? PROTOCOL_HTTP : 0;
	case BYTES4('O', 'P', 'T', 'I'):
		return second == BYTES4('O', 'N', 'S', ' ') ? PROTOCOL_HTTP : 0;
	}
	return 0;
}

#endif
