// SPDX-License-Identifier: Apache-2.0

/** A function of the library, and what runs when a program calls it. */
export interface LibraryFunction {
  /** Its symbol. */
  readonly name: string;
  /** Program at its entry (bpf/openssl.bpf.c). */
  readonly entry: string;
  /** How many of its arguments that program reads. */
  readonly arguments: number;
  /** Program at its return; undefined: its result is of no interest. */
  readonly return?: string;
}

/** Without these two a file is of no use. */
export const requiredFunctions: readonly LibraryFunction[] = [
  { name: 'SSL_read', entry: 'read_enter', return: 'read_return', arguments: 3 },
  { name: 'SSL_write', entry: 'write_enter', return: 'write_return', arguments: 3 },
];

/** Functions that some versions have: `_ex` and early data since 1.1.1, `SSL_sendfile` since 3.0, `SSL_write_ex2` since 3.3. */
export const optionalFunctions: readonly LibraryFunction[] = [
  { name: 'SSL_read_ex', entry: 'read_ex_enter', return: 'read_ex_return', arguments: 4 },
  { name: 'SSL_write_ex', entry: 'write_ex_enter', return: 'write_ex_return', arguments: 4 },
  { name: 'SSL_write_ex2', entry: 'write_ex2_enter', return: 'write_ex2_return', arguments: 5 },
  {
    name: 'SSL_read_early_data',
    entry: 'read_early_enter',
    return: 'read_early_return',
    arguments: 4,
  },
  {
    name: 'SSL_write_early_data',
    entry: 'write_early_enter',
    return: 'write_early_return',
    arguments: 4,
  },
  { name: 'SSL_sendfile', entry: 'sendfile_enter', return: 'sendfile_return', arguments: 4 },
  { name: 'SSL_peek', entry: 'other_enter', return: 'other_return', arguments: 1 },
  { name: 'SSL_peek_ex', entry: 'other_enter', return: 'other_return', arguments: 1 },
  { name: 'SSL_do_handshake', entry: 'other_enter', return: 'other_return', arguments: 1 },
  { name: 'SSL_shutdown', entry: 'shutdown_enter', return: 'shutdown_return', arguments: 1 },
  { name: 'SSL_set_fd', entry: 'set_fd_enter', arguments: 2 },
  { name: 'SSL_set_rfd', entry: 'set_fd_enter', arguments: 2 },
  { name: 'SSL_set_wfd', entry: 'set_fd_enter', arguments: 2 },
  { name: 'SSL_clear', entry: 'free_enter', arguments: 1 },
  { name: 'SSL_free', entry: 'free_enter', arguments: 1 },
];
