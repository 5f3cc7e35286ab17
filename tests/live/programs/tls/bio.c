/* SPDX-License-Identifier: Apache-2.0 */
/* A BIO of the program's own, over a lower SSL or the socket. */
#include "peer.h"

#include <pthread.h>
#include <unistd.h>

__thread jmp_buf bio_before_read;
__thread bool bio_may_jump;

static int bio_read(BIO *bio, char *buffer, int size)
{
	struct channel *channel = BIO_get_data(bio);

	if (options.io == IO_NESTED)
		return SSL_read(channel->lower, buffer, size);
	if (bio_may_jump) {
		bio_may_jump = false;
		longjmp(bio_before_read, 1);
	}
	return read(channel->fd, buffer, size);
}

static int bio_write(BIO *bio, const char *buffer, int size)
{
	struct channel *channel = BIO_get_data(bio);

	if (options.io == IO_NESTED)
		return SSL_write(channel->lower, buffer, size);
	return write(channel->fd, buffer, size);
}

static long bio_control(BIO *bio, int command, long number, void *pointer)
{
	(void)bio, (void)number, (void)pointer;
	return command == BIO_CTRL_FLUSH;
}

static BIO_METHOD *method;

static void make_method(void)
{
	method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "channel");
	BIO_meth_set_read(method, bio_read);
	BIO_meth_set_write(method, bio_write);
	BIO_meth_set_ctrl(method, bio_control);
}

BIO *bio_of(struct channel *channel)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	BIO *bio;

	pthread_once(&once, make_method);
	bio = BIO_new(method);
	BIO_set_data(bio, channel);
	BIO_set_init(bio, 1);
	return bio;
}
