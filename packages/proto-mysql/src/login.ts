// SPDX-License-Identifier: Apache-2.0
import type { ByteView } from '@libtrace/core/plugin';
import { Capability } from './capabilities.js';
import { payloadLength, HEADER_BYTES, PacketCursor } from './packet-cursor.js';

/** What a client says when it logs in. */
export interface Login {
  /** Undefined when they were not captured. */
  readonly capabilities: number | undefined;
  /** Number of a collation; 0 when it is not said. */
  readonly collation: number;
  readonly user: string | undefined;
  /** Database that it asks for. */
  readonly database: string | undefined;
}

/** Length of an SSLRequest: a login of protocol 4.1 up to its user. */
const SSL_REQUEST_BYTES = 32;
/** Behind flags, packet size and character set. */
const RESERVED_AT = 9;
/** MySQL reserves 23 bytes, of which MariaDB uses the last four. */
const RESERVED_BYTES = 19;

/** Whether the packet at `at` is a login of protocol 4.1, or the SSLRequest before one. */
export function beginsLogin(view: ByteView, at = 0): boolean {
  const length = payloadLength(view, at);
  const payload = at + HEADER_BYTES;
  if (length < SSL_REQUEST_BYTES || view.available < payload + SSL_REQUEST_BYTES) return false;
  if (((view.u8(payload + 1) << 8) & Capability.PROTOCOL_41) === 0) return false;
  const from = payload + RESERVED_AT;
  for (let i = from; i < from + RESERVED_BYTES; i++) if (view.u8(i) !== 0) return false;
  return true;
}

/**
 * Whether the login at the head of the view is an SSLRequest: TLS begins right behind it. A login is longer; of one whose
 * flags were not captured the length must do.
 */
export function isSslRequest(view: ByteView): boolean {
  const flags = view.u8(HEADER_BYTES + 1);
  const hasFlag = flags < 0 || ((flags << 8) & Capability.SSL) !== 0;
  return payloadLength(view) === SSL_REQUEST_BYTES && hasFlag;
}

/**
 * Protocol::HandshakeResponse41:
 * ```
 *  flags 4 | packet size 4 | charset 1 | 00 x19 | 00 x4, of MariaDB its extended flags
 *     | user NUL | auth data | database NUL | auth plugin NUL | attributes | zstd level 1
 * ```
 * and 320, without 4.1: `flags 2 | packet size 3 | user NUL | auth data NUL | database NUL`.
 */
export function readLogin(view: ByteView, end: number): Login {
  const cursor = new PacketCursor(view, HEADER_BYTES, end);
  if ((view.u8(HEADER_BYTES + 1) & (Capability.PROTOCOL_41 >> 8)) === 0)
    return readOldLogin(cursor);
  const flags = cursor.uint(4);
  const capabilities = Math.max(0, flags);
  cursor.skip(4);
  const collation = cursor.uint(1);
  cursor.skip(RESERVED_BYTES + 4);
  const user = cursor.nulString();
  const hasUser = !cursor.cut;
  skipAuthData(cursor, capabilities);
  return {
    capabilities: flags < 0 ? undefined : flags,
    collation: Math.max(0, collation),
    user: hasUser ? user : undefined,
    database: (capabilities & Capability.CONNECT_WITH_DB) === 0 ? undefined : databaseAt(cursor),
  };
}

function skipAuthData(cursor: PacketCursor, capabilities: number): void {
  if ((capabilities & Capability.PLUGIN_AUTH_LENENC_CLIENT_DATA) !== 0) {
    cursor.skip(Math.max(0, cursor.lenenc()));
  } else if ((capabilities & Capability.SECURE_CONNECTION) !== 0) {
    cursor.skip(Math.max(0, cursor.uint(1)));
  } else {
    cursor.nulString();
  }
}

function readOldLogin(cursor: PacketCursor): Login {
  const flags = cursor.uint(2);
  cursor.skip(3);
  const text = cursor.nulString(true);
  const user = cursor.cut ? undefined : text;
  if (cursor.left > 0) cursor.nulString(true);
  const asks = (flags & Capability.CONNECT_WITH_DB) !== 0;
  return {
    capabilities: flags < 0 ? undefined : flags,
    collation: 0,
    user,
    database: asks ? databaseAt(cursor) : undefined,
  };
}

/** `COM_CHANGE_USER`: `11 | user NUL | auth data | database NUL | charset 2 | …` */
export function readChangeUser(view: ByteView, end: number, capabilities: number): Login {
  const cursor = new PacketCursor(view, HEADER_BYTES + 1, end);
  const user = cursor.nulString();
  const hasUser = !cursor.cut;
  if ((capabilities & Capability.SECURE_CONNECTION) !== 0) cursor.skip(Math.max(0, cursor.uint(1)));
  else cursor.nulString();
  const database = databaseAt(cursor);
  const collation = cursor.left >= 2 ? cursor.uint(2) : 0;
  return { capabilities, collation, user: hasUser ? user : undefined, database };
}

function databaseAt(cursor: PacketCursor): string | undefined {
  const name = cursor.nulString(true);
  return cursor.cut || name === '' ? undefined : name;
}
