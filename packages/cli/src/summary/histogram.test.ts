// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DurationHistogram } from './histogram.js';

function exactQuantile(values: readonly number[], quantile: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.max(1, Math.ceil(quantile * sorted.length)) - 1]!;
}

describe('DurationHistogram', () => {
  it('is right to one percent at every quantile', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            fc.double({ min: 0.000_001, max: 60_000, noNaN: true }),
            fc.integer({ min: 0, max: 36 }).map((power) => 2 ** power / 1e6),
            fc.integer({ min: 1, max: 36 }).map((power) => (2 ** power - 1) / 1e6),
          ),
          { minLength: 1, maxLength: 300 },
        ),
        fc.constantFrom(0, 0.5, 0.95, 0.99, 1),
        (values, quantile) => {
          const histogram = new DurationHistogram();
          for (const value of values) histogram.record(value);
          const exact = exactQuantile(values, quantile);
          // Half a nanosecond is what rounding to whole nanoseconds costs.
          const tolerance = exact * 0.01 + 5e-7;
          expect(Math.abs(histogram.quantileMs(quantile) - exact)).toBeLessThanOrEqual(tolerance);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('knows the maximum exactly and what it was told', () => {
    const histogram = new DurationHistogram();
    for (const value of [3, 1.234_567, 100.000_001]) histogram.record(value);
    expect(histogram.maxMs).toBe(100.000_001);
    expect(histogram.quantileMs(1)).toBeCloseTo(100, 0);
    expect(histogram.count).toBe(3);
  });

  it('says zero when it is empty and survives absurd values', () => {
    const histogram = new DurationHistogram();
    expect(histogram.quantileMs(0.5)).toBe(0);
    for (const value of [-5, 0, 1e15]) histogram.record(value);
    expect(histogram.quantileMs(0)).toBe(0);
    expect(histogram.maxMs).toBeCloseTo(2 ** 46 / 1e6, 0);
  });

  it('adds another histogram', () => {
    const one = new DurationHistogram();
    const other = new DurationHistogram();
    one.record(1);
    other.record(1000);
    other.record(2000);
    one.merge(other);
    expect(one.count).toBe(3);
    expect(one.maxMs).toBe(2000);
    expect(one.quantileMs(0.5) / 1000).toBeCloseTo(1, 1);
  });
});
