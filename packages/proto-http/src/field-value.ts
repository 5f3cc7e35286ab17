// SPDX-License-Identifier: Apache-2.0
import { COMMA, equalsIgnoreCase, isBlank, SEMICOLON } from './scan.js';

/** {@link contentLength} of a value that is no length, or one that no message can have. */
export const BAD_LENGTH = -2;

/** Lengths above 4 PiB are taken for nonsense: sums of positions must stay exact. */
export const MAX_LENGTH = 2 ** 52;

/** Value of a Content-Length field (RFC 9110 §8.6). A list of equal numbers counts as that number. */
export function contentLength(buffer: Buffer, from: number, to: number): number {
  let known = -1;
  let at = from;
  for (;;) {
    while (at < to && isBlank(buffer[at]!)) at++;
    let value = 0;
    const first = at;
    for (; at < to; at++) {
      const digit = buffer[at]! - 0x30;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
      if (value > MAX_LENGTH) return BAD_LENGTH;
    }
    if (at === first || (known >= 0 && value !== known)) return BAD_LENGTH;
    known = value;
    while (at < to && isBlank(buffer[at]!)) at++;
    if (at === to) return known;
    if (buffer[at++] !== COMMA) return BAD_LENGTH;
  }
}

/** What a Transfer-Encoding field says of the end of the body (RFC 9112 §6.1, §6.3). */
export type FinalCoding = 'chunked' | 'other' | 'none';

/** The last coding of a Transfer-Encoding value. `identity` and an empty value say nothing. */
export function finalCoding(buffer: Buffer, from: number, to: number): FinalCoding {
  let start = from;
  for (let i = from; i < to; i++) if (buffer[i] === COMMA) start = i + 1;
  while (start < to && isBlank(buffer[start]!)) start++;
  let end = start;
  while (end < to && !isBlank(buffer[end]!) && buffer[end] !== SEMICOLON) end++;
  if (end - start === 7 && equalsIgnoreCase(buffer, start, 'chunked')) return 'chunked';
  if (end === start) return 'none';
  return end - start === 8 && equalsIgnoreCase(buffer, start, 'identity') ? 'none' : 'other';
}

/** Whether a comma-separated list has the lower-case token `name` (RFC 9110 §5.6.1). */
export function listHas(buffer: Buffer, from: number, to: number, name: string): boolean {
  let at = from;
  while (at < to) {
    while (at < to && (isBlank(buffer[at]!) || buffer[at] === COMMA)) at++;
    const start = at;
    while (at < to && !isBlank(buffer[at]!) && buffer[at] !== COMMA) at++;
    if (at - start === name.length && equalsIgnoreCase(buffer, start, name)) return true;
  }
  return false;
}

/** A field value as a string: line folds become one space (RFC 9112 §5.2). */
export function unfold(value: string): string {
  return value.includes('\n') ? value.replace(/[ \t]*\r?\n[ \t]*/g, ' ') : value;
}
