// SPDX-License-Identifier: Apache-2.0

/**
 * The contiguous captured bytes at the head of one direction of a connection, as a parser sees them.
 *
 * One object is reused for every call, over memory that is reused too: a view and everything read with {@link bytes}
 * is valid only during the call it was passed to. Strings and {@link copy} may be kept. Offsets count from the head of
 * the view; reads outside `0 … available` return `undefined`-like values (`-1`, `''`) and never throw.
 */
export class ByteView {
  #buffer: Buffer = Buffer.alloc(0);
  #start = 0;

  /** Captured bytes from the head to the next hole, or to the end of what has arrived. */
  available = 0;
  /** Known size of the hole right behind `available`; 0 when there is none (the rest may still arrive). */
  hole = 0;
  /** True when nothing follows `available + hole`: this direction was closed. */
  ended = false;
  /** CLOCK_MONOTONIC nanoseconds at which the head of the view moved. */
  timestampNs = 0;

  /**
   * The memory under the view, for loops that read many bytes: the byte at offset `i` is `buffer[start + i]`. Valid
   * only during the call, and only from `start` to `start + available`: what lies around it belongs to others.
   */
  get buffer(): Buffer {
    return this.#buffer;
  }

  /** Where offset 0 of the view lies in {@link buffer}. */
  get start(): number {
    return this.#start;
  }

  /** For the owner of the view (core, testkit): points it at other bytes. */
  reset(
    buffer: Buffer,
    start: number,
    available: number,
    hole: number,
    ended: boolean,
    timestampNs: number,
  ): void {
    this.#buffer = buffer;
    this.#start = start;
    this.available = available;
    this.hole = hole;
    this.ended = ended;
    this.timestampNs = timestampNs;
  }

  /** The byte at an offset, or -1 outside. */
  u8(at: number): number {
    return at >= 0 && at < this.available ? this.#buffer[this.#start + at]! : -1;
  }

  /** Big-endian unsigned integer of 2 bytes, or -1 outside. */
  u16(at: number): number {
    return at >= 0 && at + 2 <= this.available ? this.#buffer.readUInt16BE(this.#start + at) : -1;
  }

  /** Big-endian unsigned integer of 4 bytes, or -1 outside. */
  u32(at: number): number {
    return at >= 0 && at + 4 <= this.available ? this.#buffer.readUInt32BE(this.#start + at) : -1;
  }

  /** Offset of the first `byte` in `from … to` (default: the end), or -1. */
  indexOf(byte: number, from = 0, to = this.available): number {
    if (from >= this.available || from >= to) return -1;
    const found = this.#buffer.indexOf(byte, this.#start + from) - this.#start;
    return found < from || found >= to || found >= this.available ? -1 : found;
  }

  /** Offset of the first occurrence of `text` (Latin-1) that lies wholly in the view, or -1. */
  find(text: string, from = 0): number {
    if (from + text.length > this.available) return -1;
    const found = this.#buffer.indexOf(text, this.#start + from, 'latin1') - this.#start;
    return found < from || found + text.length > this.available ? -1 : found;
  }

  /** Whether the ASCII `text` stands at an offset. */
  matches(text: string, at = 0): boolean {
    if (at < 0 || at + text.length > this.available) return false;
    const base = this.#start + at;
    for (let i = 0; i < text.length; i++) {
      if (this.#buffer[base + i] !== text.charCodeAt(i)) return false;
    }
    return true;
  }

  /** Bytes `from … to` as Latin-1. */
  latin1(from: number, to: number): string {
    return this.#buffer.toString(
      'latin1',
      this.#start + Math.max(0, from),
      this.#start + Math.min(to, this.available),
    );
  }

  /** Bytes `from … to` as UTF-8; malformed sequences become U+FFFD. */
  utf8(from: number, to: number): string {
    return this.#buffer.toString(
      'utf8',
      this.#start + Math.max(0, from),
      this.#start + Math.min(to, this.available),
    );
  }

  /** Bytes `from … to` without a copy: valid only during the call. */
  bytes(from = 0, to = this.available): Buffer {
    return this.#buffer.subarray(
      this.#start + Math.max(0, from),
      this.#start + Math.min(to, this.available),
    );
  }

  /** A copy of bytes `from … to` that may be kept. */
  copy(from: number, to: number): Buffer {
    return Buffer.from(this.bytes(from, to));
  }
}
