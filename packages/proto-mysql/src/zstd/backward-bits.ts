// SPDX-License-Identifier: Apache-2.0
import { ZstdError } from './zstd-error.js';

/**
 * Bits of a stream that is read from its end (RFC 8878 §4.1 "FSE"; §4.2.1). The highest bit that is set in its last byte
 * marks where it ends. Before its beginning stand zeros: {@link left} is negative then.
 */
export class BackwardBits {
  readonly #bytes: Uint8Array;
  readonly #start: number;
  /** Bits that were not read yet; negative when more were read than there are. */
  left: number;

  constructor(bytes: Uint8Array, start: number, end: number) {
    const last = end > start ? bytes[end - 1]! : 0;
    if (last === 0) throw new ZstdError('a bit stream has no end mark');
    this.#bytes = bytes;
    this.#start = start;
    this.left = (end - start) * 8 - (Math.clz32(last) - 24) - 1;
  }

  /** The next bits, at most 25, the one read last being the lowest. */
  read(count: number): number {
    this.left -= count;
    if (this.left < 0) {
      // bits before the beginning are zeros
      const there = count + this.left;
      return there > 0 ? this.#bitsAt(0, there) << -this.left : 0;
    }
    return this.#bitsAt(this.left, count);
  }

  #bitsAt(from: number, count: number): number {
    if (count === 0) return 0;
    const bytes = this.#bytes;
    const at = this.#start + (from >> 3);
    const word =
      (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
    return (word >>> (from & 7)) & ((1 << count) - 1);
  }
}
