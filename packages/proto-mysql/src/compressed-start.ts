// SPDX-License-Identifier: Apache-2.0
import type { ByteView, Side } from '@libtrace/core/plugin';
import { isCompressedData } from './expand.js';
import { HEADER_BYTES, payloadLength } from './packet-cursor.js';
import { beginsCommand } from './request-start.js';
import { beginsResponse } from './response-start.js';

/** Bytes of the header of a compressed packet. */
export const COMPRESSED_HEADER_BYTES = 7;
/** Payloads below are not compressed (MIN_COMPRESS_LENGTH). */
const LEAST_EXPANDED_BYTES = 50;

/** Bytes that the payload of the compressed packet at `at` stands for, 0 when it is not compressed, -1 outside. */
export function expandedLength(view: ByteView, at = 0): number {
  return payloadLength(view, at + HEADER_BYTES);
}

/**
 * Whether a compressed packet that begins a message stands at `at`, of a stream whose place is not known.
 * @param isLikely something else says that a packet begins here (the bytes of one system call).
 */
export function beginsCompressed(
  side: Side,
  view: ByteView,
  at: number,
  isLikely: boolean,
): boolean {
  const length = payloadLength(view, at);
  const size = expandedLength(view, at);
  const payload = at + COMPRESSED_HEADER_BYTES;
  if (length < HEADER_BYTES + 1 || size < 0 || view.available < payload + HEADER_BYTES + 1) {
    return false;
  }
  if (view.u8(at + 3) !== (side === 'request' ? 0 : 1)) return false;
  if (size === 0) {
    if (HEADER_BYTES + payloadLength(view, payload) > length) return false;
    return side === 'request'
      ? beginsCommand(view, payload, isLikely)
      : beginsResponse(view, payload, isLikely);
  }
  const isAtEnd = payload + length === view.available;
  return (
    (isLikely || isAtEnd) &&
    size >= LEAST_EXPANDED_BYTES &&
    length <= size &&
    isCompressedData(view, payload)
  );
}

/**
 * Offset of the first compressed packet at or behind `from` that begins a message, or -1.
 * @param likely where one is likely to begin
 */
export function nextCompressedStart(
  side: Side,
  view: ByteView,
  from: number,
  likely: number,
): number {
  const number = side === 'request' ? 0 : 1;
  let at = view.indexOf(number, from + 3);
  while (at >= 0) {
    const start = at - 3;
    if (beginsCompressed(side, view, start, start === 0 || start === likely)) return start;
    at = view.indexOf(number, at + 1);
  }
  return -1;
}
