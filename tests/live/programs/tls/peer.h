/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP/1.1 over libssl, whose calls are chosen on the command line. All end with their input, and
 * say a line of JSON when they are ready.
 *
 *   server KEY CERT [OPTION...]       a thread for each connection; says {"port":N}
 *   client CERT NAME [OPTION...]      asks for NAME; says {}
 *   pair KEY CERT NAME [OPTION...]    both in one process; says {"port":N}
 *
 * client and pair wait for orders, lines on standard input: `run PORT FIRST COUNT AT-ONCE` makes
 * requests, a thread and a connection for each that is at once, and answers with what is known of
 * each: [[n, status, bytes, port, version, cipher], ...]. What request n is for, and what it is
 * answered, is as in ../tls-peer.mjs, unless the options say otherwise.
 */
#ifndef TLS_PEER_H
#define TLS_PEER_H

#include <openssl/ssl.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>

#define PIECE 16384
#define AT_ONCE_MAX 64

/* --io: how the library comes to its bytes. */
enum io {
	IO_FD,	   /* fd: SSL_set_fd, blocking */
	IO_BIO,	   /* bio: SSL_set_bio, blocking */
	IO_POLL,   /* poll: SSL_set_fd, non-blocking, waits for what the library wants */
	IO_MEMORY, /* memory: between buffers; the program reads and writes the socket itself */
	IO_NESTED, /* nested: TLS within TLS, all of it by calls within calls */
	IO_JUMP,   /* jump: every SSL_read is left by longjmp once before it is made again */
};

/* --read, --write: with which functions. */
enum calls {
	CALLS_PLAIN, /* plain: SSL_read, SSL_write */
	CALLS_EX,    /* ex: SSL_read_ex, SSL_write_ex */
	CALLS_PEEK,  /* peek: SSL_peek before each SSL_read */
	CALLS_SMALL, /* small: 7 bytes by each SSL_read */
};

struct options {
	enum io io;
	enum calls read, write;
	int tls;	  /* --tls=1.2 or 1.3: the only version; 0: any */
	long body;	  /* --body: bytes of a request's body; -1: depends on n */
	long size;	  /* --size: bytes of a response's body; -1: depends on n */
	long renegotiate; /* --renegotiate: handshake (1.3: new keys) before each so many-th request
			   */
	long per_connection; /* --per-connection: requests, then a new one; 0: all */
	bool clear;	     /* --object=clear: SSL_clear between connections, not a new SSL */
	int send_buffer;     /* --send-buffer: SO_SNDBUF; 0: as it is */
	int seconds;	     /* --seconds: life time */
};

extern struct options options;

/* One end of a connection. */
struct channel {
	SSL *ssl;
	SSL *lower; /* carries it, when nested */
	int fd;
};

/* channel.c. Those that return bool tell whether it worked. */
bool channel_open(struct channel *channel, SSL_CTX *context, int fd, const char *name);
void channel_close(struct channel *channel); /* the connection; the objects stay */
void channel_free(struct channel *channel);
long channel_read(struct channel *channel, char *buffer, size_t size); /* 0: end, -1: error */
bool channel_write(struct channel *channel, const char *buffer, size_t size);
bool channel_renegotiate(struct channel *channel);

/* bio.c: when told that it may, the next read jumps. */
BIO *bio_of(struct channel *channel);
extern __thread jmp_buf bio_before_read;
extern __thread bool bio_may_jump;

/* What is known of a call. */
struct told {
	long n;
	int status;
	long bytes;
	int port;
	const char *version, *cipher;
};

/* messages.c */
bool ask(struct channel *channel, const char *host, long n, struct told *told);
void answer_all(struct channel *channel);

#endif
