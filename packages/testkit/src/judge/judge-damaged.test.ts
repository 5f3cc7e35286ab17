// SPDX-License-Identifier: Apache-2.0
import type { TraceRecord } from '@libtrace/core';
import { describe, expect, it } from 'vitest';
import { canAssign } from './assign.js';
import { Tolerance, type DamageRules } from './damage-rules.js';
import { judgeDamaged } from './judge-damaged.js';

function record(changes: Partial<TraceRecord> = {}): TraceRecord {
  return {
    protocol: 'toy',
    operation: 'ASK',
    status: 'ok',
    complete: (changes.missing ?? []).length === 0,
    missing: [],
    startNs: 1000,
    durationMs: 1,
    requestBytes: 10,
    responseBytes: 10,
    attributes: { topic: 'a', 'body.size': 100 },
    ...changes,
  } as TraceRecord;
}

function judge(
  records: TraceRecord[],
  reference: TraceRecord[],
  rules: DamageRules = {},
  rightFromNs = Infinity,
  pairsByOrder = false,
): string | undefined {
  return judgeDamaged(records, reference, new Tolerance(rules, pairsByOrder), rightFromNs);
}

describe('judgeDamaged', () => {
  it('takes the same records, fewer of them, and none', () => {
    expect(judge([record()], [record()])).toBeUndefined();
    expect(judge([], [record()])).toBeUndefined();
  });

  it('refuses a complete record with any difference', () => {
    const changes: Partial<TraceRecord>[] = [
      { operation: 'TELL' },
      { status: 'unknown' },
      { startNs: 1 },
      { durationMs: 2 },
      { requestBytes: 9 },
      { attributes: { topic: 'b', 'body.size': 100 } },
      { attributes: { topic: 'a', 'body.size': 99 } },
      { attributes: { topic: 'a' } },
      { attributes: { topic: 'a', 'body.size': 100, more: 1 } },
    ];
    for (const change of changes) {
      expect(judge([record(change)], [record()])).toMatch(/says it is complete is wrong/);
    }
  });

  it('takes an incomplete record that says less, and none that says something else', () => {
    const lacking = (change: Partial<TraceRecord>): string | undefined =>
      judge([record({ missing: ['response'], status: 'unknown', ...change })], [record()]);
    expect(lacking({})).toBeUndefined();
    expect(lacking({ attributes: {} })).toBeUndefined();
    expect(lacking({ attributes: { 'body.size': 7 } })).toBeUndefined();
    expect(lacking({ attributes: { 'body.size': 101 } })).toMatch(/"?body.size'?\] is 101/);
    expect(lacking({ attributes: { topic: 'b' } })).toMatch(/is wrong/);
    expect(lacking({ status: 'server-error' })).toMatch(/is wrong/);
    expect(lacking({ operation: 'TELL' })).toMatch(/is wrong/);
  });

  it('asks nothing of the operation of a response alone', () => {
    const alone = record({ operation: '?', missing: ['request'], requestBytes: 0, attributes: {} });
    expect(judge([alone], [record()])).toBeUndefined();
  });

  it('refuses a message that is told twice', () => {
    const half = record({ missing: ['response'], responseBytes: 0 });
    expect(judge([record(), half], [record()])).toMatch(/2 records tell of a request/);
    const other = record({ missing: ['request'], requestBytes: 0 });
    expect(judge([half, other], [record()])).toBeUndefined();
  });

  it('allows what the rules say', () => {
    const cut = record({ missing: ['request.body'], attributes: { topic: 'lo…' } });
    const whole = record({ attributes: { topic: 'long' } });
    expect(judge([cut], [whole])).toMatch(/is wrong/);
    expect(judge([cut], [whole], { lowerBounds: ['topic'] })).toBeUndefined();
    const marked = record({ attributes: { topic: 'a', 'body.size': 100, unknown: true } });
    expect(judge([marked], [record()])).toMatch(/is wrong/);
    expect(judge([marked], [record()], { markers: ['unknown'] })).toBeUndefined();
    const vague = record({ operation: 'EXECUTE', attributes: { 'body.size': 100 } });
    expect(judge([vague], [record()], { learned: ['topic'] })).toMatch(/operation/);
    expect(judge([vague], [record()], { learned: ['topic', 'operation'] })).toBeUndefined();
  });

  it('wants what begins later to be there, both halves of it', () => {
    const request = record({ missing: ['response'], responseBytes: 0 });
    const response = record({ missing: ['request'], requestBytes: 0, startNs: 1500 });
    expect(judge([], [record()], {}, 1001)).toBeUndefined();
    expect(judge([], [record()], {}, 1000)).toMatch(/its request is not reported/);
    expect(judge([request], [record()], {}, 1000)).toMatch(/its response is not reported/);
    expect(judge([request, response], [record()], {}, 1000)).toBeUndefined();
    const damaged = record({ missing: ['request.body'] });
    expect(judge([damaged], [record()], {}, 1000)).toMatch(/its request is not reported/);
  });

  it('takes a wrong pair only where order alone pairs and requests overlapped', () => {
    const one = record({ attributes: { topic: 'a' } });
    const two = record({ attributes: { topic: 'b' } });
    const crossed = record({ attributes: { topic: 'a+b' } });
    expect(judge([crossed], [one, two])).toMatch(/is wrong/);
    expect(judge([crossed], [one, two], {}, Infinity, true)).toBeUndefined();
    const later = record({ startNs: 1e9, attributes: { topic: 'b' } });
    expect(judge([crossed], [one, later], {}, Infinity, true)).toMatch(/is wrong/);
  });
});

describe('canAssign', () => {
  it('finds an assignment that the first choice hides', () => {
    expect(
      canAssign([
        [true, true],
        [true, false],
      ]),
    ).toBe(true);
    expect(
      canAssign([
        [true, false],
        [true, false],
      ]),
    ).toBe(false);
    expect(canAssign([])).toBe(true);
  });
});
