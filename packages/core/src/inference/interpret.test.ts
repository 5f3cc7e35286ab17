// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { ByteView, type Test } from '../plugin/index.js';
import { evaluate, reach } from './interpret.js';

function over(bytes: readonly number[] | string, test: Test, totalLength?: number) {
  const buffer = Buffer.from(bytes as string);
  const view = new ByteView();
  // As in a slab: the bytes around the view belong to others.
  view.reset(
    Buffer.concat([Buffer.from('!!'), buffer, Buffer.from('GET ')]),
    2,
    buffer.length,
    0,
    false,
    0,
  );
  return evaluate(test, view, totalLength ?? buffer.length);
}

const cmp = (op: 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge', left: number, right: number): Test => ({
  kind: 'cmp',
  op,
  left,
  right,
});
const yes = cmp('eq', 1, 1);
const no = cmp('eq', 1, 2);
const short: Test = { kind: 'cmp', op: 'eq', left: { at: 100, width: 1 }, right: 0 };

describe('evaluate', () => {
  it('compares', () => {
    const outcomes = (['eq', 'ne', 'lt', 'le', 'gt', 'ge'] as const).map((op) =>
      [1, 2, 3].map((left) => over('', cmp(op, left, 2))),
    );
    expect(outcomes).toEqual([
      [false, true, false],
      [true, false, true],
      [true, false, false],
      [true, true, false],
      [false, false, true],
      [false, true, true],
    ]);
  });

  it('reads unsigned fields of either byte order', () => {
    const bytes = [0, 0xff, 0xfe, 0xfd, 0xfc];
    const is = (at: number, width: 1 | 2 | 4, order: 'be' | 'le', right: number): Test => ({
      kind: 'cmp',
      op: 'eq',
      left: { at, width, order },
      right,
    });
    expect(over(bytes, is(1, 1, 'be', 0xff))).toBe(true);
    expect(over(bytes, is(1, 2, 'be', 0xfffe))).toBe(true);
    expect(over(bytes, is(1, 2, 'le', 0xfeff))).toBe(true);
    expect(over(bytes, is(1, 4, 'be', 0xfffefdfc))).toBe(true);
    expect(over(bytes, is(1, 4, 'le', 0xfcfdfeff))).toBe(true);
    expect(over(bytes, is(2, 4, 'be', 0))).toBe('short');
  });

  it('masks first, then adds, without wrapping', () => {
    const left = { at: 0, width: 4, mask: 0xffffff00, plus: 0x200 } as const;
    expect(
      over([0xff, 0xff, 0xff, 0xff], { kind: 'cmp', op: 'eq', left, right: 0x1_0000_0100 }),
    ).toBe(true);
  });

  it('compares with the length of what moved, not of what was captured', () => {
    const test: Test = {
      kind: 'cmp',
      op: 'eq',
      left: { at: 0, width: 1, plus: 4 },
      right: { length: true },
    };
    expect(over([96], test, 100)).toBe(true);
    expect(over([96], test)).toBe(false);
    const plus: Test = { kind: 'cmp', op: 'eq', left: { length: true, plus: -4 }, right: 96 };
    expect(over([96], plus, 100)).toBe(true);
  });

  it('finds any of several texts', () => {
    const test: Test = { kind: 'bytes', at: 1, anyOf: ['GET ', 'PUT '] };
    expect(over('.PUT /', test)).toBe(true);
    expect(over('.put /', test)).toBe(false);
    expect(over('.put /', { ...test, ignoreCase: true })).toBe(true);
    expect(over('.POST /', test)).toBe(false);
    expect(over('.PU', test)).toBe('short');
    expect(over('.PO', test)).toBe(false);
    expect(over('', test)).toBe('short');
  });

  it('ignores the case of letters only', () => {
    expect(over('@[', { kind: 'bytes', at: 0, anyOf: ['`{'], ignoreCase: true })).toBe(false);
  });

  it('compares text byte by byte, as Latin-1', () => {
    expect(over([0xff, 0x00], { kind: 'bytes', at: 0, anyOf: ['\u00ff\u0000'] })).toBe(true);
  });

  it('knows what missing bytes can no longer change', () => {
    const all = (...of: Test[]): Test => ({ kind: 'all', of });
    const any = (...of: Test[]): Test => ({ kind: 'any', of });
    const not = (of: Test): Test => ({ kind: 'not', of });
    expect(over('', all(yes, short))).toBe('short');
    expect(over('', all(short, no))).toBe(false);
    expect(over('', all(yes, yes))).toBe(true);
    expect(over('', any(no, short))).toBe('short');
    expect(over('', any(short, yes))).toBe(true);
    expect(over('', any(no, no))).toBe(false);
    expect(over('', not(short))).toBe('short');
    expect(over('', not(yes))).toBe(false);
    expect(over('', not(no))).toBe(true);
  });
});

describe('reach', () => {
  it('is how many bytes a test needs at most', () => {
    const test: Test = {
      kind: 'all',
      of: [
        { kind: 'bytes', at: 3, anyOf: ['ab', 'abcde'] },
        { kind: 'not', of: { kind: 'cmp', op: 'eq', left: { at: 9, width: 4 }, right: 1 } },
        { kind: 'any', of: [{ kind: 'cmp', op: 'eq', left: 1, right: { length: true } }] },
      ],
    };
    expect(reach(test)).toBe(13);
    expect(over('x'.repeat(13), test)).not.toBe('short');
  });
});
