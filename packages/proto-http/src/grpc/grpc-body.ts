// SPDX-License-Identifier: Apache-2.0
import { Base64Decoder } from './base64-decoder.js';
import type { GrpcEncoding } from './content-type.js';
import { parseGrpcMessage, parseGrpcStatus } from './status.js';

const PREFIX_BYTES = 5;
const COMPRESSED = 0x01;
const TRAILERS = 0x80;
/** More of the trailers in a body is not looked at. */
const MAX_TRAILER_BYTES = 16_384;

/** How a call ended. */
export interface GrpcEnd {
  /** `grpc-status`; undefined when there was none. */
  readonly status: number | undefined;
  /** `grpc-message`, decoded; undefined when there was none. */
  readonly message: string | undefined;
}

/**
 * Counts the messages of one body of a call, wherever its bytes are cut.
 *
 * ```
 * +-------+---------------+--------------------------+
 * | flags | length (32)   | message, length bytes    |   …
 * +-------+---------------+--------------------------+
 *   1: compressed, 0x80: trailers as text (gRPC-Web only)
 * ```
 */
export class GrpcBody {
  readonly #isWeb: boolean;
  readonly #base64: Base64Decoder | undefined;
  #messages = 0;
  #lost = false;
  /** Bytes of the prefix that were read. */
  #prefix = 0;
  #flags = 0;
  #length = 0;
  /** Bytes of the message that are still to come. */
  #left = 0;
  #trailers: Buffer[] | undefined;
  #trailerBytes = 0;
  /** From the trailers within the body. */
  end: GrpcEnd | undefined;

  constructor(encoding: GrpcEncoding) {
    this.#isWeb = encoding !== 'grpc';
    if (encoding === 'web-text') {
      this.#base64 = new Base64Decoder((bytes, length) => this.#read(bytes, 0, length));
    }
  }

  /** Messages whose last byte has moved; undefined when bytes that say so were not seen. */
  get messages(): number | undefined {
    return this.#lost ? undefined : this.#messages;
  }

  /** Next bytes of the body that need not be looked at: they are the inside of a message. */
  get skippable(): number {
    if (this.#lost) return Infinity;
    return this.#base64 === undefined && (this.#flags & TRAILERS) === 0 ? this.#left : 0;
  }

  /** Bytes of the body moved, and are here. */
  read(buffer: Buffer, from: number, to: number): void {
    if (this.#lost) return;
    if (this.#base64 === undefined) this.#read(buffer, from, to);
    else if (!this.#base64.read(buffer, from, to)) this.lose();
  }

  /** Bytes of the body moved, and are not here. */
  skip(bytes: number): void {
    if (bytes > this.skippable) this.lose();
    if (this.#lost || bytes === 0) return;
    this.#left -= bytes;
    if (this.#left === 0) this.#finish();
  }

  /** An unknown number of bytes is missing. */
  lose(): void {
    this.#lost = true;
    this.#trailers = undefined;
  }

  #read(buffer: Buffer, from: number, to: number): void {
    let at = from;
    while (at < to && !this.#lost) {
      if (this.#left > 0) {
        const taken = Math.min(this.#left, to - at);
        if (this.#trailers !== undefined) this.#collect(buffer, at, at + taken);
        at += taken;
        this.#left -= taken;
        if (this.#left === 0) this.#finish();
      } else {
        this.#prefixByte(buffer[at++]!);
      }
    }
  }

  #prefixByte(byte: number): void {
    if (this.#prefix++ === 0) {
      this.#flags = byte;
      this.#length = 0;
      const allowed = this.#isWeb ? COMPRESSED | TRAILERS : COMPRESSED;
      // trailers are the last of a body
      if ((byte & ~allowed) !== 0 || this.end !== undefined) this.lose();
      return;
    }
    this.#length = this.#length * 256 + byte;
    if (this.#prefix < PREFIX_BYTES) return;
    this.#prefix = 0;
    this.#left = this.#length;
    if (this.#flags === TRAILERS) this.#trailers = [];
    if (this.#left === 0) this.#finish();
  }

  #finish(): void {
    if ((this.#flags & TRAILERS) === 0) this.#messages++;
    else this.end = parseTrailers(this.#trailers ?? []);
    this.#trailers = undefined;
    this.#flags = 0;
  }

  #collect(buffer: Buffer, from: number, to: number): void {
    const end = Math.min(to, from + MAX_TRAILER_BYTES - this.#trailerBytes);
    if (end <= from) return;
    this.#trailerBytes += end - from;
    this.#trailers?.push(Buffer.from(buffer.subarray(from, end)));
  }
}

/** Lines of `name: value`; compressed ones, which are not collected, say nothing. */
function parseTrailers(parts: readonly Buffer[]): GrpcEnd {
  let status: number | undefined;
  let message: string | undefined;
  for (const line of Buffer.concat(parts).toString('latin1').split(/\r?\n/)) {
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(0, colon)).trim().toLowerCase();
    const value = line.slice(colon + 1).trim();
    if (name === 'grpc-status') status ??= parseGrpcStatus(value);
    else if (name === 'grpc-message') message ??= parseGrpcMessage(value);
  }
  return { status, message };
}
