// SPDX-License-Identifier: Apache-2.0

/** Reads the fields of a message of TLS from its start (RFC 8446, section 3). Reads beyond its end yield 0 and are remembered. */
export class VectorReader {
  readonly #bytes: Buffer;
  #at: number;
  readonly #end: number;
  /** A field was not there. */
  failed = false;

  constructor(bytes: Buffer, start = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  /** Bytes that were not read yet. */
  get left(): number {
    return this.#end - this.#at;
  }

  /** An unsigned integer of 1 to 3 bytes. */
  uint(width: 1 | 2 | 3): number {
    const at = this.#take(width);
    return at < 0 ? 0 : this.#bytes.readUIntBE(at, width);
  }

  skip(bytes: number): void {
    this.#take(bytes);
  }

  /** What stands behind a length of 1 or 2 bytes. */
  vector(width: 1 | 2): VectorReader {
    const length = this.uint(width);
    const at = this.#take(length);
    return at < 0
      ? new VectorReader(this.#bytes, this.#end, this.#end)
      : new VectorReader(this.#bytes, at, at + length);
  }

  /** Everything that is left, when it is visible ASCII and something at all: names that are anything else are not believed. */
  name(): string | undefined {
    const text = this.#bytes.toString('latin1', this.#at, this.#end);
    this.#at = this.#end;
    return /^[\x21-\x7e]{1,255}$/.test(text) ? text : undefined;
  }

  #take(bytes: number): number {
    const at = this.#at;
    if (this.failed || at + bytes > this.#end) {
      this.failed = true;
      return -1;
    }
    this.#at = at + bytes;
    return at;
  }
}
