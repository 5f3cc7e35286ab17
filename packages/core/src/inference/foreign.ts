// SPDX-License-Identifier: Apache-2.0
import type { ByteView } from '../plugin/index.js';

const http2Preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
/** RFC 8446 5.2: a ciphertext record holds at most 2^14 + 256 bytes; TLS 1.2 (RFC 5246 6.2.3) allows 2^14 + 2048. */
const maxTlsRecord = 16384 + 2048;

/**
 * Protocols that core itself knows well enough to leave alone when no active plugin wants them: capturing them would
 * cost and yield nothing.
 */
export function foreignProtocol(view: ByteView): 'tls' | 'http2' | undefined {
  if (isTlsRecord(view)) return 'tls';
  if (view.matches(http2Preface)) return 'http2';
  return undefined;
}

/**
 * RFC 8446 5.1:
 * ```
 *  0        1        2        3        4
 *  +--------+--------+--------+--------+--------+
 *  | type   | version 3.0…3.4 | length          |
 *  | 20…23  |                 |                 |
 *  +--------+--------+--------+--------+--------+
 * ```
 */
function isTlsRecord(view: ByteView): boolean {
  if (view.available < 5) return false;
  const type = view.u8(0);
  const length = view.u16(3);
  return (
    type >= 20 &&
    type <= 23 &&
    view.u8(1) === 3 &&
    view.u8(2) <= 4 &&
    length > 0 &&
    length <= maxTlsRecord
  );
}
