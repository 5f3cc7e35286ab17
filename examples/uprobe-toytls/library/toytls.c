/* SPDX-License-Identifier: Apache-2.0 */
#include "toytls.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEADER 5
#define RECORD_MAX 16384
#define TAG 16 /* TLS adds as much to prove that nothing was changed; here it is zeros */

struct toy {
	int fd;
	size_t from, to; /* what of `record` was not read yet */
	unsigned char record[RECORD_MAX + TAG];
};

struct toy *toy_new(int fd)
{
	struct toy *toy = calloc(1, sizeof(*toy));

	if (toy)
		toy->fd = fd;
	return toy;
}

void toy_free(struct toy *toy)
{
	free(toy);
}

static void scramble(unsigned char *to, const unsigned char *from, size_t size)
{
	for (size_t i = 0; i < size; i++)
		to[i] = from[i] ^ 0x5a;
}

/* 1: all of it; 0: the end came before it; -1: an error. */
static int read_all(int fd, unsigned char *to, size_t size)
{
	while (size > 0) {
		ssize_t got = read(fd, to, size);

		if (got <= 0)
			return (int)got;
		to += got;
		size -= got;
	}
	return 1;
}

static int read_record(struct toy *toy)
{
	unsigned char header[HEADER];
	int state = read_all(toy->fd, header, sizeof(header));
	size_t size;

	if (state <= 0)
		return state;
	size = (size_t)header[3] << 8 | header[4];
	if (size <= TAG || size > sizeof(toy->record))
		return -1;
	state = read_all(toy->fd, toy->record, size);
	toy->from = 0;
	toy->to = size - TAG;
	return state;
}

ssize_t toy_read(struct toy *toy, void *buffer, size_t size)
{
	if (toy->from == toy->to) {
		int state = read_record(toy);

		if (state <= 0)
			return state;
	}
	if (size > toy->to - toy->from)
		size = toy->to - toy->from;
	scramble(buffer, toy->record + toy->from, size);
	toy->from += size;
	return (ssize_t)size;
}

ssize_t toy_write(struct toy *toy, const void *buffer, size_t size)
{
	unsigned char record[HEADER + RECORD_MAX + TAG] = {23, 3, 3};
	size_t total, done = 0;

	if (size > RECORD_MAX)
		size = RECORD_MAX;
	record[3] = (unsigned char)((size + TAG) >> 8);
	record[4] = (unsigned char)(size + TAG);
	scramble(record + HEADER, buffer, size);
	total = HEADER + size + TAG;
	while (done < total) {
		ssize_t written = write(toy->fd, record + done, total - done);

		if (written < 0)
			return -1;
		done += written;
	}
	return (ssize_t)size;
}
