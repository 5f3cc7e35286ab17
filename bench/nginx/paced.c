// SPDX-License-Identifier: Apache-2.0
/*
 * HTTP requests at a fixed rate on kept-alive loopback connections, one thread:
 *
 *   paced PORT PATH RATE SECONDS CONNECTIONS
 *
 * A request's latency counts from the moment it was due, so that a server that stalls is not
 * flattered. The responses must all have the length of the first. Prints one line of JSON.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX 256
/* Latencies in microseconds; the last slot takes all longer ones. */
#define SLOTS 200000

static struct connection {
	int fd;
	long due_ns; /* of the request under way */
	long missing;
} connections[CONNECTIONS_MAX];
static int idle[CONNECTIONS_MAX], idle_count;
static unsigned histogram[SLOTS];
static char request[512], buffer[65536];

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static long now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000L + now.tv_nsec;
}

static int open_connection(int port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || connect(fd, (void *)&address, sizeof(address)))
		fail("connect");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return fd;
}

/* Sends one request and waits for all of its response. */
static long response_length(int fd)
{
	long received = 0, body = 0;
	char *end = NULL, *field;

	if (write(fd, request, strlen(request)) < 0)
		fail("write");
	do {
		long got = read(fd, buffer + received, sizeof(buffer) - 1 - received);

		if (got <= 0)
			fail("read");
		received += got;
		buffer[received] = 0;
		end = strstr(buffer, "\r\n\r\n");
		field = strcasestr(buffer, "content-length:");
		if (end && field)
			body = atol(field + 15);
	} while (!end || received < end + 4 - buffer + body);
	return received;
}

static long percentile(long total, double part)
{
	long wanted = (long)(total * part), sum = 0;

	for (long i = 0; i < SLOTS; i++) {
		sum += histogram[i];
		if (sum > wanted)
			return i;
	}
	return SLOTS;
}

int main(int argc, char **argv)
{
	long rate, seconds, count, length, total, sent = 0, done = 0, late = 0, start;
	int epoll = epoll_create1(0), port;

	if (argc != 6)
		return 2;
	port = atoi(argv[1]);
	rate = atol(argv[3]);
	seconds = atol(argv[4]);
	count = atol(argv[5]);
	if (rate < 1 || rate > 1000000 || seconds < 1 || seconds > 60 || count < 1 ||
		count > CONNECTIONS_MAX)
		return 2;
	snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n", argv[2],
		port);
	for (int i = 0; i < count; i++) {
		struct epoll_event event = {.events = EPOLLIN, .data.u32 = i};

		connections[i].fd = open_connection(port);
		if (epoll_ctl(epoll, EPOLL_CTL_ADD, connections[i].fd, &event))
			fail("epoll_ctl");
		idle[idle_count++] = i;
	}
	length = response_length(connections[0].fd);
	total = rate * seconds;
	start = now_ns();
	while (done < total) {
		struct epoll_event events[64];
		long now = now_ns(), due = start + sent * 1000000000L / rate;
		int number;

		for (; sent < total && due <= now && idle_count > 0; sent++) {
			struct connection *c = &connections[idle[--idle_count]];

			c->due_ns = due;
			c->missing = length;
			if (write(c->fd, request, strlen(request)) < 0)
				fail("write");
			due = start + (sent + 1) * 1000000000L / rate;
		}
		if (now - start > (seconds + 10) * 1000000000L)
			break;
		number = epoll_wait(epoll, events, 64, 1);
		now = now_ns();
		for (int i = 0; i < number; i++) {
			int index = events[i].data.u32;
			struct connection *c = &connections[index];
			long got = read(c->fd, buffer, sizeof(buffer)), us;

			if (got <= 0)
				fail("read");
			c->missing -= got;
			if (c->missing > 0)
				continue;
			us = (now - c->due_ns) / 1000;
			histogram[us < SLOTS ? us : SLOTS - 1]++;
			late += us >= SLOTS - 1;
			idle[idle_count++] = index;
			done++;
		}
	}
	printf("{\"requests\":%ld,\"seconds\":%.3f,\"p50us\":%ld,\"p99us\":%ld,\"late\":%ld}\n",
		done + 1, (now_ns() - start) / 1e9, percentile(done, 0.5), percentile(done, 0.99),
		late);
	return done == total ? 0 : 1;
}
