/* SPDX-License-Identifier: Apache-2.0 */
/* Requests and responses: what they are follows from their number. */
#define _GNU_SOURCE
#include "peer.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAD_MAX 4096

/* A message that is being read. */
struct reader {
	struct channel *channel;
	char head[HEAD_MAX + 1];
	size_t head_bytes;
	char rest[PIECE]; /* bytes behind the head, of the body or of the next message */
	size_t rest_bytes;
};

/* Reads up to the empty line. False: the connection ended, or what came is not a message. */
static bool read_head(struct reader *reader)
{
	char bytes[PIECE];
	size_t size = reader->rest_bytes;

	memcpy(bytes, reader->rest, size);
	reader->rest_bytes = 0;
	for (;;) {
		char *end = memmem(bytes, size, "\r\n\r\n", 4);
		long got;

		if (end) {
			reader->head_bytes = end + 4 - bytes;
			if (reader->head_bytes > HEAD_MAX)
				return false;
			memcpy(reader->head, bytes, reader->head_bytes);
			reader->head[reader->head_bytes] = 0;
			reader->rest_bytes = size - reader->head_bytes;
			memcpy(reader->rest, end + 4, reader->rest_bytes);
			return true;
		}
		if (size == sizeof(bytes))
			return false;
		got = channel_read(reader->channel, bytes + size, sizeof(bytes) - size);
		if (got <= 0)
			return false;
		size += got;
	}
}

static long number_behind(const struct reader *reader, const char *text, long otherwise)
{
	const char *found = strcasestr(reader->head, text);

	return found ? atol(found + strlen(text)) : otherwise;
}

/* Reads a body and forgets it. Returns its bytes, -1 when it did not come. */
static long read_body(struct reader *reader)
{
	long length = number_behind(reader, "\r\nContent-Length:", 0);
	long left = length - (long)reader->rest_bytes;
	char bytes[PIECE];

	if (left < 0) {
		memmove(reader->rest, reader->rest + length, -left);
		reader->rest_bytes = -left;
		return length;
	}
	reader->rest_bytes = 0;
	while (left > 0) {
		long got = channel_read(
			reader->channel, bytes, left < PIECE ? (size_t)left : sizeof(bytes));

		if (got <= 0)
			return -1;
		left -= got;
	}
	return length;
}

/* One call of the library for head and body. */
static bool write_message(struct channel *channel, const char *head, char fill, long body)
{
	size_t head_bytes = strlen(head);
	char *message = malloc(head_bytes + body + 1);
	bool done;

	memcpy(message, head, head_bytes);
	memset(message + head_bytes, fill, body);
	done = channel_write(channel, message, head_bytes + body);
	free(message);
	return done;
}

static int local_port(int fd)
{
	struct sockaddr_in address;
	socklen_t size = sizeof(address);

	getsockname(fd, (struct sockaddr *)&address, &size);
	return ntohs(address.sin_port);
}

bool ask(struct channel *channel, const char *host, long n, struct told *told)
{
	struct reader reader = {.channel = channel};
	long body = options.body >= 0 ? options.body : n % 1000;
	char head[512], length[64] = "";

	if (n % 3 == 0)
		snprintf(length, sizeof(length), "Content-Length: %ld\r\n", body);
	snprintf(head, sizeof(head), "%s /n/%ld HTTP/1.1\r\nHost: %s\r\nX-N: %ld\r\n%s\r\n",
		n % 3 == 0 ? "POST" : "GET", n, host, n, length);
	if (!write_message(channel, head, 'c', n % 3 == 0 ? body : 0) || !read_head(&reader))
		return false;
	told->n = n;
	told->status = (int)number_behind(&reader, "HTTP/1.1 ", 0);
	told->bytes = read_body(&reader);
	told->port = local_port(channel->fd);
	told->version = SSL_get_version(channel->ssl);
	told->cipher = SSL_CIPHER_standard_name(SSL_get_current_cipher(channel->ssl));
	return told->bytes >= 0 && reader.rest_bytes == 0;
}

void answer_all(struct channel *channel)
{
	struct reader reader = {.channel = channel};

	while (read_head(&reader)) {
		long n = number_behind(&reader, " /n/", 0), received = read_body(&reader);
		long body = options.size >= 0 ? options.size : n * 37 % 1000;
		char head[512];

		if (received < 0)
			return;
		snprintf(head, sizeof(head),
			"HTTP/1.1 %s\r\nX-Id: %ld\r\nX-Received: %ld\r\nContent-Length: "
			"%ld\r\n\r\n",
			n % 10 == 0 ? "404 Not Found" : "200 OK", n, received, body);
		if (!write_message(channel, head, 'a', body))
			return;
	}
}
