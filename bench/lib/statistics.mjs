// SPDX-License-Identifier: Apache-2.0

/** @typedef {{ median: number, min: number, max: number, rounds: number }} Summary */

/** @param {readonly number[]} values */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length === 0) return NaN;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * Median, lowest and highest of what several rounds gave.
 * @param {readonly number[]} values @returns {Summary}
 */
export function summary(values) {
  return {
    median: median(values),
    min: Math.min(...values),
    max: Math.max(...values),
    rounds: values.length,
  };
}

/**
 * What the rounds of two variants give, value by value of the same round.
 * @param {readonly number[]} a @param {readonly number[]} b @param {(a: number, b: number) => number} join
 */
export function paired(a, b, join) {
  return summary(a.map((value, index) => join(value, b[index])));
}

/** @param {readonly number[]} a @param {readonly number[]} b */
export const ratio = (a, b) => paired(a, b, (x, y) => x / y);

/** @param {readonly number[]} a @param {readonly number[]} b */
export const difference = (a, b) => paired(a, b, (x, y) => x - y);
