// SPDX-License-Identifier: Apache-2.0

/** @param {readonly number[]} values */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length === 0) return NaN;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Median, lowest and highest of what several rounds gave. @param {readonly number[]} values */
export function summary(values) {
  return { median: median(values), min: Math.min(...values), max: Math.max(...values), rounds: values.length };
}

/** Summary of the ratios of values measured in the same round. @param {readonly number[]} a @param {readonly number[]} b */
export function ratios(a, b) {
  return summary(a.map((value, index) => value / b[index]));
}
