// SPDX-License-Identifier: Apache-2.0

/** Random numbers that a seed repeats: the same seed gives the same numbers on every machine (xorshift32). */
export class Random {
  #state: number;

  /** @param seed any integer */
  constructor(seed: number) {
    // A state of 0 would stay 0; neighbouring seeds must not give neighbouring numbers.
    this.#state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) | 0 || 1;
    for (let i = 0; i < 4; i++) this.next();
  }

  /** 32 random bits, unsigned. */
  next(): number {
    let state = this.#state;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    this.#state = state;
    return state >>> 0;
  }

  /** An integer from 0 to below `limit`; 0 when there is none. */
  below(limit: number): number {
    return limit <= 1 ? 0 : this.next() % limit;
  }

  /** An integer from `least` to `most`, both included. */
  between(least: number, most: number): number {
    return least + this.below(most - least + 1);
  }

  /** One of some values. */
  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)]!;
  }
}
