/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The library's calls that a thread is in, the outermost first. Calls come within calls: an early
 * read that reads, a verify callback that asks a server over TLS, TLS in TLS.
 *
 * The stack pointer tells them apart. Where it was at the entry of a call, it is above that of all
 * calls within. So a call that is not above a new one has never returned (longjmp, a thread that
 * was killed). At a return it is about where it was at the entry, above or below it: both were
 * taken at some instruction of the function, near its ends. Calls of the same function within each
 * other are much farther apart.
 */
#ifndef LIBTRACE_CALLS_IN_PROGRESS_H
#define LIBTRACE_CALLS_IN_PROGRESS_H

#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>

/* A power of two. */
#define CALLS_DEPTH_MAX 4

/* The stack pointers of a call's entry and return are at most so far apart. */
#define FRAME_BYTES_MAX 1024

struct library_call {
	__u64 object;	/* user address of the SSL */
	__u64 buffer;	/* user address of the plaintext */
	__u64 length;	/* of the buffer */
	__u64 moved;	/* user address of the size_t for the number of bytes; 0: none */
	__u64 stack;	/* stack pointer at the entry */
	__u64 start_ns; /* time of the entry */
	__u8 function;	/* enum library_function */
	__u8 direction; /* enum plaintext_direction */
	__u8 is_part;	/* the call around it tells of the same bytes */
	__u8 may_wrap;	/* may call another function for the same bytes */
	__u8 pad[4];
};

struct calls_in_progress {
	__u32 depth;
	__u32 pad;
	struct library_call calls[CALLS_DEPTH_MAX];
};

/* Key: thread (bpf_get_current_pid_tgid). Threads that are in a call. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, __u64);
	__type(value, struct calls_in_progress);
} calls_in_progress SEC(".maps");

static const struct calls_in_progress no_calls;

static __always_inline struct calls_in_progress *calls_of_thread(void)
{
	__u64 thread = bpf_get_current_pid_tgid();

	return bpf_map_lookup_elem(&calls_in_progress, &thread);
}

static __always_inline struct calls_in_progress *add_calls_of_thread(void)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct calls_in_progress *calls = bpf_map_lookup_elem(&calls_in_progress, &thread);

	if (calls)
		return calls;
	bpf_map_update_elem(&calls_in_progress, &thread, &no_calls, BPF_NOEXIST);
	return bpf_map_lookup_elem(&calls_in_progress, &thread);
}

/* The call at a depth that is below CALLS_DEPTH_MAX. */
static __always_inline struct library_call *call_at(struct calls_in_progress *calls, __u32 depth)
{
	__u64 index = depth;

	/* Else the compiler, which knows the bound, leaves out the mask, and verifiers do not know
	 * it. */
	barrier_var(index);
	return &calls->calls[index & (CALLS_DEPTH_MAX - 1)];
}

/*
 * Whether the call around tells of the same bytes: SSL_read_early_data calls SSL_read_ex,
 * SSL_write_ex calls SSL_write_ex2, and in LibreSSL the functions with _ex call those without.
 */
static __always_inline bool is_part_of(
	const struct library_call *call, const struct library_call *around)
{
	return around->may_wrap && call->object == around->object &&
	       call->direction == around->direction && call->function != around->function;
}

/* Remembers a call; false: no room. */
static __always_inline bool push_call(struct library_call *call)
{
	struct calls_in_progress *calls = add_calls_of_thread();
	__u32 depth;

	if (!calls)
		return false;
	depth = calls->depth;
	for (int i = 0; i < CALLS_DEPTH_MAX; i++) {
		if (depth == 0 || depth > CALLS_DEPTH_MAX)
			break;
		if (call_at(calls, depth - 1)->stack > call->stack)
			break;
		depth--;
	}
	if (depth >= CALLS_DEPTH_MAX)
		depth = 0;
	if (depth > 0)
		call->is_part = is_part_of(call, call_at(calls, depth - 1));
	*call_at(calls, depth) = *call;
	calls->depth = depth + 1;
	return true;
}

static __always_inline __u64 distance(__u64 one, __u64 other)
{
	return one > other ? one - other : other - one;
}

/*
 * Takes out the call of a function that returns with this stack pointer, and all within it; false:
 * its entry was not seen.
 */
static __always_inline bool pop_call(__u8 function, __u64 stack, struct library_call *returned)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct calls_in_progress *calls = bpf_map_lookup_elem(&calls_in_progress, &thread);
	__u64 nearest = FRAME_BYTES_MAX + 1;
	struct library_call *found = NULL;
	__u32 depth;

	if (!calls)
		return false;
	depth = calls->depth;
	for (__u32 i = 0; i < CALLS_DEPTH_MAX; i++) {
		struct library_call *call = &calls->calls[i];

		if (i >= depth)
			break;
		if (call->function != function || distance(call->stack, stack) >= nearest)
			continue;
		nearest = distance(call->stack, stack);
		found = call;
		calls->depth = i;
	}
	if (!found)
		return false;
	*returned = *found;
	/* The oldest entries make room for new ones: those of threads that wait within a call. */
	if (calls->depth == 0)
		bpf_map_delete_elem(&calls_in_progress, &thread);
	return true;
}

/* Whether the thread is in a call on the object: what it does there is the library's own doing. */
static __always_inline bool is_in_call_on(__u64 object, __u64 stack)
{
	struct calls_in_progress *calls = calls_of_thread();

	if (!calls)
		return false;
	for (__u32 i = 0; i < CALLS_DEPTH_MAX; i++) {
		if (i >= calls->depth)
			break;
		if (calls->calls[i].object == object && calls->calls[i].stack > stack)
			return true;
	}
	return false;
}

#endif
