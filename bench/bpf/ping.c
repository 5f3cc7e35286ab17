// SPDX-License-Identifier: Apache-2.0
/*
 * Load of a known size: one thread that talks to itself over a TCP connection on loopback, so that
 * no context switch is in what is measured. It does what a line on its standard input asks for and
 * answers with one line of JSON:
 *
 *   exchange COUNT REQUEST RESPONSE KIND   COUNT exchanges of HTTP-looking messages of so many
 * bytes; KIND: 0 write/read, 1 sendto/recvfrom, 2 writev/readv getppid COUNT COUNT calls of
 * getppid()
 *
 * An exchange has four calls (write, read, write, read). Work pauses after every 4 MiB, so that
 * whoever reads the events keeps up; pauses are in none of the times. cpuNs is the CPU time of the
 * thread, wallNs the time on the clock.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define BURST_BYTES (4 << 20)
#define PAUSE_NS (8 * 1000 * 1000)
#define COUNT_MAX (100 * 1000 * 1000L)
#define MESSAGE_MAX 60000

static char request[MESSAGE_MAX], response[MESSAGE_MAX], received[MESSAGE_MAX];
static long calls;

struct stopwatch {
	struct timespec wall, cpu;
	long wall_ns, cpu_ns;
};

static long between(struct timespec from, struct timespec to)
{
	return (to.tv_sec - from.tv_sec) * 1000000000L + to.tv_nsec - from.tv_nsec;
}

static void start(struct stopwatch *watch)
{
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &watch->cpu);
	clock_gettime(CLOCK_MONOTONIC, &watch->wall);
}

static void stop(struct stopwatch *watch)
{
	struct timespec wall, cpu;

	clock_gettime(CLOCK_MONOTONIC, &wall);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu);
	watch->wall_ns += between(watch->wall, wall);
	watch->cpu_ns += between(watch->cpu, cpu);
}

static void pause_between_bursts(void)
{
	struct timespec pause = {.tv_nsec = PAUSE_NS};

	nanosleep(&pause, NULL);
}

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void open_pair(int pair[2])
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t length = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (listener < 0 || bind(listener, (void *)&address, sizeof(address)) ||
		listen(listener, 1) || getsockname(listener, (void *)&address, &length))
		fail("listen");
	pair[0] = socket(AF_INET, SOCK_STREAM, 0);
	if (pair[0] < 0 || connect(pair[0], (void *)&address, sizeof(address)))
		fail("connect");
	pair[1] = accept(listener, NULL, NULL);
	if (pair[1] < 0)
		fail("accept");
	close(listener);
	for (int i = 0; i < 2; i++)
		setsockopt(pair[i], IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

static void send_all(int fd, char *bytes, long length, int kind)
{
	while (length > 0) {
		struct iovec vector = {bytes, length};
		long sent = kind == 2	? writev(fd, &vector, 1)
			    : kind == 1 ? sendto(fd, bytes, length, 0, NULL, 0)
					: write(fd, bytes, length);

		if (sent <= 0)
			fail("send");
		calls++;
		bytes += sent;
		length -= sent;
	}
}

static void receive_all(int fd, long length, int kind)
{
	while (length > 0) {
		struct iovec vector = {received, length};
		long got = kind == 2   ? readv(fd, &vector, 1)
			   : kind == 1 ? recvfrom(fd, received, length, 0, NULL, NULL)
				       : read(fd, received, length);

		if (got <= 0)
			fail("receive");
		calls++;
		length -= got;
	}
}

/* A message of exactly `length` bytes: `head`, a field that fills it up, an empty line. */
static void compose(char *message, long length, const char *head)
{
	int used = snprintf(message, MESSAGE_MAX, "%s", head);

	if (length < used + 4 || length > MESSAGE_MAX) {
		fprintf(stderr, "a message cannot have %ld bytes\n", length);
		exit(1);
	}
	memset(message + used, 'x', length - used);
	memcpy(message + length - 4, "\r\n\r\n", 4);
}

static void exchange(struct stopwatch *watch, long count, long asked, long answered, int kind)
{
	long burst = BURST_BYTES / (2 * (asked + answered + 128)) + 1;
	int pair[2];

	compose(request, asked, "GET /item/1 HTTP/1.1\r\nHost: localhost\r\nX-Fill: ");
	compose(response, answered, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Fill: ");
	open_pair(pair);
	for (long i = 0; i < count; i += burst) {
		start(watch);
		for (long j = i; j < i + burst && j < count; j++) {
			send_all(pair[0], request, asked, kind);
			receive_all(pair[1], asked, kind);
			send_all(pair[1], response, answered, kind);
			receive_all(pair[0], answered, kind);
		}
		stop(watch);
		pause_between_bursts();
	}
	close(pair[0]);
	close(pair[1]);
}

int main(int argc, char **argv)
{
	char line[128];

	if (argc > 1) {
		cpu_set_t cpus;

		CPU_ZERO(&cpus);
		CPU_SET(atoi(argv[1]), &cpus);
		if (sched_setaffinity(0, sizeof(cpus), &cpus))
			fail("sched_setaffinity");
	}
	while (fgets(line, sizeof(line), stdin)) {
		struct stopwatch watch = {0};
		long count, asked, answered;
		int kind;

		calls = 0;
		if (sscanf(line, "exchange %ld %ld %ld %d", &count, &asked, &answered, &kind) ==
				4 &&
			count <= COUNT_MAX) {
			exchange(&watch, count, asked, answered, kind);
		} else if (sscanf(line, "getppid %ld", &count) == 1 && count <= COUNT_MAX) {
			start(&watch);
			for (; calls < count; calls++)
				syscall(SYS_getppid);
			stop(&watch);
		} else {
			fprintf(stderr, "not understood: %s", line);
			return 1;
		}
		printf("{\"calls\":%ld,\"wallNs\":%ld,\"cpuNs\":%ld}\n", calls, watch.wall_ns,
			watch.cpu_ns);
		fflush(stdout);
	}
	return 0;
}
