/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is known of the connections above TLS libraries, by the library's object. */
#ifndef LIBTRACE_PLAINTEXT_STATE_H
#define LIBTRACE_PLAINTEXT_STATE_H

#include "segment.bpf.h"
#include "plaintext_api.bpf.h"

/* 1: there are sources of plaintext. */
const volatile __u8 want_plaintext = 0;

/* When the last probe of a source was placed. Written by user space. */
volatile __u64 plaintext_since = 0;

/*
 * By source: how often its probes were taken out of files that processes use. What moved until they
 * were placed again is not known. Written by user space.
 */
volatile __u32 plaintext_eras[256];

struct plaintext_key {
	__u64 object;
	__u32 pid;
	__u32 pad;
};

struct plaintext {
	struct connection connection; /* of its own: id, positions, verdicts */
	__u64 carrier;		      /* id of the connection that carries it; 0: not known */
	__u64 carrier_key;	      /* in `connections` */
	__u64 reserved_out;	      /* position that the write in progress will reach */
	__u64 opposite_out; /* how far the other direction had come when that write began */
	__u8 source;
	/* Per direction, a byte each because two CPUs write them: a call has begun and not ended.
	 */
	__u8 in_progress[2];
	__u8 freed;	 /* the object is gone */
	__u8 close_owed; /* user space will be told so when calls in progress have ended */
	__u8 pad;
	__u16 era;
};

/* Resized by the loader. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct plaintext_key);
	__type(value, struct plaintext);
} plaintexts SEC(".maps");

/*
 * Ids of plaintext connections have bit 52 set; they are told apart by time (units of 256 ns, 42
 * bits: 13 days) and CPU, because a counter could be read twice by programs that preempt each
 * other.
 */
static __always_inline __u64 next_plaintext_id(void)
{
	__u64 time = (bpf_ktime_get_ns() >> 8) & ((1ull << 42) - 1);
	__u64 cpu = bpf_get_smp_processor_id() & 1023;

	return 1ull << 52 | cpu << 42 | time;
}

static __always_inline void begin_plaintext(struct plaintext *plaintext, __u8 source)
{
	__builtin_memset(plaintext, 0, sizeof(*plaintext));
	plaintext->connection.id = next_plaintext_id();
	plaintext->connection.transport = TRANSPORT_TLS;
	plaintext->connection.midstream = 1;
	plaintext->connection.verdict_generation = verdict_generation;
	plaintext->connection.plugin_generation = plugin_generation;
	plaintext->source = source;
	plaintext->era = plaintext_eras[source];
}

static __always_inline bool is_in_progress(const struct plaintext *plaintext)
{
	return plaintext->in_progress[0] || plaintext->in_progress[1];
}

static __always_inline struct plaintext *plaintext_of(struct plaintext_key *key)
{
	return bpf_map_lookup_elem(&plaintexts, key);
}

static __always_inline struct plaintext *add_plaintext(struct plaintext_key *key, __u8 source)
{
	struct plaintext fresh;

	begin_plaintext(&fresh, source);
	bpf_map_update_elem(&plaintexts, key, &fresh, BPF_NOEXIST);
	return plaintext_of(key);
}

#endif
