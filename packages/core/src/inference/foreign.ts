// SPDX-License-Identifier: Apache-2.0
import type { ByteView, Field, Test } from '../plugin/index.js';

const http2Preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
/** RFC 8446 5.2: a ciphertext record holds at most 2^14 + 256 bytes; TLS 1.2 (RFC 5246 6.2.3) allows 2^14 + 2048. */
const maxTlsRecord = 16384 + 2048;

const type: Field = { at: 0, width: 1 };
const length: Field = { at: 3, width: 2 };

/**
 * The head of a TLS record, RFC 8446 5.1. Asked before any plugin's rule, on every stream, here and in the kernel: what
 * is encrypted is never some plugin's protocol.
 * ```
 *  0        1        2        3        4
 *  +--------+--------+--------+--------+--------+
 *  | type   | version 3.0…3.4 | length          |
 *  | 20…23  |                 |                 |
 *  +--------+--------+--------+--------+--------+
 * ```
 */
export const tlsRecord: Test = {
  kind: 'all',
  of: [
    { kind: 'cmp', op: 'le', left: type, right: 23 },
    { kind: 'cmp', op: 'ge', left: type, right: 20 },
    { kind: 'cmp', op: 'eq', left: { at: 1, width: 1 }, right: 3 },
    { kind: 'cmp', op: 'le', left: { at: 2, width: 1 }, right: 4 },
    { kind: 'cmp', op: 'gt', left: length, right: 0 },
    { kind: 'cmp', op: 'le', left: length, right: maxTlsRecord },
  ],
};

/**
 * A protocol that core itself knows well enough to leave alone when no active plugin wants it: capturing it would cost
 * and yield nothing. (TLS is another one: {@link tlsRecord}.)
 */
export function foreignProtocol(view: ByteView): 'http2' | undefined {
  return view.matches(http2Preface) ? 'http2' : undefined;
}
