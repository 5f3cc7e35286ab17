// SPDX-License-Identifier: Apache-2.0
import type { ByteView } from '@libtrace/core/plugin';
import { Capability } from './capabilities.js';
import { HEADER_BYTES, PacketCursor } from './packet-cursor.js';

/** Attributes of one query; a count above is no count. */
const MAX_ATTRIBUTES = 65_535;

/** Bytes of a value by its type ("Binary Protocol Value"); other types are length-encoded strings. */
const fixedBytes: Readonly<Record<number, number>> = {
  0x01: 1,
  0x02: 2,
  0x03: 4,
  0x04: 4,
  0x05: 8,
  0x06: 0,
  0x08: 8,
  0x09: 4,
  0x0d: 2,
};
/** Dates and times: a byte that says how many follow. */
const temporal = new Set([0x07, 0x0a, 0x0b, 0x0c]);

/**
 * Offset of the statement of a COM_QUERY at the head of the view; -1 when it cannot be told.
 *
 * With CLIENT_QUERY_ATTRIBUTES parameters stand before it: `count lenenc | sets (1) lenenc | null bitmap | 01 |
 * types and names | values`. When the flags are not known the first bytes tell: no statement begins with control
 * characters.
 */
export function statementAt(view: ByteView, end: number, capabilities: number | undefined): number {
  const from = HEADER_BYTES + 1;
  const isControl = view.u8(from) >= 0 && view.u8(from) < 0x09;
  const second = view.u8(from + 1);
  if (capabilities === undefined && isControl && second < 0 && from + 1 < end) return -1;
  const hasAttributes =
    capabilities === undefined
      ? isControl && second === 1
      : (capabilities & Capability.QUERY_ATTRIBUTES) !== 0;
  if (!hasAttributes) return from;
  const cursor = new PacketCursor(view, from, end);
  const count = cursor.lenenc();
  cursor.lenenc();
  if (count > MAX_ATTRIBUTES) return -1;
  if (count > 0) skipAttributes(cursor, count);
  return cursor.cut ? -1 : cursor.at;
}

function skipAttributes(cursor: PacketCursor, count: number): void {
  const isNull: boolean[] = [];
  for (let i = 0; i < (count + 7) >> 3; i++) {
    const bits = cursor.uint(1);
    for (let bit = 0; bit < 8; bit++) isNull.push(((bits >> bit) & 1) === 1);
  }
  // new types follow: always so with queries
  cursor.skip(1);
  const types: number[] = [];
  for (let i = 0; i < count && !cursor.cut; i++) {
    types.push(cursor.uint(1));
    cursor.skip(1);
    cursor.lenencString();
  }
  for (let i = 0; i < count && !cursor.cut; i++) {
    if (!isNull[i]) skipValue(cursor, types[i]!);
  }
}

function skipValue(cursor: PacketCursor, type: number): void {
  const fixed = fixedBytes[type];
  if (fixed !== undefined) cursor.skip(fixed);
  else if (temporal.has(type)) cursor.skip(Math.max(0, cursor.uint(1)));
  else cursor.skip(Math.max(0, cursor.lenenc()));
}
