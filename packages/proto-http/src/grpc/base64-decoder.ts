// SPDX-License-Identifier: Apache-2.0

const PADDING = 0x3d;
/** Value of a character (RFC 4648 §4), 255 for others. */
const VALUES = new Uint8Array(256).fill(255);
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
for (let value = 0; value < 64; value++) VALUES[alphabet.charCodeAt(value)] = value;

/** Decoded bytes are handed on in pieces of at most this size. */
const PIECE_BYTES = 3072;
const piece = Buffer.alloc(PIECE_BYTES + 3);

/**
 * Decodes base64 as it arrives. Several pieces of base64, each with its padding, may follow each other: a gRPC-Web
 * server encodes every message on its own.
 */
export class Base64Decoder {
  readonly #take: (bytes: Buffer, length: number) => void;
  #bits = 0;
  #count = 0;
  #padded = 0;

  /** @param take is given bytes that are valid during the call only */
  constructor(take: (bytes: Buffer, length: number) => void) {
    this.#take = take;
  }

  /** False when the text is not base64. */
  read(buffer: Buffer, from: number, to: number): boolean {
    let length = 0;
    for (let at = from; at < to; at++) {
      const byte = buffer[at]!;
      if (byte === PADDING) {
        this.#padded++;
      } else {
        const value = VALUES[byte]!;
        if (value === 255 || this.#padded > 0) return false;
        this.#bits = (this.#bits << 6) | value;
      }
      if (++this.#count < 4) continue;
      const padded = this.#padded;
      if (padded > 2) return false;
      const bits = this.#bits << (6 * padded);
      piece[length++] = (bits >> 16) & 0xff;
      if (padded < 2) piece[length++] = (bits >> 8) & 0xff;
      if (padded < 1) piece[length++] = bits & 0xff;
      this.#bits = this.#count = this.#padded = 0;
      if (length >= PIECE_BYTES) {
        this.#take(piece, length);
        length = 0;
      }
    }
    if (length > 0) this.#take(piece, length);
    return true;
  }
}
