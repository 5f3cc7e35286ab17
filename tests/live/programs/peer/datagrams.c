// SPDX-License-Identifier: Apache-2.0
/*
 * A toy protocol over UDP for the plugin of udp.live.test.ts: the datagram `TOY? n` and filler is
 * answered by `TOY! n` and n % 50 bytes of filler. The server's one socket is not connected.
 */
#define _GNU_SOURCE
#include "peer.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TOGETHER 8
#define DATAGRAM_MAX 256

/* Up to TOGETHER datagrams with their peers, for one call. */
struct pack {
	struct mmsghdr messages[TOGETHER];
	struct iovec vectors[TOGETHER];
	struct sockaddr_storage peers[TOGETHER];
	char data[TOGETHER][DATAGRAM_MAX];
};

static void prepare(struct pack *pack)
{
	memset(pack, 0, sizeof(*pack));
	for (int i = 0; i < TOGETHER; i++) {
		pack->vectors[i] = (struct iovec){pack->data[i], DATAGRAM_MAX};
		pack->messages[i].msg_hdr.msg_iov = &pack->vectors[i];
		pack->messages[i].msg_hdr.msg_iovlen = 1;
		pack->messages[i].msg_hdr.msg_name = &pack->peers[i];
		pack->messages[i].msg_hdr.msg_namelen = sizeof(pack->peers[i]);
	}
}

static int receive_pack(int fd, struct pack *pack)
{
	struct msghdr *header = &pack->messages[0].msg_hdr;
	ssize_t got;
	int number;

	prepare(pack);
	if (options.read == IO_MESSAGES) {
		number = recvmmsg(fd, pack->messages, TOGETHER, MSG_WAITFORONE, NULL);
		if (number < 0)
			fail("recvmmsg");
		return number;
	}
	got = recvfrom(fd, pack->data[0], DATAGRAM_MAX, 0, header->msg_name, &header->msg_namelen);
	if (got < 0)
		fail("recvfrom");
	pack->messages[0].msg_len = got;
	return 1;
}

static void send_pack(int fd, struct pack *pack, int number)
{
	if (options.write == IO_MESSAGES) {
		if (sendmmsg(fd, pack->messages, number, 0) != number)
			fail("sendmmsg");
		return;
	}
	for (int i = 0; i < number; i++) {
		struct msghdr *header = &pack->messages[i].msg_hdr;

		if (sendto(fd, pack->data[i], pack->vectors[i].iov_len, 0, header->msg_name,
			    header->msg_namelen) < 0)
			fail("sendto");
	}
}

static size_t write_datagram(char *data, const char *what, long n, size_t filler)
{
	size_t length = sprintf(data, "%s %ld ", what, n);

	memset(data + length, 'x', filler);
	data[length + filler] = '\n';
	return length + filler + 1;
}

int serve_datagrams(void)
{
	struct sockaddr_storage address;
	socklen_t length = make_address(&address, options.port);
	int fd = socket(address.ss_family, SOCK_DGRAM, 0);
	struct pollfd polled[] = {
		{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = fd, .events = POLLIN}};
	static struct pack pack;

	if (bind(fd, (void *)&address, length))
		fail("bind");
	reply("{\"pid\":%d,\"port\":%d}", getpid(), port_of(fd));
	while (poll(polled, 2, -1) > 0 && !polled[0].revents) {
		int number = receive_pack(fd, &pack);

		for (int i = 0; i < number; i++) {
			long n;

			if (sscanf(pack.data[i], "TOY? %ld", &n) != 1)
				fail("datagram");
			pack.vectors[i].iov_len = write_datagram(pack.data[i], "TOY!", n, n % 50);
		}
		send_pack(fd, &pack, number);
	}
	return 0;
}

/* Sends `count` datagrams, at most TOGETHER at a time, and waits for their answers. */
static void ask(int fd, struct sockaddr_storage *server, socklen_t length, long first, long count)
{
	static struct pack pack;

	for (long done = 0; done < count; done += TOGETHER) {
		int now = count - done < TOGETHER ? count - done : TOGETHER;

		prepare(&pack);
		for (int i = 0; i < now; i++) {
			pack.vectors[i].iov_len =
				write_datagram(pack.data[i], "TOY?", first + done + i, 10);
			pack.peers[i] = *server;
			pack.messages[i].msg_hdr.msg_namelen = length;
			if (options.connected) {
				pack.messages[i].msg_hdr.msg_name = NULL;
				pack.messages[i].msg_hdr.msg_namelen = 0;
			}
		}
		send_pack(fd, &pack, now);
		for (int got = 0; got < now;)
			got += receive_pack(fd, &pack);
	}
}

int send_datagrams(void)
{
	struct sockaddr_storage server;
	socklen_t length = make_address(&server, options.port);
	char line[128];
	long first, count;
	int fd = -1;

	while (read_command(line, sizeof(line))) {
		if (!strcmp(line, "connect")) {
			struct sockaddr_storage own;

			make_address(&own, 0);
			fd = socket(own.ss_family, SOCK_DGRAM, 0);
			if (bind(fd, (void *)&own, length))
				fail("bind");
			if (options.connected && connect(fd, (void *)&server, length))
				fail("connect");
			reply("{\"ports\":[%d]}", port_of(fd));
		} else if (sscanf(line, "run %ld %ld", &first, &count) == 2) {
			ask(fd, &server, length, first, count);
			reply("{\"responses\":%ld}", count);
		} else if (!strcmp(line, "close")) {
			close(fd);
			reply("{\"closed\":1}");
		}
	}
	return 0;
}
