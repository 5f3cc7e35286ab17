// SPDX-License-Identifier: Apache-2.0
import type { Budget } from './counters.js';

const empty = Buffer.alloc(0);
const leastCapacity = 512;

/**
 * The bytes of a message that has not arrived whole, in memory of their own. Grows by doubling and moves its bytes to
 * the front only when at least half of it is free: adding n bytes one by one costs O(n).
 */
export class Leftover {
  readonly #budget: Budget;
  buffer: Buffer = empty;
  start = 0;
  length = 0;

  constructor(budget: Budget) {
    this.#budget = budget;
  }

  /** Adds bytes; false, with nothing changed, when a cap forbids it. */
  append(from: Buffer, start: number, length: number): boolean {
    const needed = this.length + length;
    if (needed > this.#budget.perDirection) return false;
    if (this.start + needed > this.buffer.length && !this.#makeRoom(needed)) return false;
    from.copy(this.buffer, this.start + this.length, start, start + length);
    this.length = needed;
    return true;
  }

  /** Keeps only the last bytes. */
  keepLast(length: number): void {
    if (length === 0) {
      this.release();
      return;
    }
    this.start += this.length - length;
    this.length = length;
  }

  /** Gives the memory back. */
  release(): void {
    if (this.buffer.length === 0) return;
    this.#budget.charge(-this.buffer.length);
    this.buffer = empty;
    this.start = 0;
    this.length = 0;
  }

  #makeRoom(needed: number): boolean {
    const { buffer, start, length } = this;
    if (needed <= buffer.length / 2) {
      buffer.copyWithin(0, start, start + length);
      this.start = 0;
      return true;
    }
    const capacity = Math.max(
      leastCapacity,
      needed,
      Math.min(needed * 2, this.#budget.perDirection),
    );
    if (!this.#budget.allows(capacity - buffer.length)) return false;
    const grown = Buffer.allocUnsafe(capacity);
    buffer.copy(grown, 0, start, start + length);
    this.#budget.charge(capacity - buffer.length);
    this.buffer = grown;
    this.start = 0;
    return true;
  }
}
