// SPDX-License-Identifier: Apache-2.0

/** Outcome of a scan: the bytes end before the thing does, and are right so far. */
export const MORE = -1;
/** Outcome of a scan: these bytes are not the thing looked for. */
export const INVALID = -2;

export const LF = 0x0a;
export const CR = 0x0d;
export const SP = 0x20;
export const HTAB = 0x09;
export const COLON = 0x3a;
export const COMMA = 0x2c;
export const SEMICOLON = 0x3b;
export const DEL = 0x7f;

/** 1 for characters of a token (RFC 9110 §5.6.2). */
export const TOKEN = new Uint8Array(256);
/** Every byte, ASCII letters in lower case. */
export const LOWER = new Uint8Array(256);
/** Value of a hexadecimal digit, 255 for other bytes. */
export const HEX = new Uint8Array(256).fill(255);

for (let byte = 0; byte < 256; byte++) {
  const character = String.fromCharCode(byte);
  LOWER[byte] = byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
  if (/[!#$%&'*+\-.^_`|~0-9A-Za-z]/.test(character)) TOKEN[byte] = 1;
  if (/[0-9A-Fa-f]/.test(character)) HEX[byte] = Number.parseInt(character, 16);
}

/** A line longer than this is searched by `indexOf`, which costs more to call and less per byte. */
const LONG_LINE = 96;

/** Index behind the next LF at or after `at`, or {@link MORE}. A bare LF ends a line too (RFC 9112 §2.2). */
export function lineEnd(buffer: Buffer, at: number, end: number): number {
  const near = Math.min(end, at + LONG_LINE);
  for (let i = at; i < near; i++) if (buffer[i] === LF) return i + 1;
  if (near === end) return MORE;
  const found = buffer.subarray(near, end).indexOf(LF);
  return found < 0 ? MORE : near + found + 1;
}

/** Whether bytes from `at` are the lower-case ASCII `name`, whatever their case. The caller knows the length fits. */
export function equalsIgnoreCase(buffer: Buffer, at: number, name: string): boolean {
  for (let i = 0; i < name.length; i++) {
    if (LOWER[buffer[at + i]!] !== name.charCodeAt(i)) return false;
  }
  return true;
}

/** Whether bytes from `at` are the ASCII `text`. The caller knows the length fits. */
export function equals(buffer: Buffer, at: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    if (buffer[at + i] !== text.charCodeAt(i)) return false;
  }
  return true;
}

/** Spaces, tabs and the line ends of folded fields (RFC 9112 §5.2). */
export function isBlank(byte: number): boolean {
  return byte === SP || byte === HTAB || byte === CR || byte === LF;
}

/**
 * Bytes `from … to` as a string: `previous` when it says the same (messages of one connection repeat themselves, and
 * comparing costs less than a new string), else UTF-8, which for ASCII is what was sent.
 */
export function text(
  buffer: Buffer,
  from: number,
  to: number,
  previous: string | undefined,
): string {
  if (previous?.length === to - from && equals(buffer, from, previous)) return previous;
  for (let i = from; i < to; i++) if (buffer[i]! >= 0x80) return buffer.toString('utf8', from, to);
  return buffer.toString('latin1', from, to);
}
