// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { Budget, Counters } from './counters.js';
import { Leftover } from './leftover.js';

function setUp(perDirection = 1e6, total = 1e6) {
  const counters = new Counters();
  const leftover = new Leftover(new Budget(counters, perDirection, total));
  const text = (): string =>
    leftover.buffer.toString('latin1', leftover.start, leftover.start + leftover.length);
  const append = (bytes: string): boolean => leftover.append(Buffer.from(bytes), 0, bytes.length);
  return { counters, leftover, text, append };
}

describe('Leftover', () => {
  it('adds part of a buffer', () => {
    const { leftover, text } = setUp();
    expect(leftover.append(Buffer.from('abcdef'), 2, 3)).toBe(true);
    expect(text()).toBe('cde');
  });

  it('keeps its bytes while it grows and its head moves on', () => {
    const { leftover, text, append } = setUp();
    let expected = '';
    for (let i = 0; i < 2000; i++) {
      const more = `${i},`;
      append(more);
      expected += more;
      if (i % 3 === 0) {
        expected = expected.slice(7);
        leftover.keepLast(expected.length);
      }
      expect(text()).toBe(expected);
    }
  });

  it('moves its bytes to the front rather than grow when half of its memory is free', () => {
    const { leftover, append, text } = setUp();
    append('x'.repeat(1000));
    const capacity = leftover.buffer.length;
    append('y'.repeat(capacity - 1000));
    leftover.keepLast(100);
    append('z'.repeat(300));
    expect(leftover.buffer.length).toBe(capacity);
    expect(text()).toBe('y'.repeat(100) + 'z'.repeat(300));
  });

  it('accounts for its memory, and gives all of it back', () => {
    const { counters, leftover, append } = setUp();
    append('x'.repeat(3000));
    expect(counters.bufferedBytes).toBe(leftover.buffer.length);
    leftover.keepLast(0);
    expect(counters.bufferedBytes).toBe(0);
    expect(leftover.buffer.length).toBe(0);
  });

  it('refuses what passes a cap and keeps what it has', () => {
    for (const caps of [[1000, 1e6] as const, [1e6, 1500] as const]) {
      const { append, text } = setUp(...caps);
      expect(append('x'.repeat(700))).toBe(true);
      expect(append('y'.repeat(900))).toBe(false);
      expect(text()).toBe('x'.repeat(700));
    }
  });
});
