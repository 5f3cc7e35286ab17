// SPDX-License-Identifier: Apache-2.0

/** Reads the fields of one payload from its start. Reads beyond its end and impossible values yield 0 and are remembered. */
export class PayloadCursor {
  #bytes: Buffer = Buffer.alloc(0);
  at = 0;
  /** A field was not there, or had a value that it cannot have. */
  failed = false;

  reset(bytes: Buffer): void {
    this.#bytes = bytes;
    this.at = 0;
    this.failed = false;
  }

  u8(): number {
    const at = this.#take(1);
    return at < 0 ? 0 : this.#bytes[at]!;
  }

  u16(): number {
    const at = this.#take(2);
    return at < 0 ? 0 : this.#bytes.readUInt16LE(at);
  }

  u32(): number {
    const at = this.#take(4);
    return at < 0 ? 0 : this.#bytes.readUInt32LE(at);
  }

  /** A number of bytes, or an id: a safe integer from 0 on. */
  position(): number {
    const value = this.#i64();
    return value < 0 || value > Number.MAX_SAFE_INTEGER ? this.#fail() : value;
  }

  /** As {@link position}; -1: not known. */
  positionOrUnknown(): number {
    const value = this.#i64();
    return value < -1 || value > Number.MAX_SAFE_INTEGER ? this.#fail() : value;
  }

  /** Nanoseconds from 0 on. After 104 days of uptime they are no safe integers any more, but still the same numbers. */
  time(): number {
    const value = this.#i64();
    return value < 0 ? this.#fail() : value;
  }

  /** A byte of length, then UTF-8. */
  shortText(): string {
    return this.#text(this.u8());
  }

  /** Two bytes of length, then UTF-8. */
  longText(): string {
    return this.#text(this.u16());
  }

  #text(length: number): string {
    const at = this.#take(length);
    return at < 0 ? '' : this.#bytes.toString('utf8', at, at + length);
  }

  #i64(): number {
    const at = this.#take(8);
    if (at < 0) return 0;
    return this.#bytes.readInt32LE(at + 4) * 2 ** 32 + this.#bytes.readUInt32LE(at);
  }

  #take(bytes: number): number {
    const at = this.at;
    if (at + bytes > this.#bytes.length) {
      this.#fail();
      return -1;
    }
    this.at = at + bytes;
    return at;
  }

  #fail(): number {
    this.failed = true;
    return 0;
  }
}
