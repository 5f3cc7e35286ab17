/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which socket carries the ciphertext of a library's object: the one with the descriptor that the
 * program named, the one that was used within a call on the object, or the one that the thread used
 * right before or after it.
 */
#ifndef LIBTRACE_PLAINTEXT_BINDING_H
#define LIBTRACE_PLAINTEXT_BINDING_H

#include "plaintext_state.bpf.h"

static __always_inline void emit_bind(struct plaintext *plaintext)
{
	struct bind_event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (!event) {
		__sync_fetch_and_add(&own_counters()->lost_events, 1);
		return;
	}
	__builtin_memset(event, 0, sizeof(*event));
	event->type = EVENT_BIND;
	event->connection = plaintext->connection.id;
	event->carrier = plaintext->carrier;
	event->timestamp_ns = bpf_ktime_get_ns();
	bpf_ringbuf_submit(event, BPF_RB_NO_WAKEUP);
}

/* Whether the first plaintext on a socket is seen: probes were in place before it was opened, or
 * TLS only begins now. */
static __always_inline bool saw_beginning(struct connection *carrier)
{
	/* Of an object that was known before: its entry had to make room, or it was freed. */
	if (carrier->midstream || carrier->carried)
		return false;
	return carrier->created_ns > plaintext_since || !carrier->position[DIRECTION_IN] ||
	       !carrier->position[DIRECTION_OUT];
}

/* From now on `carrier` carries the object's ciphertext. Over another socket than before it is
 * another connection. */
static __always_inline void bind_plaintext(
	struct plaintext *plaintext, struct connection *carrier, __u64 carrier_key)
{
	if (plaintext->carrier == carrier->id)
		return;
	if (plaintext->carrier) {
		emit_end(&plaintext->connection, EVENT_CLOSE, 0, 0, plaintext->connection.position);
		begin_plaintext(plaintext, plaintext->source);
	}
	/* Another CPU that sees the carrier finds its key. */
	*(volatile __u64 *)&plaintext->carrier_key = carrier_key;
	*(volatile __u64 *)&plaintext->carrier = carrier->id;
	plaintext->connection.excluded = carrier->excluded;
	plaintext->connection.midstream = !saw_beginning(carrier);
	carrier->plaintext = plaintext->connection.id;
	carrier->carried = 1;
	if (plaintext->connection.announced)
		emit_bind(plaintext);
}

/* A socket that is gone carries nothing any more; the object may serve another one. */
static __always_inline void check_carrier(struct plaintext *plaintext)
{
	struct connection *carrier;
	__u64 id = *(volatile __u64 *)&plaintext->carrier;
	__u64 key;

	if (!id)
		return;
	key = *(volatile __u64 *)&plaintext->carrier_key;
	carrier = bpf_map_lookup_elem(&connections, &key);
	if (carrier && carrier->id == id)
		return;
	emit_end(&plaintext->connection, EVENT_CLOSE, 0, 0, plaintext->connection.position);
	begin_plaintext(plaintext, plaintext->source);
}

/*
 * Whether user memory begins like a TLS record (RFC 8446, section 5.1): content type 20 to 23,
 * version 3.0 to 3.4.
 */
static __always_inline bool looks_like_tls(__u64 address)
{
	__u8 head[3] = {};

	if (bpf_probe_read_user(head, sizeof(head), (void *)address))
		return false;
	return head[0] >= 20 && head[0] <= 23 && head[1] == 3 && head[2] <= 4;
}

/* The first bytes that a call moved. */
static __always_inline __u64 first_bytes(struct call *call)
{
	struct user_iovec iovec = {};

	if (call->buffer)
		return call->buffer;
	if (call->vector_length)
		bpf_probe_read_user(&iovec, sizeof(iovec), (void *)call->vector);
	return (__u64)iovec.base;
}

/* The least that TLS adds to what it carries: a header of 5 bytes and a tag of 16, with a content
 * type in 1.3. */
#define TLS_OVERHEAD_MIN 21

/*
 * A thread that uses a TLS library has moved `length` bytes on a socket. Within a call of the
 * library, the socket is the object's. Outside (the library was given memory to read and write, as
 * in Node.js), what is read is decrypted right after, what was encrypted is written right after:
 * the calls of the same thread tell, when nothing came between them.
 */
static __always_inline void note_socket_use(struct call *call, struct connection *connection,
	__u64 pid_tgid, __u32 length, __u64 goroutine)
{
	struct plaintext_call *tls = bpf_map_lookup_elem(&plaintext_calls, &pid_tgid);
	struct plaintext_key key = {.pid = pid_tgid >> 32};
	struct plaintext *plaintext;
	__u64 object;

	if (!tls)
		return;
	if (tls->inside) {
		if (tls->inside_goroutine && tls->inside_goroutine != goroutine)
			return;
		tls->used_socket = 1;
		key.object = tls->inside;
		plaintext = plaintext_of(&key);
		/* A goroutine's call may have ended on another thread, and this is another one. */
		if (plaintext &&
			!(tls->inside_goroutine ? plaintext->carrier
						: plaintext->carrier == connection->id) &&
			looks_like_tls(first_bytes(call)))
			bind_plaintext(plaintext, connection, call->key);
		return;
	}
	object = tls->recent_many ? 0 : tls->recent;
	tls->recent = 0;
	tls->recent_many = 0;
	if (connection->plaintext || !looks_like_tls(first_bytes(call))) {
		tls->read_from = 0;
		return;
	}
	if (call->direction == DIRECTION_IN) {
		if (!tls->read_from)
			tls->read_many = 0;
		else if (tls->read_from != connection->id)
			tls->read_many = 1;
		tls->read_from = connection->id;
		tls->read_key = call->key;
		tls->read_length = length;
		return;
	}
	tls->read_from = 0;
	if (!object || length < tls->recent_length + TLS_OVERHEAD_MIN)
		return;
	key.object = object;
	plaintext = plaintext_of(&key);
	if (plaintext && !plaintext->carrier)
		bind_plaintext(plaintext, connection, call->key);
}

/* The socket that the thread read from right before it called the library. */
static __always_inline void bind_to_read(
	struct plaintext_call *tls, struct plaintext *plaintext, __u64 length)
{
	struct connection *carrier;
	__u64 key = tls->read_key;

	if (plaintext->carrier || !tls->read_from || tls->read_many)
		return;
	carrier = bpf_map_lookup_elem(&connections, &key);
	if (!carrier || carrier->id != tls->read_from || carrier->plaintext)
		return;
	if (length + TLS_OVERHEAD_MIN > tls->read_length)
		return;
	bind_plaintext(plaintext, carrier, key);
}

static __always_inline void bind_to_descriptor(struct plaintext *plaintext, __u32 fd)
{
	struct socket_reference reference = {};
	struct connection *carrier;

	if (!socket_of(fd, &reference, &carrier))
		return;
	if (carrier)
		bind_plaintext(plaintext, carrier, reference.sk);
}

/*
 * TLS within TLS: while a call on one object is in progress, a call on another begins. The outer
 * one's bytes travel by the inner one's socket.
 */
static __always_inline void bind_outer(
	struct plaintext *plaintext, struct plaintext_call *tls, __u32 pid)
{
	struct plaintext_key key = {.object = tls->inside, .pid = pid};
	struct plaintext *outer;
	struct connection *carrier;
	__u64 carrier_key = plaintext->carrier_key;

	if (!tls->inside || tls->inside == tls->object || tls->inside_goroutine)
		return;
	outer = plaintext_of(&key);
	if (!outer || outer->carrier || !plaintext->carrier)
		return;
	carrier = bpf_map_lookup_elem(&connections, &carrier_key);
	if (carrier && carrier->id == plaintext->carrier)
		bind_plaintext(outer, carrier, carrier_key);
}

#endif
