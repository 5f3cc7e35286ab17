// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import type { Statement } from './frames.js';
import { PreparedStatements } from './prepared-statements.js';

const statement = (latin1: string): Statement => ({ latin1, cut: false, isPartial: false });

describe('prepared statements', () => {
  it('keeps the ones used last, within a number', () => {
    const prepared = new PreparedStatements();
    for (let id = 0; id < 1024; id++) prepared.set(id, statement(`select ${id}`));
    expect(prepared.get(0)?.latin1).toBe('select 0');
    prepared.set(5000, statement('select 5000'));
    expect(prepared.get(0)?.latin1).toBe('select 0');
    expect(prepared.get(1)).toBeUndefined();
    expect(prepared.get(5000)?.latin1).toBe('select 5000');
  });

  it('keeps no more bytes than allowed', () => {
    const prepared = new PreparedStatements();
    for (let id = 0; id < 40; id++) prepared.set(id, statement('x'.repeat(16 * 1024)));
    const kept = Array.from({ length: 40 }, (_, id) => prepared.get(id) !== undefined);
    expect(kept.filter(Boolean)).toHaveLength(16);
    expect(kept.lastIndexOf(false)).toBe(23);
  });

  it('forgets', () => {
    const prepared = new PreparedStatements();
    prepared.set(1, statement('a'));
    prepared.set(1, statement('b'));
    expect(prepared.get(1)?.latin1).toBe('b');
    prepared.delete(1);
    prepared.delete(1);
    expect(prepared.get(1)).toBeUndefined();
    prepared.set(2, statement('c'));
    prepared.clear();
    expect(prepared.get(2)).toBeUndefined();
  });
});
