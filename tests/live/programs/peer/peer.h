/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small HTTP/1.1 server and client whose system calls are chosen on the command line, for the
 * live scenarios. What request number n is answered with follows from n alone (messages.c), so that
 * every record can be checked.
 *
 * It is driven by lines on standard input and answers each with a line of JSON; it ends with its
 * input. server, datagram-server   answer at once with their port client, datagram-client   connect
 * | run FIRST COUNT | close pair                      run FIRST COUNT (both ends of a socketpair,
 * in two processes)
 */
#ifndef PEER_H
#define PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>

#define PIECE 65536
#define CONNECTIONS_MAX 128
#define HEAD_MAX 2048

/* How bytes are moved: which system call. */
enum io {
	IO_PLAIN,    /* read, write */
	IO_SOCKET,   /* recv, send */
	IO_VECTOR,   /* readv, writev with 64 iovecs */
	IO_MESSAGE,  /* recvmsg, sendmsg with several iovecs */
	IO_MESSAGES, /* recvmmsg, sendmmsg with several messages */
	IO_BYTES,    /* write, one byte a call */
	IO_FILE,     /* sendfile for bodies */
	IO_PEEK,     /* recv with MSG_PEEK, then read */
};

/* Which process and descriptor a server answers with. */
enum answer { ANSWER_SELF, ANSWER_DUP, ANSWER_PASS };

struct options {
	const char *address; /* an IP address, unix:PATH or unix:@NAME */
	int port;
	enum io read, write;
	enum answer answer;
	const char *scenario; /* requests are for /s/SCENARIO/n */
	long body;	      /* bytes of a request's body; -1: a GET without one */
	long size;	      /* bytes of a response's body; -1: depends on n */
	long chunk;	      /* bytes of a chunk of what is sent; 0: Content-Length */
	long piece;	      /* bytes given to one sending call */
	int connections;
	int pipeline; /* requests sent before their responses are read */
	int workers;  /* processes that accept; 0: the server itself */
	long die_at;  /* the server kills itself in the middle of this response; -1: never */
	int seconds;  /* life time */
	bool batch;   /* one sending call for all responses that are due */
	bool half_close;
	bool nonblocking;
	bool connected; /* the datagram client connects its sockets */
};

extern struct options options;

struct bytes {
	char *data;
	size_t length, capacity;
};

/* Where a reader is in a message. */
struct reading {
	enum { IN_HEAD, IN_BODY, IN_CHUNK_SIZE, IN_CHUNK, IN_CHUNK_END, IN_TRAILER } state;
	char head[HEAD_MAX];
	size_t head_length;
	long left, body;
};

/* peer.c */
void fail(const char *what);
void reply(const char *format, ...);
/* Reads a command; false at the end of the input. */
bool read_command(char *line, size_t size);
socklen_t make_address(struct sockaddr_storage *address, int port);
int port_of(int fd);

/* messages.c */
void append(struct bytes *to, const void *data, size_t length);
void append_request(struct bytes *to, long n);
/* The head alone is appended when the body goes by sendfile; returns the size of the body. */
long append_response(struct bytes *to, long n, bool with_body);
long status_of(long n);
long size_of(long n);
/* Takes bytes of one message; sets *complete when it ends; returns how many it took. */
size_t take(struct reading *reading, const char *data, size_t length, bool *complete);
long number_in_request(const struct reading *reading);
void check_response(const struct reading *reading, long n);

/* transfer.c */
void set_up(int fd);
/* Like read(2); -1 when a non-blocking socket has nothing. */
ssize_t receive(int fd, char *data, size_t size);
void transmit(int fd, const char *data, size_t length);
void transmit_file(int fd, size_t length);

int serve(void);
int be_client(void);
int be_pair(void);
int serve_datagrams(void);
int send_datagrams(void);
void serve_connection(int fd);
/* Sends `count` requests on each connection and checks the responses. */
void exchange(int *fds, int number, long first, long count);

#endif
