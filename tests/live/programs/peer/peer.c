// SPDX-License-Identifier: Apache-2.0
#include "peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct options options = {
	.address = "127.0.0.1",
	.scenario = "none",
	.body = -1,
	.size = -1,
	.piece = PIECE,
	.connections = 1,
	.pipeline = 1,
	.die_at = -1,
	.seconds = 60,
};

void fail(const char *what)
{
	fprintf(stderr, "peer %d: %s: %s\n", getpid(), what, strerror(errno));
	exit(1);
}

/* One write a line, so that it is one segment for who looks. */
void reply(const char *format, ...)
{
	char line[4096];
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(line, sizeof(line) - 1, format, arguments);
	va_end(arguments);
	line[length++] = '\n';
	if (write(STDOUT_FILENO, line, length) != length)
		fail("reply");
}

bool read_command(char *line, size_t size)
{
	size_t length = 0;

	while (length + 1 < size) {
		ssize_t got = read(STDIN_FILENO, line + length, 1);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		if (line[length] == '\n')
			break;
		length++;
	}
	line[length] = 0;
	return true;
}

socklen_t make_address(struct sockaddr_storage *address, int port)
{
	struct sockaddr_in *v4 = (void *)address;
	struct sockaddr_in6 *v6 = (void *)address;
	struct sockaddr_un *local = (void *)address;

	memset(address, 0, sizeof(*address));
	if (!strncmp(options.address, "unix:", 5)) {
		const char *path = options.address + 5;
		size_t length = strlen(path);

		local->sun_family = AF_UNIX;
		memcpy(local->sun_path, path, length);
		if (path[0] != '@')
			return offsetof(struct sockaddr_un, sun_path) + length + 1;
		local->sun_path[0] = 0;
		return offsetof(struct sockaddr_un, sun_path) + length;
	}
	if (inet_pton(AF_INET, options.address, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		return sizeof(*v4);
	}
	if (inet_pton(AF_INET6, options.address, &v6->sin6_addr) != 1)
		fail("address");
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(port);
	return sizeof(*v6);
}

int port_of(int fd)
{
	struct sockaddr_storage address;
	socklen_t length = sizeof(address);

	if (getsockname(fd, (void *)&address, &length))
		fail("getsockname");
	if (address.ss_family == AF_INET)
		return ntohs(((struct sockaddr_in *)&address)->sin_port);
	if (address.ss_family == AF_INET6)
		return ntohs(((struct sockaddr_in6 *)&address)->sin6_port);
	return 0;
}

static int chosen(const char *value, const char *const *names)
{
	for (int i = 0; names[i]; i++) {
		if (!strcmp(value, names[i]))
			return i;
	}
	errno = EINVAL;
	fail(value);
	return -1;
}

static void read_option(const char *name, const char *value)
{
	static const char *const calls[] = {
		"plain", "socket", "vector", "message", "messages", "bytes", "file", "peek", NULL};
	static const char *const answers[] = {"self", "dup", "pass", NULL};
	long number = atol(value);

	if (!strcmp(name, "address"))
		options.address = value;
	else if (!strcmp(name, "port"))
		options.port = number;
	else if (!strcmp(name, "read"))
		options.read = chosen(value, calls);
	else if (!strcmp(name, "write"))
		options.write = chosen(value, calls);
	else if (!strcmp(name, "answer"))
		options.answer = chosen(value, answers);
	else if (!strcmp(name, "scenario"))
		options.scenario = value;
	else if (!strcmp(name, "body"))
		options.body = number;
	else if (!strcmp(name, "size"))
		options.size = number;
	else if (!strcmp(name, "chunk"))
		options.chunk = number;
	else if (!strcmp(name, "piece"))
		options.piece = number;
	else if (!strcmp(name, "connections"))
		options.connections = number < CONNECTIONS_MAX ? number : CONNECTIONS_MAX;
	else if (!strcmp(name, "pipeline"))
		options.pipeline = number;
	else if (!strcmp(name, "workers"))
		options.workers = number;
	else if (!strcmp(name, "dieAt"))
		options.die_at = number;
	else if (!strcmp(name, "seconds"))
		options.seconds = number;
	else if (!strcmp(name, "batch"))
		options.batch = number;
	else if (!strcmp(name, "halfClose"))
		options.half_close = number;
	else if (!strcmp(name, "nonblocking"))
		options.nonblocking = number;
	else if (!strcmp(name, "connected"))
		options.connected = number;
	else
		chosen(name, (const char *const[]){NULL});
}

/* peer ROLE [name=value …] */
int main(int count, char **arguments)
{
	static const char *const roles[] = {
		"server", "client", "pair", "datagram-server", "datagram-client", NULL};
	static int (*const programs[])(void) = {
		serve, be_client, be_pair, serve_datagrams, send_datagrams};

	if (count < 2)
		return 2;
	for (int i = 2; i < count; i++) {
		char *value = strchr(arguments[i], '=');

		if (!value)
			return 2;
		*value = 0;
		read_option(arguments[i], value + 1);
	}
	signal(SIGPIPE, SIG_IGN);
	alarm(options.seconds);
	return programs[chosen(arguments[1], roles)]();
}
