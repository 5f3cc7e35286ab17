// SPDX-License-Identifier: Apache-2.0
import type { ByteView } from '@libtrace/core/plugin';
import { Capability } from './capabilities.js';
import { PacketCursor } from './packet-cursor.js';

/** What a server says of itself when a client connected. */
export interface Greeting {
  /** Undefined when it was not captured. */
  readonly serverVersion: string | undefined;
  /** 0 when they are not known. */
  readonly capabilities: number;
  readonly system: 'mysql' | 'mariadb' | undefined;
  readonly statusFlags: number | undefined;
}

const DIGIT_0 = 0x30;
const DIGIT_9 = 0x39;

/** Whether a payload begins as a greeting does: protocol version 9 or 10, and a version that begins with a digit. */
export function beginsGreeting(view: ByteView, payload: number): boolean {
  const version = view.u8(payload);
  const digit = view.u8(payload + 1);
  return (version === 10 || version === 9) && digit >= DIGIT_0 && digit <= DIGIT_9;
}

/**
 * Protocol::HandshakeV10, and V9, which ends behind the scramble:
 * ```
 *  10 | version NUL | thread 4 | scramble 8 | 00 | flags 2 | charset 1 | status 2 | flags 2 | auth length 1 | 00 x6
 *     | 00 x4, of MariaDB its extended flags | …
 * ```
 */
export function readGreeting(view: ByteView, payload: number, end: number): Greeting {
  const cursor = new PacketCursor(view, payload, end);
  const protocol = cursor.uint(1);
  const text = cursor.nulString();
  const serverVersion = cursor.cut ? undefined : text;
  cursor.skip(4 + 8 + 1);
  let capabilities = 0;
  let statusFlags: number | undefined;
  if (protocol === 10 && cursor.left >= 2) {
    capabilities = cursor.uint(2);
    cursor.skip(1);
    const status = cursor.uint(2);
    if (status >= 0) statusFlags = status;
    capabilities = (capabilities | (Math.max(0, cursor.uint(2)) << 16)) >>> 0;
  }
  if (cursor.cut) capabilities = 0;
  // MariaDB puts "5.5.5-" before versions above 9, for old replicas.
  const isMariaDb =
    /mariadb/i.test(text) || (capabilities !== 0 && (capabilities & Capability.MYSQL) === 0);
  const isMySql = serverVersion !== undefined && !cursor.cut;
  return {
    serverVersion: serverVersion?.replace(/^5\.5\.5-(?=\d)/, ''),
    capabilities,
    system: isMariaDb ? 'mariadb' : isMySql ? 'mysql' : undefined,
    statusFlags,
  };
}
