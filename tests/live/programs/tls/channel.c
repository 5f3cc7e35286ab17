/* SPDX-License-Identifier: Apache-2.0 */
/* TLS over a socket, by the calls that the options choose. */
#include "peer.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

static bool write_socket(int fd, const char *bytes, size_t size)
{
	while (size > 0) {
		ssize_t written = write(fd, bytes, size);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return false;
		bytes += written;
		size -= written;
	}
	return true;
}

/* What the library has written into memory goes to the socket. */
static bool flush_memory(struct channel *channel)
{
	char piece[PIECE + 512];
	int size;

	while ((size = BIO_read(SSL_get_wbio(channel->ssl), piece, sizeof(piece))) > 0) {
		if (!write_socket(channel->fd, piece, size))
			return false;
	}
	return true;
}

/* What comes from the socket goes into the memory that the library reads. */
static bool fill_memory(struct channel *channel)
{
	char piece[PIECE + 512];
	ssize_t size = read(channel->fd, piece, sizeof(piece));

	if (size <= 0)
		return false;
	return BIO_write(SSL_get_rbio(channel->ssl), piece, size) == size;
}

static bool wait_for(int fd, short events)
{
	struct pollfd one = {.fd = fd, .events = events};

	return poll(&one, 1, options.seconds * 1000) == 1;
}

/* Whether a call that did not work is to be made again. */
static bool try_again(struct channel *channel, int result)
{
	switch (SSL_get_error(channel->ssl, result)) {
	case SSL_ERROR_WANT_READ:
		if (options.io == IO_MEMORY)
			return fill_memory(channel);
		return wait_for(channel->fd, POLLIN);
	case SSL_ERROR_WANT_WRITE:
		return wait_for(channel->fd, POLLOUT);
	default:
		return false;
	}
}

static bool handshake(struct channel *channel)
{
	for (;;) {
		int result = SSL_do_handshake(channel->ssl);

		if (options.io == IO_MEMORY && !flush_memory(channel))
			return false;
		if (result == 1)
			return true;
		if (!try_again(channel, result))
			return false;
	}
}

static int read_once(SSL *ssl, char *buffer, size_t size)
{
	size_t got = 0;
	int peeked;

	switch (options.read) {
	case CALLS_EX:
		return SSL_read_ex(ssl, buffer, size, &got) ? (int)got : -1;
	case CALLS_PEEK:
		peeked = SSL_peek(ssl, buffer, size);
		return peeked > 0 ? SSL_read(ssl, buffer, peeked) : peeked;
	case CALLS_SMALL:
		return SSL_read(ssl, buffer, size < 7 ? size : 7);
	default:
		return SSL_read(ssl, buffer, size);
	}
}

long channel_read(struct channel *channel, char *buffer, size_t size)
{
	for (;;) {
		int got;

		ERR_clear_error();
		if (options.io == IO_JUMP && setjmp(bio_before_read) == 0)
			bio_may_jump = true;
		got = read_once(channel->ssl, buffer, size);
		if (options.io == IO_MEMORY && !flush_memory(channel))
			return -1;
		if (got > 0)
			return got;
		if (SSL_get_error(channel->ssl, got) == SSL_ERROR_ZERO_RETURN)
			return 0;
		if (!try_again(channel, got))
			return -1;
	}
}

static int write_once(SSL *ssl, const char *buffer, size_t size)
{
	size_t written = 0;

	if (options.write == CALLS_EX)
		return SSL_write_ex(ssl, buffer, size, &written) ? (int)written : -1;
	return SSL_write(ssl, buffer, size);
}

bool channel_write(struct channel *channel, const char *buffer, size_t size)
{
	while (size > 0) {
		int written;

		ERR_clear_error();
		written = write_once(channel->ssl, buffer, size);
		if (options.io == IO_MEMORY && !flush_memory(channel))
			return false;
		if (written <= 0) {
			if (!try_again(channel, written))
				return false;
			continue;
		}
		buffer += written;
		size -= written;
	}
	return true;
}

bool channel_renegotiate(struct channel *channel)
{
	int asked = SSL_version(channel->ssl) == TLS1_3_VERSION
			    ? SSL_key_update(channel->ssl, SSL_KEY_UPDATE_REQUESTED)
			    : SSL_renegotiate(channel->ssl);

	return asked == 1 && handshake(channel);
}

static void set_side(SSL *ssl, const char *name)
{
	if (!name) {
		SSL_set_accept_state(ssl);
		return;
	}
	SSL_set_connect_state(ssl);
	SSL_set_tlsext_host_name(ssl, name);
	SSL_set1_host(ssl, name);
}

/* The lower TLS is made ready; the upper one reads and writes through it. */
static bool set_lower(struct channel *channel, SSL_CTX *context, const char *name)
{
	BIO *bio;

	channel->lower = SSL_new(context);
	set_side(channel->lower, name);
	SSL_set_fd(channel->lower, channel->fd);
	if (SSL_do_handshake(channel->lower) != 1)
		return false;
	bio = bio_of(channel);
	SSL_set_bio(channel->ssl, bio, bio);
	return true;
}

static bool set_transport(struct channel *channel, SSL_CTX *context, const char *name)
{
	BIO *bio;

	switch (options.io) {
	case IO_NESTED:
		return set_lower(channel, context, name);
	case IO_MEMORY:
		SSL_set_bio(channel->ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
		return true;
	case IO_BIO:
		bio = BIO_new_socket(channel->fd, BIO_NOCLOSE);
		SSL_set_bio(channel->ssl, bio, bio);
		return true;
	case IO_JUMP:
		bio = bio_of(channel);
		SSL_set_bio(channel->ssl, bio, bio);
		return true;
	case IO_POLL:
		fcntl(channel->fd, F_SETFL, fcntl(channel->fd, F_GETFL) | O_NONBLOCK);
		break;
	default:
		break;
	}
	return SSL_set_fd(channel->ssl, channel->fd) == 1;
}

bool channel_open(struct channel *channel, SSL_CTX *context, int fd, const char *name)
{
	channel->fd = fd;
	if (options.send_buffer > 0)
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &options.send_buffer, sizeof(int));
	if (channel->ssl)
		SSL_clear(channel->ssl);
	else
		channel->ssl = SSL_new(context);
	set_side(channel->ssl, name);
	return set_transport(channel, context, name) && handshake(channel);
}

void channel_close(struct channel *channel)
{
	SSL_shutdown(channel->ssl);
	if (options.io == IO_MEMORY)
		flush_memory(channel);
	if (channel->lower) {
		SSL_shutdown(channel->lower);
		SSL_free(channel->lower);
		channel->lower = NULL;
	}
	close(channel->fd);
}

void channel_free(struct channel *channel)
{
	SSL_free(channel->ssl);
	channel->ssl = NULL;
}
