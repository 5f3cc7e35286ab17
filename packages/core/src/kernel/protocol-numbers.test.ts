// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { ProtocolNumbers } from './protocol-numbers.js';

describe('ProtocolNumbers', () => {
  it('gives numbers in order, and a name keeps its own', () => {
    const numbers = new ProtocolNumbers();
    expect(['a', 'b', 'a', 'c'].map((name) => numbers.assign(name))).toEqual([1, 2, 1, 3]);
    expect([0, 1, 2, 3, 4, 255].map((number) => numbers.nameOf(number))).toEqual([
      undefined,
      'a',
      'b',
      'c',
      undefined,
      undefined,
    ]);
  });

  it('knows what has no number', () => {
    const numbers = new ProtocolNumbers();
    expect(numbers.numberOf('a')).toBe(255);
    for (let i = 1; i <= 250; i++) expect(numbers.assign(`p${i}`)).toBe(i);
    expect(numbers.assign('one more')).toBe(255);
    expect(numbers.nameOf(255)).toBeUndefined();
    expect(numbers.numberOf('p250')).toBe(250);
  });
});
