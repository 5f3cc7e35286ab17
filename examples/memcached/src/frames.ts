// SPDX-License-Identifier: Apache-2.0

/** A command line, with the data block behind it when it has one. */
export interface MemcachedRequest {
  readonly kind: 'request';
  readonly command: string;
  /** The first {@link maxKeys} keys. */
  readonly keys: readonly string[];
  readonly keyCount: number;
  /** Size of the data block; undefined for commands without one. */
  readonly valueBytes: number | undefined;
  /** The server does not answer. */
  readonly silent: boolean;
}

/** All lines and data blocks that answer one command. */
export interface MemcachedResponse {
  readonly kind: 'response';
  /** First word of the line that decides: `STORED`, `END`, `VALUE`, `NUMBER`, `CLIENT_ERROR`, … */
  readonly result: string;
  /** Values that were returned. */
  readonly hits: number;
  readonly valueBytes: number;
  /** What stands behind `ERROR`, `CLIENT_ERROR`, `SERVER_ERROR`. */
  readonly message: string | undefined;
  /** Reading began behind a hole: lines before these may belong to it. */
  readonly headless: boolean;
}

/** One message of memcached's text protocol. */
export type MemcachedFrame = MemcachedRequest | MemcachedResponse;

/** Keys that are kept of a request. */
export const maxKeys = 16;
