// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { CaptureBytes } from './capture-bytes.js';

function next(bytes: CaptureBytes, length: number): string | undefined {
  if (!bytes.has(length)) return undefined;
  const text = bytes.data.toString('latin1', bytes.at, bytes.at + length);
  bytes.skip(length);
  return text;
}

describe('CaptureBytes', () => {
  it('joins pieces when all that is wanted is there', () => {
    const bytes = new CaptureBytes();
    bytes.push(Buffer.from('abc'));
    expect(next(bytes, 4)).toBeUndefined();
    bytes.push(Buffer.from('d'));
    bytes.push(Buffer.from('ef'));
    expect([next(bytes, 2), next(bytes, 3), bytes.available]).toEqual(['ab', 'cde', 1]);
    expect(bytes.offset).toBe(5);
  });

  it('skips what is there, what waits and what has not come', () => {
    const bytes = new CaptureBytes();
    for (const piece of ['abc', 'de', 'fgh']) bytes.push(Buffer.from(piece));
    bytes.skip(6);
    expect([next(bytes, 2), bytes.offset]).toEqual(['gh', 8]);
    bytes.skip(3);
    expect([bytes.owed, bytes.available]).toEqual([3, 0]);
    bytes.push(Buffer.from('ij'));
    bytes.push(Buffer.from('klm'));
    expect([bytes.owed, next(bytes, 2), bytes.offset]).toEqual([0, 'lm', 13]);
  });
});
