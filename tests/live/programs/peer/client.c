// SPDX-License-Identifier: Apache-2.0
#include "peer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int fds[CONNECTIONS_MAX];

static void send_requests(int fd, long first, long count)
{
	struct bytes requests = {};

	for (long i = 0; i < count; i++)
		append_request(&requests, first + i);
	transmit(fd, requests.data, requests.length);
	free(requests.data);
	if (options.half_close && shutdown(fd, SHUT_WR))
		fail("shutdown");
}

/* Reads `count` responses; false when the connection ended before. */
static bool read_responses(int fd, long first, long count)
{
	static char data[PIECE];
	struct reading reading = {};
	long done = 0;

	while (done < count) {
		ssize_t got = receive(fd, data, sizeof(data));
		size_t at = 0;

		if (got < 0)
			continue;
		if (got == 0)
			return false;
		while (at < (size_t)got) {
			bool complete;

			at += take(&reading, data + at, got - at, &complete);
			if (!complete)
				break;
			check_response(&reading, first + done);
			memset(&reading, 0, sizeof(reading));
			done++;
		}
	}
	return true;
}

void exchange(int *sockets, int number, long first, long count)
{
	for (long done = 0; done < count; done += options.pipeline) {
		long now = count - done < options.pipeline ? count - done : options.pipeline;

		for (int k = 0; k < number; k++)
			send_requests(sockets[k], first + k * count + done, now);
		for (int k = 0; k < number; k++) {
			if (read_responses(sockets[k], first + k * count + done, now))
				continue;
			reply("{\"ended\":true}");
			return;
		}
	}
	reply("{\"responses\":%ld}", count * number);
}

static void connect_all(void)
{
	char ports[CONNECTIONS_MAX * 6 + 1] = "";
	struct sockaddr_storage address;
	socklen_t length = make_address(&address, options.port);

	for (int k = 0; k < options.connections; k++) {
		fds[k] = socket(address.ss_family, SOCK_STREAM, 0);
		if (connect(fds[k], (void *)&address, length))
			fail("connect");
		set_up(fds[k]);
		sprintf(ports + strlen(ports), "%s%d", k ? "," : "", port_of(fds[k]));
	}
	reply("{\"ports\":[%s]}", ports);
}

int be_client(void)
{
	char line[128];
	long first, count;

	while (read_command(line, sizeof(line))) {
		if (!strcmp(line, "connect")) {
			connect_all();
		} else if (sscanf(line, "run %ld %ld", &first, &count) == 2) {
			exchange(fds, options.connections, first, count);
		} else if (!strcmp(line, "close")) {
			for (int k = 0; k < options.connections; k++)
				close(fds[k]);
			reply("{\"closed\":%d}", options.connections);
		} else {
			errno = EINVAL;
			fail(line);
		}
	}
	return 0;
}

int be_pair(void)
{
	char line[128];
	long first, count;
	int ends[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends))
		fail("socketpair");
	pid = fork();
	if (pid < 0)
		fail("fork");
	if (!pid) {
		alarm(options.seconds);
		close(ends[0]);
		serve_connection(ends[1]);
		return 0;
	}
	close(ends[1]);
	reply("{\"pid\":%d,\"workers\":[%d]}", getpid(), pid);
	while (read_command(line, sizeof(line))) {
		if (sscanf(line, "run %ld %ld", &first, &count) == 2)
			exchange(ends, 1, first, count);
	}
	return 0;
}
