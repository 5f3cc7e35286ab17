// SPDX-License-Identifier: Apache-2.0
/* The system calls that move bytes, by choice. */
#define _GNU_SOURCE
#include "peer.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <unistd.h>

#define VECTORS 64

void set_up(int fd)
{
	int yes = 1;

	/* Fails on unix sockets, which wait for nobody. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	if (options.nonblocking && fcntl(fd, F_SETFL, O_NONBLOCK))
		fail("fcntl");
}

/* Spreads bytes over iovecs of uneven sizes; some are empty. */
static int spread(struct iovec *vectors, int number, char *data, size_t size)
{
	for (int i = 0; i < number; i++) {
		size_t now = i == number - 1 ? size : size / (number - i) / 2 + i % 3;

		if (i % 7 == 3 && i < number - 1)
			now = 0;
		if (now > size)
			now = size;
		vectors[i].iov_base = data;
		vectors[i].iov_len = now;
		data += now;
		size -= now;
	}
	return number;
}

/* recvmmsg with four messages; their bytes are moved together. */
static ssize_t receive_messages(int fd, char *data, size_t size)
{
	struct mmsghdr messages[4] = {};
	struct iovec vectors[4][2];
	size_t share = size / 4;
	ssize_t total = 0;
	int number;

	for (int i = 0; i < 4; i++) {
		spread(vectors[i], 2, data + i * share, share);
		messages[i].msg_hdr.msg_iov = vectors[i];
		messages[i].msg_hdr.msg_iovlen = 2;
	}
	number = recvmmsg(fd, messages, 4, MSG_WAITFORONE, NULL);
	for (int i = 0; i < number; i++) {
		memmove(data + total, data + i * share, messages[i].msg_len);
		total += messages[i].msg_len;
	}
	return number < 0 ? -1 : total;
}

ssize_t receive(int fd, char *data, size_t size)
{
	struct iovec vectors[VECTORS];
	struct msghdr message = {.msg_iov = vectors};
	ssize_t got;

	switch (options.read) {
	case IO_SOCKET:
		got = recv(fd, data, size, 0);
		break;
	case IO_VECTOR:
		got = readv(fd, vectors, spread(vectors, VECTORS, data, size));
		break;
	case IO_MESSAGE:
		message.msg_iovlen = spread(vectors, 5, data, size);
		got = recvmsg(fd, &message, 0);
		break;
	case IO_MESSAGES:
		got = receive_messages(fd, data, size);
		break;
	case IO_PEEK:
		if (recv(fd, data, size, MSG_PEEK) < 0)
			fail("peek");
		got = read(fd, data, size);
		break;
	default:
		got = read(fd, data, size);
	}
	if (got < 0 && errno != EAGAIN)
		fail("receive");
	return got;
}

static ssize_t transmit_messages(int fd, char *data, size_t length)
{
	struct mmsghdr messages[4] = {};
	struct iovec vectors[4][3];
	ssize_t total = 0;
	int number;

	for (int i = 0; i < 4; i++) {
		size_t now = i == 3 ? length : length / 5;

		messages[i].msg_hdr.msg_iov = vectors[i];
		messages[i].msg_hdr.msg_iovlen = spread(vectors[i], 3, data, now);
		data += now;
		length -= now;
	}
	number = sendmmsg(fd, messages, 4, 0);
	for (int i = 0; i < number; i++)
		total += messages[i].msg_len;
	return number < 0 ? -1 : total;
}

static ssize_t transmit_some(int fd, char *data, size_t length)
{
	struct iovec vectors[VECTORS];
	struct msghdr message = {.msg_iov = vectors};

	switch (options.write) {
	case IO_SOCKET:
		return send(fd, data, length, MSG_NOSIGNAL);
	case IO_VECTOR:
		return writev(fd, vectors, spread(vectors, VECTORS, data, length));
	case IO_MESSAGE:
		message.msg_iovlen = spread(vectors, 5, data, length);
		return sendmsg(fd, &message, 0);
	case IO_MESSAGES:
		return transmit_messages(fd, data, length);
	case IO_BYTES:
		return write(fd, data, 1);
	default:
		return write(fd, data, length);
	}
}

void transmit(int fd, const char *data, size_t length)
{
	while (length > 0) {
		size_t now = length < (size_t)options.piece ? length : (size_t)options.piece;
		ssize_t sent = transmit_some(fd, (char *)data, now);

		if (sent < 0 && errno == EAGAIN) {
			struct pollfd ready = {.fd = fd, .events = POLLOUT};

			poll(&ready, 1, -1);
			continue;
		}
		if (sent < 0)
			fail("transmit");
		data += sent;
		length -= sent;
	}
}

void transmit_file(int fd, size_t length)
{
	static const char filler[4096];
	static int file = -1;
	static size_t file_length;
	off_t at = 0;

	if (file < 0)
		file = memfd_create("peer-body", 0);
	for (; file_length < length; file_length += sizeof(filler)) {
		if (write(file, filler, sizeof(filler)) != sizeof(filler))
			fail("file");
	}
	while ((size_t)at < length) {
		if (sendfile(fd, file, &at, length - at) <= 0)
			fail("sendfile");
	}
}
