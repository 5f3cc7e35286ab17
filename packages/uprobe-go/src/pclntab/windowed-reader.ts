// SPDX-License-Identifier: Apache-2.0
import type { ElfImage } from '@libtrace/core/plugin';

const windowBytes = 256 * 1024;

/** Reads numbers at rising offsets of a table, a window at a time, until its budget of bytes is spent. */
export class WindowedReader {
  readonly #image: ElfImage;
  readonly #address: number;
  readonly #size: number;
  #budget: number;
  #window: Buffer = Buffer.alloc(0);
  #begin = 0;

  /** `address`: of offset 0. `size`: nothing is read beyond it. `budget`: bytes read from the file, over all. */
  constructor(image: ElfImage, address: number, size: number, budget: number) {
    this.#image = image;
    this.#address = address;
    this.#size = size;
    this.#budget = budget;
  }

  /** Whether reading stopped because there was too much to read, not because the table ended. */
  get isExhausted(): boolean {
    return this.#budget <= 0;
  }

  /** Four bytes; undefined beyond the end of the table or of the budget. */
  u32(offset: number): number | undefined {
    const at = this.#seek(offset, 4);
    return at === undefined ? undefined : this.#window.readUInt32LE(at);
  }

  /** Eight bytes; undefined also when they are no address (2^53 and above). */
  u64(offset: number): number | undefined {
    const at = this.#seek(offset, 8);
    if (at === undefined) return undefined;
    const value = Number(this.#window.readBigUInt64LE(at));
    return Number.isSafeInteger(value) ? value : undefined;
  }

  /** Place of `offset` in the window, which holds `length` bytes from there on. */
  #seek(offset: number, length: number): number | undefined {
    const at = offset - this.#begin;
    if (at >= 0 && at + length <= this.#window.length) return at;
    if (offset < 0 || offset + length > this.#size || this.#budget <= 0) return undefined;
    const wanted = Math.min(windowBytes, this.#size - offset);
    this.#window = this.#image.read(this.#address + offset, wanted);
    this.#begin = offset;
    this.#budget -= wanted;
    return this.#window.length < length ? undefined : 0;
  }
}
