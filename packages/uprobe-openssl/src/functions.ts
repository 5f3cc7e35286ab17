// SPDX-License-Identifier: Apache-2.0

/** A function of the library, and what runs when a program calls it. */
export interface LibraryFunction {
  /** Its symbol. */
  readonly name: string;
  /** Name of the program at its entry (bpf/openssl.bpf.c). */
  readonly entry: string;
  /** How many of its arguments that program reads. */
  readonly arguments: number;
  /** The result is looked at. */
  readonly returns: boolean;
}

/** Program at the return of every function whose result is looked at. */
export const returnProgram = 'call_return';

/** Without these two a file is of no use. */
export const requiredFunctions: readonly LibraryFunction[] = [
  { name: 'SSL_read', entry: 'read_enter', arguments: 3, returns: true },
  { name: 'SSL_write', entry: 'write_enter', arguments: 3, returns: true },
];

/** Functions that some versions have: `_ex` and early data since 1.1.1, `SSL_sendfile` since 3.0, `SSL_write_ex2` since 3.3. */
export const optionalFunctions: readonly LibraryFunction[] = [
  { name: 'SSL_read_ex', entry: 'read_ex_enter', arguments: 4, returns: true },
  { name: 'SSL_write_ex', entry: 'write_ex_enter', arguments: 4, returns: true },
  { name: 'SSL_write_ex2', entry: 'write_ex2_enter', arguments: 5, returns: true },
  { name: 'SSL_read_early_data', entry: 'read_early_enter', arguments: 4, returns: true },
  { name: 'SSL_write_early_data', entry: 'write_early_enter', arguments: 4, returns: true },
  { name: 'SSL_sendfile', entry: 'sendfile_enter', arguments: 4, returns: true },
  { name: 'SSL_peek', entry: 'other_enter', arguments: 1, returns: true },
  { name: 'SSL_peek_ex', entry: 'other_enter', arguments: 1, returns: true },
  { name: 'SSL_do_handshake', entry: 'other_enter', arguments: 1, returns: true },
  { name: 'SSL_shutdown', entry: 'shutdown_enter', arguments: 1, returns: true },
  { name: 'SSL_set_fd', entry: 'set_fd_enter', arguments: 2, returns: false },
  { name: 'SSL_set_rfd', entry: 'set_fd_enter', arguments: 2, returns: false },
  { name: 'SSL_set_wfd', entry: 'set_fd_enter', arguments: 2, returns: false },
  { name: 'SSL_clear', entry: 'free_enter', arguments: 1, returns: false },
  { name: 'SSL_free', entry: 'free_enter', arguments: 1, returns: false },
];
