// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatBytes, formatCount, formatDuration, plural } from './units.js';

describe('formatDuration', () => {
  it.each([
    [0, '0µs'],
    [0.0124, '12µs'],
    [0.9996, '1.00ms'],
    [1.234, '1.23ms'],
    [9.996, '10.0ms'],
    [45.67, '45.7ms'],
    [789.4, '789ms'],
    [999.9, '1.00s'],
    [12_340, '12.3s'],
    [125_000, '2m05s'],
    [11_220_000, '3h07m'],
  ])('%f ms is %s', (milliseconds, text) => {
    expect(formatDuration(milliseconds)).toBe(text);
  });

  it('takes six columns at most up to a day', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 86_400_000, noNaN: true }),
        (value) => formatDuration(value).length <= 6,
      ),
    );
  });
});

describe('formatBytes', () => {
  it.each([
    [0, '0B'],
    [999, '999B'],
    [1000, '1.0K'],
    [10_240, '10K'],
    [1_023_000, '999K'],
    [3 * 1024 * 1024, '3.0M'],
  ])('%d is %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });

  it('takes four columns at most', () => {
    fc.assert(fc.property(fc.nat({ max: 2 ** 50 }), (value) => formatBytes(value).length <= 4));
  });
});

it('groups the digits of counts', () => {
  expect(formatCount(1_234_567)).toBe('1,234,567');
  expect(formatCount(999)).toBe('999');
  expect(plural(1, 'call')).toBe('1 call');
  expect(plural(2000, 'call')).toBe('2,000 calls');
});
