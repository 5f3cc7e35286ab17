// SPDX-License-Identifier: Apache-2.0
import type { ByteView, Side } from '@libtrace/core/plugin';
import { MAX_METHOD_LENGTH, registeredMethods } from './methods.js';
import { COLON, CR, DEL, equals, INVALID, LF, MORE, SP, TOKEN } from './scan.js';
import { StartLine } from './start-line.js';

const line = new StartLine();
const longestFirst = [...registeredMethods].sort((a, b) => b.length - a.length);

/**
 * Offset of the next start of a message at or behind `from`, or -1.
 *
 * A body may end without a line end, so a message may begin anywhere. What makes a start: the whole first line, with a
 * registered method or at the beginning of a line, and behind it a field or an empty line. At the end of the view a
 * beginning that is right so far will do, if it has more than a method: core keeps the last bytes of what it searched.
 */
export function nextStart(side: Side, view: ByteView, from: number): number {
  const bytes = view.bytes();
  return side === 'request' ? nextRequest(bytes, from) : nextResponse(bytes, from);
}

function nextResponse(bytes: Buffer, from: number): number {
  for (let at = bytes.indexOf('HTTP/1.', from); at >= 0; at = bytes.indexOf('HTTP/1.', at + 1)) {
    const next = line.status(bytes, at, bytes.length);
    if (next === MORE || (next !== INVALID && fieldFollows(bytes, next))) return at;
  }
  // less than this at the end is no reason: core keeps the end of what it searched
  return bytes.length - from >= 5 && bytes.toString('latin1', bytes.length - 5) === 'HTTP/'
    ? bytes.length - 5
    : -1;
}

function nextRequest(bytes: Buffer, from: number): number {
  for (let at = bytes.indexOf(' HTTP/1.', from); at >= 0; at = bytes.indexOf(' HTTP/1.', at + 1)) {
    const start = requestBefore(bytes, from, at);
    if (start < 0) continue;
    const next = line.request(bytes, start, bytes.length);
    if (next === MORE || (next !== INVALID && fieldFollows(bytes, next))) return start;
  }
  return partialRequest(bytes, from);
}

/** Where a request line begins whose version is preceded by the space at `space`; -1 when there is none. */
function requestBefore(bytes: Buffer, from: number, space: number): number {
  let at = space;
  while (at > from && bytes[at - 1]! > SP && bytes[at - 1] !== DEL) at--;
  if (at === space || at === from || bytes[at - 1] !== SP) return -1;
  return methodBefore(bytes, from, at - 1);
}

/** Where the method begins that ends at `end`. */
function methodBefore(bytes: Buffer, from: number, end: number): number {
  let at = end;
  while (at > from && end - at <= MAX_METHOD_LENGTH && TOKEN[bytes[at - 1]!] === 1) at--;
  if (at === end || end - at > MAX_METHOD_LENGTH) return knownBefore(bytes, from, end);
  if (at > 0 && bytes[at - 1] === LF) return at;
  // what stood before the first byte is not known: perhaps the beginning of a word that a body ends with
  const known = knownBefore(bytes, from, end);
  return known < 0 && at === 0 ? 0 : known;
}

/** Where a registered method begins that ends at `end`; text may stand right before it. */
function knownBefore(bytes: Buffer, from: number, end: number): number {
  for (const method of longestFirst) {
    const start = end - method.length;
    if (start >= from && equals(bytes, start, method)) return start;
  }
  return -1;
}

/** A request whose first line the view does not hold yet. */
function partialRequest(bytes: Buffer, from: number): number {
  // "GET /path HTT": a method, its space, and up to one more space
  const last = bytes.lastIndexOf(SP);
  const before = last > 0 ? bytes.lastIndexOf(SP, last - 1) : -1;
  for (const space of [before, last]) {
    if (space < from) continue;
    const start = knownBefore(bytes, from, space);
    if (start < 0 || line.request(bytes, start, bytes.length) !== MORE) continue;
    if (space + 1 < bytes.length && targetBegins(bytes[space + 1]!)) return start;
  }
  return -1;
}

/** First characters of the four forms of a target (RFC 9112 §3.2). */
function targetBegins(byte: number): boolean {
  return byte === 0x2f || byte === 0x2a || byte === 0x5b || isAlphanumeric(byte);
}

function isAlphanumeric(byte: number): boolean {
  const letter = byte | 0x20;
  return (byte >= 0x30 && byte <= 0x39) || (letter >= 0x61 && letter <= 0x7a);
}

/** Whether what follows a first line is a field, an empty line, or may become one. */
function fieldFollows(bytes: Buffer, from: number): boolean {
  let at = from;
  if (at === bytes.length || bytes[at] === LF) return true;
  if (bytes[at] === CR) return at + 1 === bytes.length || bytes[at + 1] === LF;
  while (at < bytes.length && TOKEN[bytes[at]!] === 1) at++;
  return at > from && (at === bytes.length || bytes[at] === COLON);
}
