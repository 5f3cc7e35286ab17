// SPDX-License-Identifier: Apache-2.0

/** Pieces of a file, in order, from which runs of bytes are taken. What is joined is copied once. */
export class ByteQueue {
  #pieces: Buffer[] = [];
  /** Index of the first piece that holds something. */
  #first = 0;
  /** Bytes of the first piece that were skipped. */
  #start = 0;
  #available = 0;

  get available(): number {
    return this.#available;
  }

  /** The bytes are kept, not copied. */
  add(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.#pieces.push(bytes);
    this.#available += bytes.length;
  }

  /** The next `count` bytes in one piece, or undefined when there are fewer. */
  peek(count: number): Buffer | undefined {
    if (count > this.#available) return undefined;
    const first = this.#pieces[this.#first];
    if (first === undefined) return Buffer.alloc(0);
    if (this.#start + count <= first.length) {
      return first.subarray(this.#start, this.#start + count);
    }
    let length = first.length - this.#start;
    let end = this.#first + 1;
    while (length < count) length += this.#pieces[end++]!.length;
    const joined = Buffer.concat([
      first.subarray(this.#start),
      ...this.#pieces.slice(this.#first + 1, end),
    ]);
    this.#pieces = [joined, ...this.#pieces.slice(end)];
    this.#first = this.#start = 0;
    return joined.subarray(0, count);
  }

  /** Drops bytes that were peeked at: they lie in one piece. */
  skip(count: number): void {
    this.#available -= count;
    this.#start += count;
    if (this.#start < (this.#pieces[this.#first]?.length ?? 0)) return;
    this.#start = 0;
    this.#first++;
    if (this.#first < this.#pieces.length) return;
    this.#pieces = [];
    this.#first = 0;
  }
}
