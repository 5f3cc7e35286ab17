/* SPDX-License-Identifier: Apache-2.0 */
#include "peer.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct options options = {.body = -1, .size = -1, .seconds = 120};

static _Noreturn void fail(const char *what)
{
	fprintf(stderr, "%s\n", what);
	ERR_print_errors_fp(stderr);
	exit(1);
}

/* Index of a word in a list that ends with NULL. */
static int choice(const char *word, const char *const *words)
{
	for (int i = 0; words[i]; i++) {
		if (strcmp(word, words[i]) == 0)
			return i;
	}
	fail(word);
}

static void read_option(char *argument)
{
	static const char *const ios[] = {"fd", "bio", "poll", "memory", "nested", "jump", NULL};
	static const char *const calls[] = {"plain", "ex", "peek", "small", NULL};
	static const char *const objects[] = {"new", "clear", NULL};
	static const char *const names[] = {"--io", "--read", "--write", "--tls", "--body",
		"--size", "--renegotiate", "--per-connection", "--object", "--send-buffer",
		"--seconds", NULL};
	char *value = strchr(argument, '=');

	if (!value)
		fail(argument);
	*value++ = 0;
	switch (choice(argument, names)) {
	case 0:
		options.io = choice(value, ios);
		break;
	case 1:
		options.read = choice(value, calls);
		break;
	case 2:
		options.write = choice(value, calls);
		break;
	case 3:
		options.tls = strcmp(value, "1.2") == 0 ? TLS1_2_VERSION : TLS1_3_VERSION;
		break;
	case 4:
		options.body = atol(value);
		break;
	case 5:
		options.size = atol(value);
		break;
	case 6:
		options.renegotiate = atol(value);
		break;
	case 7:
		options.per_connection = atol(value);
		break;
	case 8:
		options.clear = choice(value, objects) == 1;
		break;
	case 9:
		options.send_buffer = atoi(value);
		break;
	case 10:
		options.seconds = atoi(value);
		break;
	}
}

static SSL_CTX *make_context(const SSL_METHOD *method)
{
	SSL_CTX *context = SSL_CTX_new(method);

	if (!context)
		fail("SSL_CTX_new");
	SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF);
	if (options.tls) {
		SSL_CTX_set_min_proto_version(context, options.tls);
		SSL_CTX_set_max_proto_version(context, options.tls);
	}
	return context;
}

/* The server. */

static SSL_CTX *server_context;
static int listener;

static void *serve_one(void *argument)
{
	struct channel channel = {0};

	if (channel_open(&channel, server_context, (int)(long)argument, NULL))
		answer_all(&channel);
	channel_close(&channel);
	channel_free(&channel);
	return NULL;
}

static void start_thread(void *(*body)(void *), void *argument)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, body, argument) != 0)
		fail("pthread_create");
	pthread_detach(thread);
}

static void *accept_all(void *unused)
{
	(void)unused;
	for (;;) {
		int fd = accept(listener, NULL, NULL);

		if (fd >= 0)
			start_thread(serve_one, (void *)(long)fd);
	}
	return NULL;
}

static void start_server(const char *key, const char *certificate)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t size = sizeof(address);

	server_context = make_context(TLS_server_method());
	SSL_CTX_set_options(server_context, SSL_OP_ALLOW_CLIENT_RENEGOTIATION);
	if (SSL_CTX_use_certificate_chain_file(server_context, certificate) != 1 ||
		SSL_CTX_use_PrivateKey_file(server_context, key, SSL_FILETYPE_PEM) != 1)
		fail(certificate);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	listener = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(listener, (struct sockaddr *)&address, size) < 0 || listen(listener, 128) < 0)
		fail("listen");
	getsockname(listener, (struct sockaddr *)&address, &size);
	printf("{\"port\":%d}\n", ntohs(address.sin_port));
	start_thread(accept_all, NULL);
}

/* The client. */

static SSL_CTX *client_context;
static const char *server_name;

/* Requests first, first + step, ... below end, over connections of its own. */
struct work {
	pthread_t thread;
	int port;
	long first, end, step;
	struct told *told; /* of the request `origin` and those behind it */
	long origin;
};

static int connect_to(int port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		fail("connect");
	return fd;
}

static void *do_work(void *argument)
{
	struct work *work = argument;
	struct channel channel = {0};
	long made = 0;

	for (long n = work->first; n < work->end; n += work->step, made++) {
		if (made > 0 && options.per_connection && made % options.per_connection == 0) {
			channel_close(&channel);
			if (!options.clear)
				channel_free(&channel);
		}
		if (made == 0 || (options.per_connection && made % options.per_connection == 0)) {
			if (!channel_open(
				    &channel, client_context, connect_to(work->port), server_name))
				fail("handshake");
		} else if (options.renegotiate && made % options.renegotiate == 0) {
			if (!channel_renegotiate(&channel))
				fail("renegotiation");
		}
		if (!ask(&channel, server_name, n, &work->told[n - work->origin]))
			fail("request");
	}
	if (made > 0) {
		channel_close(&channel);
		channel_free(&channel);
	}
	return NULL;
}

static void run(int port, long first, long count, int at_once)
{
	static struct work works[AT_ONCE_MAX];
	struct told *told = calloc(count, sizeof(*told));

	for (int i = 0; i < at_once; i++) {
		works[i] = (struct work){.port = port,
			.first = first + i,
			.end = first + count,
			.step = at_once,
			.told = told,
			.origin = first};
		if (pthread_create(&works[i].thread, NULL, do_work, &works[i]) != 0)
			fail("pthread_create");
	}
	for (int i = 0; i < at_once; i++)
		pthread_join(works[i].thread, NULL);
	for (long i = 0; i < count; i++)
		printf("%s[%ld,%d,%ld,%d,\"%s\",\"%s\"]", i == 0 ? "[" : ",", told[i].n,
			told[i].status, told[i].bytes, told[i].port,
			told[i].version + strlen("TLSv"), told[i].cipher);
	printf("%s\n", count > 0 ? "]" : "[]");
	free(told);
}

static void start_client(const char *certificate, const char *name)
{
	server_name = name;
	client_context = make_context(TLS_client_method());
	if (SSL_CTX_load_verify_locations(client_context, certificate, NULL) != 1)
		fail(certificate);
	SSL_CTX_set_verify(client_context, SSL_VERIFY_PEER, NULL);
}

static void take_orders(void)
{
	char line[256];

	while (fgets(line, sizeof(line), stdin)) {
		int port, at_once;
		long first, count;

		if (sscanf(line, "run %d %ld %ld %d", &port, &first, &count, &at_once) != 4 ||
			count < 0 || at_once < 1 || at_once > AT_ONCE_MAX)
			fail(line);
		run(port, first, count, at_once);
	}
}

int main(int argc, char **argv)
{
	static const char *const kinds[] = {"server", "client", "pair", NULL};
	int kind = argc > 1 ? choice(argv[1], kinds) : 0;
	int names = kind == 2 ? 3 : 2;

	if (argc < 2 + names)
		fail("see peer.h");
	for (int i = 2 + names; i < argc; i++)
		read_option(argv[i]);
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGPIPE, SIG_IGN);
	alarm(options.seconds);
	if (kind != 1)
		start_server(argv[2], argv[3]);
	if (kind != 0)
		start_client(argv[names], argv[1 + names]);
	if (kind == 1)
		printf("{}\n");
	take_orders();
	return 0;
}
