// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import type { Inferable } from '../inference/index.js';
import { stage } from './contract.gen.js';
import { rulesProblem, ruleSlot } from './rule-target.js';

const plugin = (name: string, texts: number): Inferable => ({
  name,
  transports: ['tcp'],
  inference: {
    rules: [
      {
        says: 'either',
        when: { kind: 'bytes', at: 0, anyOf: Array.from({ length: texts }, (_, i) => `text ${i}`) },
      },
    ],
  },
});

describe('ruleSlot', () => {
  it('gives every program of both banks a slot of its own', () => {
    const slots = [0, 1].flatMap((bank) => [1, 2, 3, 4, 5, 6, 7].map((i) => ruleSlot(bank, i)));
    expect(new Set(slots).size).toBe(14);
    expect(Math.min(...slots)).toBe(stage.rulesNext);
    expect(Math.max(...slots)).toBe(stage.count - 1);
    expect([ruleSlot(0, 0), ruleSlot(1, 0)]).toEqual([stage.rules, stage.rules]);
  });
});

describe('rulesProblem', () => {
  it('says what does not fit', () => {
    expect(rulesProblem([plugin('a', 10)])).toBeUndefined();
    expect(rulesProblem([plugin('a', 10), plugin('b', 1000)])).toContain('plugin b');
    const many = Array.from({ length: 24 }, (_, i) => plugin(`p${i}`, 250));
    expect(rulesProblem(many)).toContain('more than 8 programs');
    expect(rulesProblem(many.slice(0, 8))).toBeUndefined();
  });
});
