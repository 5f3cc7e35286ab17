// SPDX-License-Identifier: Apache-2.0
import { MAX_METHOD_LENGTH } from './methods.js';
import { CR, DEL, INVALID, LF, MORE, SP, TOKEN } from './scan.js';

const VERSION = 'HTTP/1.';

/**
 * Reads the first line of a message and remembers where its pieces lie.
 *
 * ```
 * method SP request-target SP HTTP/1.x CRLF      request line, RFC 9112 §3
 * HTTP/1.x SP 3DIGIT [SP reason-phrase] CRLF     status line,  RFC 9112 §4
 * ```
 */
export class StartLine {
  /** Index behind the method. */
  methodEnd = 0;
  /** Index behind the request target, which begins one behind {@link methodEnd}. */
  targetEnd = 0;
  /** Digit behind `HTTP/1.`. */
  minor = 0;
  statusCode = 0;
  /** After {@link MORE}: the bytes end in a target or a reason phrase, which only a byte below `!` can end. */
  inText = false;

  /**
   * Index behind the request line that begins at `from`, {@link MORE} or {@link INVALID}. Strict: single spaces, a
   * token, no control characters, version 1.x. That keeps HTTP/2 (`PRI * HTTP/2.0`), RTSP and SIP out.
   */
  request(buffer: Buffer, from: number, end: number): number {
    this.inText = false;
    let at = from;
    const methodLimit = Math.min(end, from + MAX_METHOD_LENGTH + 1);
    while (at < methodLimit && TOKEN[buffer[at]!] === 1) at++;
    if (at - from > MAX_METHOD_LENGTH) return INVALID;
    if (at === end) return MORE;
    if (at === from || buffer[at] !== SP) return INVALID;
    this.methodEnd = at;
    const target = ++at;
    while (at < end && buffer[at]! > SP && buffer[at] !== DEL) at++;
    if (at === end) {
      this.inText = true;
      return MORE;
    }
    if (at === target || buffer[at] !== SP) return INVALID;
    this.targetEnd = at;
    at = this.#version(buffer, at + 1, end);
    if (at < 0) return at;
    return lineFeed(buffer, at, end);
  }

  /** Index behind the status line that begins at `from`, {@link MORE} or {@link INVALID}. The phrase is not looked at. */
  status(buffer: Buffer, from: number, end: number): number {
    this.inText = false;
    let at = this.#version(buffer, from, end);
    if (at < 0) return at;
    if (at === end) return MORE;
    if (buffer[at++] !== SP) return INVALID;
    let code = 0;
    for (let i = 0; i < 3; i++, at++) {
      if (at === end) return MORE;
      const digit = buffer[at]! - 0x30;
      if (digit < 0 || digit > 9 || (i === 0 && digit === 0)) return INVALID;
      code = code * 10 + digit;
    }
    this.statusCode = code;
    if (at === end) return MORE;
    if (buffer[at] !== SP) return lineFeed(buffer, at, end);
    // HTAB, visible characters and bytes above ASCII (RFC 9112 §4)
    for (at++; at < end; at++) {
      const byte = buffer[at]!;
      if (byte === LF) return at + 1;
      if (byte === CR) return lineFeed(buffer, at, end);
      if ((byte < SP && byte !== 0x09) || byte === DEL) return INVALID;
    }
    this.inText = true;
    return MORE;
  }

  #version(buffer: Buffer, from: number, end: number): number {
    for (let i = 0; i < VERSION.length; i++) {
      if (from + i === end) return MORE;
      if (buffer[from + i] !== VERSION.charCodeAt(i)) return INVALID;
    }
    const at = from + VERSION.length;
    if (at === end) return MORE;
    const minor = buffer[at]! - 0x30;
    if (minor < 0 || minor > 9) return INVALID;
    this.minor = minor;
    return at + 1;
  }
}

/** CRLF or, leniently (RFC 9112 §2.2), LF. */
function lineFeed(buffer: Buffer, at: number, end: number): number {
  if (at === end) return MORE;
  if (buffer[at] === LF) return at + 1;
  if (buffer[at] !== CR) return INVALID;
  if (at + 1 === end) return MORE;
  return buffer[at + 1] === LF ? at + 2 : INVALID;
}
