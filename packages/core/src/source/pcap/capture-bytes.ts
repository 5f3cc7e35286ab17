// SPDX-License-Identifier: Apache-2.0

const empty = Buffer.alloc(0);

/**
 * Chunks of a file as one run of bytes. Chunks are joined only when something lies across their border, and only when
 * it is there in full: reading costs time in proportion to the file, however small the chunks are.
 */
export class CaptureBytes {
  /** Valid after {@link has}: what was asked for begins at `at`. */
  data: Buffer = empty;
  at = 0;
  /** Where `data[at]` lies in the file. */
  offset = 0;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #owed = 0;

  /** Bytes that have arrived and were not taken. */
  get available(): number {
    return this.data.length - this.at + this.#waitingBytes;
  }

  /** Bytes that were skipped and have not arrived. */
  get owed(): number {
    return this.#owed;
  }

  push(chunk: Buffer): void {
    if (this.#owed > 0) {
      const skipped = Math.min(this.#owed, chunk.length);
      this.#owed -= skipped;
      this.offset += skipped;
      chunk = chunk.subarray(skipped);
    }
    if (chunk.length === 0) return;
    if (this.available === 0) {
      this.data = chunk;
      this.at = 0;
    } else {
      this.#waiting.push(chunk);
      this.#waitingBytes += chunk.length;
    }
  }

  /** Whether so many bytes are there; if so they lie in `data` from `at` on. */
  has(length: number): boolean {
    if (this.data.length - this.at >= length) return true;
    if (this.available < length) return false;
    this.data = Buffer.concat([this.data.subarray(this.at), ...this.#waiting]);
    this.at = 0;
    this.#waiting = [];
    this.#waitingBytes = 0;
    return true;
  }

  /** Goes on behind so many bytes, whether they have arrived or not. */
  skip(length: number): void {
    const here = Math.min(length, this.data.length - this.at);
    this.at += here;
    this.offset += here;
    if (here === length) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#owed = length - here;
    for (const chunk of waiting) this.push(chunk);
  }
}
