// SPDX-License-Identifier: Apache-2.0
import type { ByteView } from '@libtrace/core/plugin';

/** Up to the byte that tells the format, at the same place in all of them. */
const MAGIC_END = 17;
const BATCH_HEADER = 61;
const LEGACY_HEADER = 18;
/** What the length field of a batch or message does not count: the offset and itself. */
const UNCOUNTED = 12;
const CONTROL = 0x20;
const COMPRESSION = 0x07;

/**
 * Counts the records of a RECORDS field from the headers of its batches; records themselves are stepped over.
 *
 * ```
 *  batch (magic 2, KIP-98)                                      message (magic 0 and 1)
 *   0         8        12       16    17      21       57    61   0       8      12    16    17
 *  ┌─────────┬────────┬────────┬─────┬───┬──────────┬───┬─────┬─  ┌──────┬──────┬─────┬─────┬──────────┬─
 *  │ offset  │ length │ epoch  │magic│crc│attributes│ … │count│   │offset│length│ crc │magic│attributes│
 *  └─────────┴────────┴────────┴─────┴───┴──────────┴───┴─────┴─  └──────┴──────┴─────┴─────┴──────────┴─
 * ```
 */
export class RecordCounter {
  /** Records in the batches seen so far, without the markers that end transactions. */
  records = 0;
  /** Bytes of the fields, as they were announced. */
  bytes = 0;
  /** False when batches were not seen, or hold compressed messages of the old formats, which do not tell their number. */
  known = true;
  /** Bytes of the field that are still ahead. */
  left = 0;
  /** Bytes that {@link read} needs from where it stopped. */
  wanted = 0;

  /** A field of this many bytes follows. */
  begin(length: number): void {
    this.left = length;
    this.bytes += length;
  }

  /** Goes on at `at` and returns where it stopped, which may lie beyond the view. The field ends when `left` is 0. */
  read(view: ByteView, at: number): number {
    let position = at;
    while (this.left > 0) {
      const size = this.#batch(view, position);
      if (size === 0) break;
      position += size;
      this.left -= size;
    }
    return position;
  }

  /** Bytes from `at` to step over; 0: the header has not arrived. */
  #batch(view: ByteView, at: number): number {
    if (this.left < MAGIC_END) return this.left; // what a broker cut off (KIP-74)
    if (!this.#has(view, at, MAGIC_END)) return this.#short(view, at);
    const magic = view.u8(at + 16);
    const size = UNCOUNTED + view.u32(at + 8);
    const header = magic === 2 ? BATCH_HEADER : LEGACY_HEADER;
    if (magic > 2 || size < header) return this.#unknown();
    if (size > this.left) return this.left; // cut off: no consumer reads it
    if (!this.#has(view, at, header)) return this.#short(view, at);
    if (magic === 2) {
      if ((view.u16(at + 21) & CONTROL) === 0) {
        const count = view.u32(at + 57);
        if (count > 0x7fffffff) return this.#unknown();
        this.records += count;
      }
    } else if ((view.u8(at + 17) & COMPRESSION) === 0) {
      this.records++;
    } else {
      this.known = false;
    }
    return size;
  }

  #has(view: ByteView, at: number, bytes: number): boolean {
    this.wanted = bytes;
    return at + bytes <= view.available;
  }

  /** A header is not there: it lies in a hole, or is to come. */
  #short(view: ByteView, at: number): number {
    return view.hole > 0 && at <= view.available ? this.#unknown() : 0;
  }

  #unknown(): number {
    this.known = false;
    return this.left;
  }
}
