// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "peer.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

/* One accepted connection. */
struct session {
	struct reading reading;
	struct bytes due; /* responses not sent yet */
};

/* Where descriptors go to be answered, with ANSWER_PASS. */
static int helper = -1;
static pid_t helper_pid;

static void respond(int fd, long n)
{
	struct bytes response = {};
	long file = append_response(&response, n, options.write != IO_FILE);

	if (n == options.die_at) {
		transmit(fd, response.data, response.length - size_of(n) / 2);
		raise(SIGKILL);
	}
	transmit(fd, response.data, response.length);
	if (options.write == IO_FILE && file > 0)
		transmit_file(fd, file);
	free(response.data);
}

/* Hands the descriptor and the number over and waits for the helper's word. */
static void pass(int fd, long n)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {};
	struct iovec vector = {.iov_base = &n, .iov_len = sizeof(n)};
	struct msghdr message = {.msg_iov = &vector,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control)};
	char done;

	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	if (sendmsg(helper, &message, 0) < 0 || read(helper, &done, 1) != 1)
		fail("pass");
}

static void be_helper(int channel)
{
	for (;;) {
		union {
			struct cmsghdr header;
			char space[CMSG_SPACE(sizeof(int))];
		} control;
		long n;
		int fd;
		struct iovec vector = {.iov_base = &n, .iov_len = sizeof(n)};
		struct msghdr message = {.msg_iov = &vector,
			.msg_iovlen = 1,
			.msg_control = &control,
			.msg_controllen = sizeof(control)};

		if (recvmsg(channel, &message, 0) <= 0)
			exit(0);
		memcpy(&fd, CMSG_DATA(&control.header), sizeof(fd));
		respond(fd, n);
		close(fd);
		if (write(channel, "", 1) != 1)
			fail("helper");
	}
}

static pid_t fork_child(void)
{
	pid_t pid = fork();

	if (pid < 0)
		fail("fork");
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	alarm(options.seconds);
	return 0;
}

static void start_helper(void)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends))
		fail("socketpair");
	helper_pid = fork_child();
	if (!helper_pid) {
		close(ends[0]);
		be_helper(ends[1]);
	}
	close(ends[1]);
	helper = ends[0];
}

static void answer(struct session *session, int fd, long n)
{
	if (options.batch || options.half_close) {
		append_response(&session->due, n, true);
	} else if (options.answer == ANSWER_PASS) {
		pass(fd, n);
	} else if (options.answer == ANSWER_DUP) {
		int copy = dup(fd);

		respond(copy, n);
		close(copy);
	} else {
		respond(fd, n);
	}
}

static void send_due(struct session *session, int fd)
{
	if (session->due.length)
		transmit(fd, session->due.data, session->due.length);
	session->due.length = 0;
}

/* Reads once, or until nothing is left when non-blocking; false at the end of the connection. */
static bool serve_session(struct session *session, int fd)
{
	static char data[PIECE];

	do {
		ssize_t got = receive(fd, data, sizeof(data));
		size_t at = 0;

		if (got < 0)
			return true;
		if (got == 0) {
			send_due(session, fd);
			return false;
		}
		while (at < (size_t)got) {
			bool complete;

			at += take(&session->reading, data + at, got - at, &complete);
			if (!complete)
				break;
			answer(session, fd, number_in_request(&session->reading));
			memset(&session->reading, 0, sizeof(session->reading));
		}
		if (!options.half_close)
			send_due(session, fd);
	} while (options.nonblocking);
	return true;
}

void serve_connection(int fd)
{
	struct session session = {};

	while (serve_session(&session, fd))
		;
	free(session.due.data);
	close(fd);
}

/* A worker of a prefork server: one connection after the other. */
static void work(int listener)
{
	for (;;) {
		int fd = accept(listener, NULL, NULL);

		if (fd < 0)
			fail("accept");
		set_up(fd);
		serve_connection(fd);
	}
}

static void serve_all(int listener)
{
	static struct pollfd polled[CONNECTIONS_MAX + 2];
	static struct session *sessions[CONNECTIONS_MAX + 2];
	int number = 2;

	polled[0] = (struct pollfd){.fd = STDIN_FILENO, .events = POLLIN};
	polled[1] = (struct pollfd){.fd = listener, .events = POLLIN};
	for (;;) {
		if (poll(polled, number, -1) < 0)
			fail("poll");
		if (polled[0].revents)
			return;
		for (int i = number - 1; i > 1; i--) {
			if (!polled[i].revents || serve_session(sessions[i], polled[i].fd))
				continue;
			close(polled[i].fd);
			free(sessions[i]->due.data);
			free(sessions[i]);
			number--;
			polled[i] = polled[number];
			sessions[i] = sessions[number];
		}
		if (polled[1].revents && number < CONNECTIONS_MAX + 2) {
			int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

			if (fd < 0)
				fail("accept4");
			set_up(fd);
			sessions[number] = calloc(1, sizeof(struct session));
			polled[number++] = (struct pollfd){.fd = fd, .events = POLLIN};
		}
	}
}

int serve(void)
{
	struct sockaddr_storage address;
	socklen_t length = make_address(&address, options.port);
	int listener = socket(address.ss_family, SOCK_STREAM, 0);
	char workers[1024] = "", line[32];

	if (bind(listener, (void *)&address, length) || listen(listener, CONNECTIONS_MAX))
		fail("listen");
	if (options.answer == ANSWER_PASS)
		start_helper();
	for (int i = 0; i < options.workers; i++) {
		pid_t pid = fork_child();

		if (!pid)
			work(listener);
		sprintf(workers + strlen(workers), "%s%d", i ? "," : "", pid);
	}
	reply("{\"pid\":%d,\"port\":%d,\"workers\":[%s],\"helper\":%d}", getpid(),
		port_of(listener), workers, helper_pid);
	if (options.workers)
		read_command(line, sizeof(line));
	else
		serve_all(listener);
	return 0;
}
