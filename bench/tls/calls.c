// SPDX-License-Identifier: Apache-2.0
/*
 * Load of a known size above libssl: one thread that talks to itself, over TLS over a TCP
 * connection on loopback. It answers a line on its standard input with one line of JSON:
 *
 *   calls KEY CERT
 *   exchange COUNT REQUEST RESPONSE    COUNT exchanges of HTTP messages of so many bytes
 *
 * An exchange is SSL_write, SSL_read, SSL_write, SSL_read. Work pauses after every 2 MiB, so that
 * whoever reads the events keeps up; pauses are in none of the times.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BURST_BYTES (2 << 20)
#define PAUSE_NS (8 * 1000 * 1000)
#define COUNT_MAX (10 * 1000 * 1000L)
#define MESSAGE_MAX 16000

static char request[MESSAGE_MAX], response[MESSAGE_MAX], received[MESSAGE_MAX];
static SSL *ends[2];
static long cpu_ns, calls;

static void fail(const char *what)
{
	perror(what);
	ERR_print_errors_fp(stderr);
	exit(1);
}

static long thread_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return now.tv_sec * 1000000000L + now.tv_nsec;
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
	pair[0] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	connect(pair[0], (void *)&address, sizeof(address));
	pair[1] = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
	if (pair[0] < 0 || pair[1] < 0)
		fail("connect");
	close(listener);
	for (int i = 0; i < 2; i++)
		setsockopt(pair[i], IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

static void open_tls(const char *key, const char *certificate)
{
	SSL_CTX *client = SSL_CTX_new(TLS_client_method());
	SSL_CTX *server = SSL_CTX_new(TLS_server_method());
	int pair[2], done[2] = {0, 0};

	if (SSL_CTX_use_certificate_file(server, certificate, SSL_FILETYPE_PEM) != 1 ||
		SSL_CTX_use_PrivateKey_file(server, key, SSL_FILETYPE_PEM) != 1)
		fail("key");
	open_pair(pair);
	ends[0] = SSL_new(client);
	ends[1] = SSL_new(server);
	for (int i = 0; i < 2; i++)
		SSL_set_fd(ends[i], pair[i]);
	SSL_set_connect_state(ends[0]);
	SSL_set_accept_state(ends[1]);
	for (int tries = 0; tries < 100 && !(done[0] && done[1]); tries++)
		for (int i = 0; i < 2; i++)
			done[i] = SSL_do_handshake(ends[i]) == 1;
	if (!done[0] || !done[1])
		fail("handshake");
}

static void send_message(SSL *end, const char *bytes, long length)
{
	calls++;
	if (SSL_write(end, bytes, length) != length)
		fail("SSL_write");
}

static void receive_message(SSL *end, long length)
{
	for (long got = 0; got < length;) {
		int more = SSL_read(end, received, sizeof(received));

		calls++;
		if (more > 0)
			got += more;
		else if (SSL_get_error(end, more) != SSL_ERROR_WANT_READ)
			fail("SSL_read");
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

static void exchange(long count, long asked, long answered)
{
	long burst = BURST_BYTES / (2 * (asked + answered + 256)) + 1;
	struct timespec pause = {.tv_nsec = PAUSE_NS};

	compose(request, asked, "GET /item/1 HTTP/1.1\r\nHost: localhost\r\nX-Fill: ");
	compose(response, answered, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Fill: ");
	for (long i = 0; i < count; i += burst) {
		long start = thread_ns();

		for (long j = i; j < i + burst && j < count; j++) {
			send_message(ends[0], request, asked);
			receive_message(ends[1], asked);
			send_message(ends[1], response, answered);
			receive_message(ends[0], answered);
		}
		cpu_ns += thread_ns() - start;
		nanosleep(&pause, NULL);
	}
}

int main(int argc, char **argv)
{
	char line[128];

	if (argc != 3)
		return 2;
	open_tls(argv[1], argv[2]);
	while (fgets(line, sizeof(line), stdin)) {
		long count, asked, answered;

		cpu_ns = calls = 0;
		if (sscanf(line, "exchange %ld %ld %ld", &count, &asked, &answered) != 3 ||
			count > COUNT_MAX) {
			fprintf(stderr, "not understood: %s", line);
			return 1;
		}
		exchange(count, asked, answered);
		printf("{\"calls\":%ld,\"cpuNs\":%ld}\n", calls, cpu_ns);
		fflush(stdout);
	}
	return 0;
}
