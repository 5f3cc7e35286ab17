// SPDX-License-Identifier: Apache-2.0

/** Thrown inside the DWARF reader for bytes that are not what they should be; never leaves it. */
export class DwarfDamage extends Error {}

/** Thrown inside the DWARF reader when questions cost more than they may; never leaves it. */
export class DwarfTooLarge extends Error {}

/** Counts what was looked at. */
export class DwarfBudget {
  #left: number;

  constructor(steps: number) {
    this.#left = steps;
  }

  /** @throws DwarfTooLarge when nothing is left */
  spend(steps: number): void {
    this.#left -= steps;
    if (this.#left < 0) throw new DwarfTooLarge();
  }
}

/** Reads a part of a section from front to back. Every method throws {@link DwarfDamage} where the part ends. */
export class DwarfCursor {
  /** Where the next value is read. */
  at: number;

  constructor(
    readonly bytes: Buffer,
    at: number,
    readonly end: number,
  ) {
    this.at = at;
  }

  /** Unsigned little-endian integer of 1, 2, 3, 4 or 8 bytes; beyond 2^53 not exact. */
  unsigned(size: number): number {
    const at = this.#take(size);
    if (size === 1) return this.bytes[at]!;
    if (size === 2) return this.bytes.readUInt16LE(at);
    if (size === 4) return this.bytes.readUInt32LE(at);
    if (size === 3) return this.bytes.readUIntLE(at, 3);
    if (size === 8) return this.bytes.readUInt32LE(at) + this.bytes.readUInt32LE(at + 4) * 2 ** 32;
    throw new DwarfDamage(`an integer of ${size} bytes`);
  }

  /** Unsigned LEB128 (DWARF 5, 7.6); beyond 2^53 not exact. */
  uleb(): number {
    let value = 0;
    for (let scale = 1; scale < 2 ** 70; scale *= 128) {
      const byte = this.bytes[this.#take(1)]!;
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
    throw new DwarfDamage('an integer without an end');
  }

  /** Signed LEB128; beyond 2^53 not exact. */
  sleb(): number {
    let value = 0;
    for (let scale = 1; scale < 2 ** 70; scale *= 128) {
      const byte = this.bytes[this.#take(1)]!;
      value += (byte & 127) * scale;
      if (byte < 128) return byte >= 64 ? value - scale * 128 : value;
    }
    throw new DwarfDamage('an integer without an end');
  }

  /** Steps over bytes. */
  skip(count: number): void {
    this.#take(count);
  }

  /** Steps over a text and the zero byte behind it; returns where it begins. */
  text(): number {
    const from = this.at;
    const length = this.bytes.subarray(from, this.end).indexOf(0);
    if (length < 0) throw new DwarfDamage('a text without an end');
    this.at = from + length + 1;
    return from;
  }

  #take(count: number): number {
    const from = this.at;
    if (!(count <= this.end - from)) throw new DwarfDamage('it ends in the middle of a value');
    this.at = from + count;
    return from;
  }
}
