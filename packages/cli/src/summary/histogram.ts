// SPDX-License-Identifier: Apache-2.0

const subBuckets = 64;
const subBucketBits = 6;
const maxValue = 2 ** 46;
// One linear range below 64, then 64 buckets per power of two.
const maxBuckets = (46 - subBucketBits + 1) * subBuckets;

/**
 * Counts durations in logarithmic ranges of 64 linear buckets each: any quantile is right to 0.8 % of its value, and no
 * histogram takes more than 11 KiB however many durations it holds. Values above 2^46 ns (19 hours) count as that.
 */
export class DurationHistogram {
  #buckets = new Uint32Array(subBuckets);
  #count = 0;
  #max = 0;
  #min = Infinity;

  /** How many were recorded. */
  get count(): number {
    return this.#count;
  }

  /** Milliseconds; 0 when nothing was recorded. Exact. */
  get maxMs(): number {
    return this.#max / 1e6;
  }

  /** Counts a duration; negative ones count as 0. */
  record(milliseconds: number): void {
    const value = Math.min(maxValue - 1, Math.max(0, Math.round(milliseconds * 1e6)));
    const index = bucketOf(value);
    if (index >= this.#buckets.length) this.#grow(index);
    this.#buckets[index]! += 1;
    this.#count += 1;
    if (value > this.#max) this.#max = value;
    if (value < this.#min) this.#min = value;
  }

  /** The duration, in milliseconds, that a share `quantile` (0 to 1) of the recorded ones do not exceed. */
  quantileMs(quantile: number): number {
    if (this.#count === 0) return 0;
    const rank = Math.max(1, Math.ceil(quantile * this.#count));
    if (rank >= this.#count) return this.maxMs;
    let seen = 0;
    for (let index = 0; index < this.#buckets.length; index++) {
      seen += this.#buckets[index]!;
      if (seen >= rank) {
        return Math.min(this.#max, Math.max(this.#min, middleOf(index))) / 1e6;
      }
    }
    return this.#max / 1e6;
  }

  /** Adds what another histogram counted. */
  merge(other: DurationHistogram): void {
    if (other.#buckets.length > this.#buckets.length) this.#grow(other.#buckets.length - 1);
    other.#buckets.forEach((count, index) => {
      this.#buckets[index]! += count;
    });
    this.#count += other.#count;
    this.#max = Math.max(this.#max, other.#max);
    this.#min = Math.min(this.#min, other.#min);
  }

  #grow(index: number): void {
    const length = Math.min(maxBuckets, Math.ceil((index + 1) / subBuckets) * subBuckets);
    const grown = new Uint32Array(length);
    grown.set(this.#buckets);
    this.#buckets = grown;
  }
}

function bucketOf(value: number): number {
  if (value < subBuckets) return value;
  const exponent = Math.floor(Math.log2(value));
  // log2 rounds: just below a power of two it may name the power itself.
  const power = 2 ** exponent > value ? exponent - 1 : exponent;
  const width = 2 ** (power - subBucketBits);
  return (power - subBucketBits + 1) * subBuckets + Math.floor(value / width) - subBuckets;
}

function middleOf(index: number): number {
  if (index < subBuckets) return index;
  const range = Math.floor(index / subBuckets);
  const width = 2 ** (range - 1);
  return (subBuckets + (index % subBuckets)) * width + width / 2;
}
