// SPDX-License-Identifier: Apache-2.0
/* What is asked and answered: tests/live/harness/expected-calls.ts computes the same. */
#include "peer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void append(struct bytes *to, const void *data, size_t length)
{
	if (to->length + length > to->capacity) {
		to->capacity = (to->length + length) * 2;
		to->data = realloc(to->data, to->capacity);
		if (!to->data)
			fail("memory");
	}
	memcpy(to->data + to->length, data, length);
	to->length += length;
}

static void append_text(struct bytes *to, const char *text)
{
	append(to, text, strlen(text));
}

static void append_filler(struct bytes *to, long length)
{
	static char filler[PIECE];

	if (!filler[0]) {
		for (size_t i = 0; i < sizeof(filler); i++)
			filler[i] = i % 64 == 63 ? '\n' : 'a' + i % 26;
	}
	for (; length > 0; length -= sizeof(filler))
		append(to, filler, length < (long)sizeof(filler) ? (size_t)length : sizeof(filler));
}

/* The fields that announce a body, the empty line, and the body. */
static void append_rest(struct bytes *to, long length, bool with_body)
{
	char line[64];

	if (!options.chunk) {
		sprintf(line, "Content-Length: %ld\r\n\r\n", length);
		append_text(to, line);
		if (with_body)
			append_filler(to, length);
		return;
	}
	append_text(to, "Transfer-Encoding: chunked\r\n\r\n");
	for (long left = length; left > 0; left -= options.chunk) {
		long now = left < options.chunk ? left : options.chunk;

		sprintf(line, "%lx\r\n", now);
		append_text(to, line);
		append_filler(to, now);
		append_text(to, "\r\n");
	}
	append_text(to, "0\r\n\r\n");
}

void append_request(struct bytes *to, long n)
{
	char line[256];

	sprintf(line, "%s /s/%s/%ld HTTP/1.1\r\nHost: peer.test\r\nX-Id: %ld\r\n",
		options.body < 0 ? "GET" : "POST", options.scenario, n, n);
	append_text(to, line);
	if (options.body < 0)
		append_text(to, "\r\n");
	else
		append_rest(to, options.body, true);
}

long status_of(long n)
{
	switch (n % 10) {
	case 3:
		return 404;
	case 5:
		return 201;
	case 7:
		return 500;
	}
	return 200;
}

long size_of(long n)
{
	return options.size < 0 ? n * 37 % 1000 : options.size;
}

long append_response(struct bytes *to, long n, bool with_body)
{
	char line[128];

	sprintf(line, "HTTP/1.1 %ld Answer\r\nX-Id: %ld\r\n", status_of(n), n);
	append_text(to, line);
	append_rest(to, size_of(n), with_body);
	return size_of(n);
}

static void bad(const char *what)
{
	errno = EPROTO;
	fail(what);
}

/* A byte of the head; true at its end. */
static bool take_head(struct reading *reading, char byte)
{
	if (reading->head_length + 1 >= HEAD_MAX)
		bad("head too long");
	reading->head[reading->head_length++] = byte;
	reading->head[reading->head_length] = 0;
	return reading->head_length >= 4 &&
	       !memcmp(reading->head + reading->head_length - 4, "\r\n\r\n", 4);
}

static long field(const struct reading *reading, const char *name)
{
	const char *found = strstr(reading->head, name);

	return found ? atol(found + strlen(name)) : -1;
}

size_t take(struct reading *reading, const char *data, size_t length, bool *complete)
{
	size_t at = 0;

	*complete = false;
	while (at < length && !*complete) {
		char byte = data[at];

		switch (reading->state) {
		case IN_HEAD:
			at++;
			if (!take_head(reading, byte))
				break;
			reading->left = field(reading, "\r\nContent-Length: ");
			reading->body = 0;
			if (strstr(reading->head, "\r\nTransfer-Encoding: chunked")) {
				reading->state = IN_CHUNK_SIZE;
				reading->left = 0;
			} else if (reading->left > 0) {
				reading->state = IN_BODY;
			} else {
				*complete = true;
			}
			break;
		case IN_BODY:
		case IN_CHUNK: {
			size_t now = length - at;

			if (now > (size_t)reading->left)
				now = reading->left;
			at += now;
			reading->left -= now;
			reading->body += now;
			if (reading->left)
				break;
			if (reading->state == IN_BODY)
				*complete = true;
			else
				reading->state = IN_CHUNK_END;
			break;
		}
		case IN_CHUNK_SIZE:
			at++;
			if (byte == '\n')
				reading->state = reading->left ? IN_CHUNK : IN_TRAILER;
			else if (byte != '\r')
				reading->left = reading->left * 16 +
						(byte <= '9' ? byte - '0' : (byte | 32) - 'a' + 10);
			break;
		case IN_CHUNK_END:
			at++;
			if (byte == '\n')
				reading->state = IN_CHUNK_SIZE;
			break;
		case IN_TRAILER:
			at++;
			*complete = byte == '\n';
			break;
		}
	}
	return at;
}

long number_in_request(const struct reading *reading)
{
	long n = field(reading, "\r\nX-Id: ");

	if (n < 0)
		bad("request without a number");
	return n;
}

void check_response(const struct reading *reading, long n)
{
	if (field(reading, "\r\nX-Id: ") != n || field(reading, "HTTP/1.1 ") != status_of(n))
		bad("a response to another request");
	if (options.size >= 0 && reading->body != options.size)
		bad("a body of another size");
}
