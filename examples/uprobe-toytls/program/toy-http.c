/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An HTTP server and its client in one process, over libtoytls: `toy-http COUNT` waits for a line
 * on standard input, makes so many requests, and says so.
 */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "toytls.h"

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

/* Reads up to the empty line; messages have no body. Returns its length, 0 at the end. */
static size_t read_message(struct toy *toy, char *text, size_t size)
{
	size_t length = 0;

	while (length < size - 1) {
		ssize_t got = toy_read(toy, text + length, size - 1 - length);

		if (got <= 0)
			return 0;
		length += got;
		text[length] = 0;
		if (strstr(text, "\r\n\r\n"))
			return length;
	}
	return 0;
}

static void *serve(void *argument)
{
	static const char answer[] = "HTTP/1.1 204 No Content\r\n\r\n";
	int listener = (int)(long)argument;
	int fd = accept(listener, NULL, NULL);
	struct toy *toy = toy_new(fd);
	char text[1024];

	while (read_message(toy, text, sizeof(text)) > 0) {
		if (toy_write(toy, answer, strlen(answer)) < 0)
			fail("toy_write");
	}
	toy_free(toy);
	close(fd);
	return NULL;
}

int main(int argc, char **argv)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t size = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0), fd = socket(AF_INET, SOCK_STREAM, 0);
	int count = argc > 1 ? atoi(argv[1]) : 3;
	pthread_t server;
	struct toy *toy;
	char text[1024];

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(listener, (struct sockaddr *)&address, size) < 0 || listen(listener, 1) < 0)
		fail("listen");
	getsockname(listener, (struct sockaddr *)&address, &size);
	pthread_create(&server, NULL, serve, (void *)(long)listener);
	printf("port %d\n", ntohs(address.sin_port));
	fflush(stdout);
	if (!fgets(text, sizeof(text), stdin))
		return 0;
	if (connect(fd, (struct sockaddr *)&address, size) < 0)
		fail("connect");
	toy = toy_new(fd);
	for (int i = 1; i <= count; i++) {
		int length = snprintf(
			text, sizeof(text), "GET /toy/%d HTTP/1.1\r\nHost: toy.test\r\n\r\n", i);

		if (toy_write(toy, text, length) < 0 || !read_message(toy, text, sizeof(text)))
			fail("request");
	}
	toy_free(toy);
	close(fd);
	pthread_join(server, NULL);
	printf("%d requests\n", count);
	return 0;
}
