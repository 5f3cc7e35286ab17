/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A TLS library for a guide: records that look like those of TLS, with contents that anybody can
 * read. It keeps nothing secret.
 */
#ifndef TOYTLS_H
#define TOYTLS_H

#include <stddef.h>
#include <sys/types.h>

struct toy;

/* A connection over a connected socket, which stays the caller's. NULL: no memory. */
struct toy *toy_new(int fd);

/* Reads at most `size` bytes. Returns how many; 0: the peer has ended; -1: an error. */
ssize_t toy_read(struct toy *toy, void *buffer, size_t size);

/* Writes at most `size` bytes. Returns how many; -1: an error. */
ssize_t toy_write(struct toy *toy, const void *buffer, size_t size);

void toy_free(struct toy *toy);

#endif
