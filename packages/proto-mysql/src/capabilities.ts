// SPDX-License-Identifier: Apache-2.0

/** Capability flags that change what packets look like ("Capabilities Flags"; MariaDB: "Capabilities"). */
export const Capability = {
  /** CLIENT_LONG_PASSWORD of MySQL; not set by a MariaDB server, whose extended flags are valid then. */
  MYSQL: 1,
  CONNECT_WITH_DB: 1 << 3,
  COMPRESS: 1 << 5,
  PROTOCOL_41: 1 << 9,
  SSL: 1 << 11,
  SECURE_CONNECTION: 1 << 15,
  PLUGIN_AUTH: 1 << 19,
  CONNECT_ATTRS: 1 << 20,
  PLUGIN_AUTH_LENENC_CLIENT_DATA: 1 << 21,
  SESSION_TRACK: 1 << 23,
  DEPRECATE_EOF: 1 << 24,
  OPTIONAL_RESULTSET_METADATA: 1 << 25,
  ZSTD_COMPRESSION: 1 << 26,
  QUERY_ATTRIBUTES: 1 << 27,
} as const;

/** Server status flags ("Status Flags"). */
export const Status = {
  MORE_RESULTS_EXISTS: 0x0008,
  CURSOR_EXISTS: 0x0040,
  NO_BACKSLASH_ESCAPES: 0x0200,
  SESSION_STATE_CHANGED: 0x4000,
} as const;

/**
 * Character sets in which the second byte of a character may be a backslash. `gbk`: every byte from 0x81 on leads a pair
 * (big5, gbk, gb18030). `sjis`: 0xa1 to 0xdf stand alone (sjis, cp932).
 */
export type CharacterSet = 'gbk' | 'sjis' | 'other';

const gbkCollations = new Set([1, 84, 28, 87, 248, 249, 250]);
const sjisCollations = new Set([13, 88, 95, 96]);

/** The kind of character set that a collation's number stands for ("Character Set"). */
export function characterSetOf(collation: number): CharacterSet {
  if (gbkCollations.has(collation)) return 'gbk';
  return sjisCollations.has(collation) ? 'sjis' : 'other';
}
