/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Plaintext above TLS libraries: connections named by a library's own objects, the sockets that
 * carry their ciphertext, and what their calls moved. The calls come from the programs of sources
 * (plaintext_api.bpf.h).
 *
 * Newer kernels may preempt the programs of uprobes, so nothing here is kept per CPU, and counters
 * are added to atomically.
 */
#ifndef LIBTRACE_PLAINTEXT_H
#define LIBTRACE_PLAINTEXT_H

#include "plaintext_binding.bpf.h"

/* As UNNAMED_BYTES_MAX, for plaintext: no rules run here, user space names the protocol. */
#define UNNAMED_PLAINTEXT_MAX (1024 * 1024)

static __always_inline bool announce_plaintext(
	struct plaintext *plaintext, __u64 object, __u64 pid_tgid)
{
	struct connection *connection = &plaintext->connection;
	struct open_event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (!event) {
		__sync_fetch_and_add(&own_counters()->lost_events, 1);
		return false;
	}
	__builtin_memset(event, 0, sizeof(*event));
	event->type = EVENT_OPEN;
	event->transport = TRANSPORT_TLS;
	event->pid = pid_tgid >> 32;
	event->tid = (__u32)pid_tgid;
	event->connection = connection->id;
	event->key = object;
	event->timestamp_ns = bpf_ktime_get_ns();
	event->position[0] = connection->position[0];
	event->position[1] = connection->position[1];
	event->midstream = connection->midstream;
	event->source = plaintext->source;
	bpf_ringbuf_submit(event, BPF_RB_NO_WAKEUP);
	connection->announced = 1;
	if (plaintext->carrier)
		emit_bind(plaintext);
	return true;
}

static __always_inline void cover_carrier(struct plaintext *plaintext)
{
	struct connection *carrier;
	__u64 key = plaintext->carrier_key;

	if (!plaintext->carrier)
		return;
	carrier = bpf_map_lookup_elem(&connections, &key);
	if (carrier && carrier->id == plaintext->carrier)
		carrier->covered = 1;
}

struct plaintext_segment {
	struct segment_event event;
	__u8 data[];
};

/*
 * Copies the bytes straight into the ring: a record must have a constant size, so the smallest of
 * some sizes is taken. 1: done or lost; 0: try the next larger one.
 */
#define COPY_INTO(SIZE)                                                                            \
	if (size <= (SIZE)) {                                                                      \
		struct plaintext_segment *segment =                                                \
			bpf_ringbuf_reserve(&events, sizeof(struct segment_event) + (SIZE), 0);    \
		if (!segment)                                                                      \
			return false;                                                              \
		segment->event = *event;                                                           \
		size = bounded(size, SIZE);                                                        \
		if (bpf_probe_read_user(segment->data, size, (void *)buffer)) {                    \
			segment->event.hole_reason = HOLE_FAULT;                                   \
			size = 0;                                                                  \
		}                                                                                  \
		segment->event.captured = size;                                                    \
		bpf_ringbuf_submit(segment, flag);                                                 \
		return true;                                                                       \
	}

static __always_inline bool copy_into_ring(
	struct segment_event *event, __u64 buffer, __u64 size, __u64 flag)
{
	COPY_INTO(256)
	COPY_INTO(512)
	COPY_INTO(1024)
	COPY_INTO(2048)
	COPY_INTO(4096)
	COPY_INTO(8192)
	COPY_INTO(16384)
	COPY_INTO(32768)
	COPY_INTO(65536)
	size = bounded(size, CAPTURE_MAX);
	COPY_INTO(CAPTURE_MAX)
	return false;
}

static __always_inline void deliver_plaintext(
	struct plaintext *plaintext, struct plaintext_call *tls, __u64 pid_tgid, bool has_begun)
{
	struct connection *connection = &plaintext->connection;
	__u32 own = tls->direction & 1, other = ~tls->direction & 1;
	struct counters *c = own_counters();
	struct segment_event event = {};
	__u64 now = bpf_ktime_get_ns();
	__u64 length = tls->length;
	__u64 flag, size;
	struct call *wake;

	__sync_fetch_and_add(&c->segments_seen, 1);
	__sync_fetch_and_add(&c->bytes_seen, length);
	event.position = connection->position[own];
	event.opposite_position = connection->position[other];
	/* What answers a write, and what follows that, may be read before the write has returned.
	 */
	if (own == DIRECTION_OUT && has_begun)
		event.opposite_position = plaintext->opposite_out;
	if (own == DIRECTION_IN && plaintext->reserved_out > event.opposite_position)
		event.opposite_position = plaintext->reserved_out;
	connection->position[own] += length;
	if (connection->moved_ns && now > connection->moved_ns)
		event.idle_ms = (now - connection->moved_ns) / 1000000;
	connection->moved_ns = now;
	connection->pid = pid_tgid >> 32;
	follow_plugins(connection);
	apply_verdict(connection);
	cover_carrier(plaintext);
	if (connection->ignored || (!connection->protocol && !keep_unnamed &&
					   connection->position[own] > UNNAMED_PLAINTEXT_MAX)) {
		__sync_fetch_and_add(&c->lost_ignored, 1);
		return;
	}
	if (!connection->announced && !announce_plaintext(plaintext, tls->object, pid_tgid))
		goto lost;
	event.type = EVENT_SEGMENT;
	event.direction = own;
	event.protocol = connection->protocol;
	event.pid = pid_tgid >> 32;
	event.tid = (__u32)pid_tgid;
	event.length = length;
	event.connection = connection->id;
	event.start_ns = own == DIRECTION_OUT && tls->start_ns ? tls->start_ns : now;
	event.end_ns = now;
	size = length < capture_limit ? length : capture_limit;
	if (size < length)
		event.hole_reason = HOLE_LIMIT;
	flag = BPF_RB_FORCE_WAKEUP;
	wake = own_call();
	if (wake)
		flag = wake_flag(wake, sizeof(event) + size, connection->protocol != 0);
	if (!copy_into_ring(&event, tls->buffer, size, flag))
		goto lost;
	__sync_fetch_and_add(&c->segments_delivered, 1);
	__sync_fetch_and_add(&c->bytes_delivered, size);
	return;
lost:
	__sync_fetch_and_add(&c->lost_ring, 1);
	__sync_fetch_and_add(&c->lost_ring_bytes, length);
}

static __always_inline void emit_close(struct plaintext *plaintext, __u32 pid)
{
	plaintext->close_owed = 0;
	emit_end(&plaintext->connection, EVENT_CLOSE, 0, pid, plaintext->connection.position);
}

/* The call in progress is over; it wrote `written` bytes. */
static __always_inline void leave_call(
	struct plaintext *plaintext, struct plaintext_call *tls, __u64 written)
{
	if (tls->inside == tls->object)
		tls->inside = 0;
	plaintext->in_progress[tls->direction & 1] = 0;
	tls->read_from = 0;
	/* Other goroutines use the thread's sockets in between: adjacent calls tell nothing. */
	if (tls->used_socket || tls->goroutine) {
		tls->recent = 0;
		tls->recent_many = 0;
	} else if (!plaintext->carrier) {
		if (tls->recent && tls->recent != tls->object)
			tls->recent_many = 1;
		tls->recent = tls->object;
		tls->recent_length = written;
	}
}

static __always_inline void end_call(
	struct plaintext *plaintext, struct plaintext_call *tls, __u64 pid_tgid)
{
	bool is_out = tls->direction == PLAINTEXT_OUT;
	/* More than a call can move: an error that the source took for a length. */
	bool moved = tls->length && tls->length <= 0x7fffffff && !plaintext->connection.excluded;

	bool has_begun = plaintext->in_progress[tls->direction & 1];

	if (tls->fd >= 0 && !plaintext->carrier)
		bind_to_descriptor(plaintext, tls->fd);
	/* What was read may be for another object, unless this one has decrypted it. */
	if (!tls->used_socket && !tls->goroutine && !is_out && tls->length)
		bind_to_read(tls, plaintext, tls->length);
	leave_call(plaintext, tls, is_out ? tls->length : 0);
	if (moved)
		deliver_plaintext(plaintext, tls, pid_tgid, has_begun);
	if (is_out)
		plaintext->reserved_out = plaintext->connection.position[DIRECTION_OUT];
	if (plaintext->close_owed && !is_in_progress(plaintext))
		emit_close(plaintext, pid_tgid >> 32);
}

/* The socket stays covered: what it still moves is of TLS itself. */
static __always_inline void leave_carrier(struct plaintext *plaintext)
{
	__u64 key = plaintext->carrier_key;
	struct connection *carrier = bpf_map_lookup_elem(&connections, &key);

	if (carrier && carrier->plaintext == plaintext->connection.id)
		carrier->plaintext = 0;
}

/*
 * With goroutines the entry stays, for calls of others that are still in progress: what they moved
 * is the object's. Its close is told when they have ended.
 */
static __always_inline void free_object(
	struct plaintext_key *key, struct plaintext *plaintext, struct plaintext_call *tls)
{
	if (plaintext->freed)
		return;
	plaintext->freed = 1;
	leave_carrier(plaintext);
	if (tls->recent == key->object)
		tls->recent = 0;
	if (tls->goroutine && is_in_progress(plaintext)) {
		plaintext->close_owed = 1;
		return;
	}
	emit_close(plaintext, key->pid);
	/* Goroutines may still call with an object that is closed. */
	if (!tls->goroutine)
		bpf_map_delete_elem(&plaintexts, key);
}

/* Bytes of an object that is not known: there was no room for it. */
static __always_inline void count_unknown(struct plaintext_call *tls)
{
	struct counters *c = own_counters();

	if (tls->inside == tls->object)
		tls->inside = 0;
	if (tls->action != PLAINTEXT_END || !tls->length)
		return;
	__sync_fetch_and_add(&c->segments_seen, 1);
	__sync_fetch_and_add(&c->bytes_seen, tls->length);
	__sync_fetch_and_add(&c->lost_connections, 1);
}

/* Bytes of a call whose beginning was not seen. */
static __always_inline void count_missed(struct plaintext_call *tls)
{
	struct counters *c = own_counters();

	__sync_fetch_and_add(&c->segments_seen, 1);
	__sync_fetch_and_add(&c->bytes_seen, tls->length);
	__sync_fetch_and_add(&c->lost_begun, 1);
}

static __always_inline void begin_call(struct plaintext *plaintext, struct plaintext_call *tls)
{
	if (tls->fd >= 0 && !plaintext->carrier)
		bind_to_descriptor(plaintext, tls->fd);
	/* A socket that is known by its descriptor is not looked for in another way. */
	tls->inside = tls->fd >= 0 && plaintext->carrier ? 0 : tls->object;
	tls->inside_goroutine = tls->goroutine;
	tls->used_socket = 0;
	plaintext->in_progress[tls->direction & 1] = 1;
	if (tls->direction == PLAINTEXT_OUT) {
		plaintext->reserved_out =
			plaintext->connection.position[DIRECTION_OUT] + tls->length;
		plaintext->opposite_out = plaintext->connection.position[DIRECTION_IN];
	}
}

/* Another connection than the one that was known by this address. */
static __always_inline void renew(struct plaintext *plaintext, __u32 pid)
{
	bool is_current = plaintext->era == (__u16)plaintext_eras[plaintext->source];

	if (!plaintext->freed && is_current) {
		check_carrier(plaintext);
		return;
	}
	if (!plaintext->freed)
		leave_carrier(plaintext);
	if (!plaintext->freed || plaintext->close_owed)
		emit_close(plaintext, pid);
	begin_plaintext(plaintext, plaintext->source);
}

static __always_inline int take_call(void)
{
	__u64 pid_tgid = bpf_get_current_pid_tgid();
	struct plaintext_call *tls = bpf_map_lookup_elem(&plaintext_calls, &pid_tgid);
	struct plaintext_key key = {.pid = pid_tgid >> 32};
	struct plaintext *plaintext;
	bool is_first;

	if (!tls)
		return 0;
	if (tls->action == PLAINTEXT_MISSED) {
		count_missed(tls);
		return 0;
	}
	if (!tls->object)
		return 0;
	is_first = tls->action == PLAINTEXT_BEGIN || tls->action == PLAINTEXT_BIND;
	key.object = tls->object;
	plaintext = plaintext_of(&key);
	/* With a socket, also the end of a call that began before the probes were there. */
	if (!plaintext && (is_first || tls->fd >= 0))
		plaintext = add_plaintext(&key, tls->source);
	if (!plaintext) {
		count_unknown(tls);
		return 0;
	}
	if (is_first)
		renew(plaintext, key.pid);
	switch (tls->action) {
	case PLAINTEXT_BEGIN:
		bind_outer(plaintext, tls, key.pid);
		begin_call(plaintext, tls);
		break;
	case PLAINTEXT_END:
		end_call(plaintext, tls, pid_tgid);
		break;
	case PLAINTEXT_BIND:
		bind_to_descriptor(plaintext, tls->fd);
		break;
	case PLAINTEXT_SHUT:
		tls->length = 0;
		end_call(plaintext, tls, pid_tgid);
		if (!plaintext->freed || plaintext->close_owed)
			emit_end(&plaintext->connection, EVENT_END, tls->direction & 1, key.pid,
				plaintext->connection.position);
		break;
	case PLAINTEXT_FREE:
		if (tls->inside == tls->object)
			tls->inside = 0;
		free_object(&key, plaintext, tls);
		break;
	}
	return 0;
}

#endif
