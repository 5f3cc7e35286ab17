// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { LibtraceError } from '../errors.js';
import { validatePlugin } from './validate-plugin.js';

const when = { kind: 'bytes', at: 0, anyOf: ['x'] };
const rule = { says: 'request', when };
const good = {
  kind: 'protocol',
  apiVersion: 1,
  name: 'toy-2',
  transports: ['tcp', 'udp', 'unix', 'tls'],
  inference: { rules: [rule], confirm: 3, ports: [0, 65535] },
  matching: { mode: 'in-order' },
  captureBytes: 4096,
  timeoutMs: 1,
  createParser: () => undefined,
  toRecord: () => undefined,
};

const withTest = (test: unknown) => ({ inference: { rules: [{ ...rule, when: test }] } });

const bad: readonly (readonly [field: string, change: object])[] = [
  ['kind', { kind: 'uprobe' }],
  ['apiVersion', { apiVersion: 2 }],
  ['name', { name: '' }],
  ['name', { name: 'Toy' }],
  ['transports', { transports: [] }],
  ['transports', { transports: ['sctp'] }],
  ['attributes', { attributes: [] }],
  ['attributes["x.y"].type', { attributes: { 'x.y': { type: 'date', description: 'd' } } }],
  ['attributes["x.y"].description', { attributes: { 'x.y': { type: 'string' } } }],
  ['matching.inOrder', { matching: { mode: 'custom', create: () => undefined, inOrder: 1 } }],
  ['matching.needsRequest', { matching: { mode: 'by-key', key: () => 1, needsRequest: 1 } }],
  ['inference', { inference: undefined }],
  ['inference.rules', { inference: { rules: [] } }],
  ['inference.rules[0]', { inference: { rules: [1] } }],
  ['inference.rules[1].says', { inference: { rules: [rule, { ...rule, says: 'x' }] } }],
  ['inference.rules[0].strength', { inference: { rules: [{ ...rule, strength: 'x' }] } }],
  ['inference.confirm', { inference: { rules: [rule], confirm: 0 } }],
  ['inference.ports', { inference: { rules: [rule], ports: [65536] } }],
  ...[0, 17, 1.5, '4'].map(
    (carryHeaderBytes) =>
      ['inference.carryHeaderBytes', { inference: { rules: [rule], carryHeaderBytes } }] as const,
  ),
  ['inference.rules[0].when', withTest(undefined)],
  ['inference.rules[0].when.kind', withTest({ kind: 'x' })],
  ['inference.rules[0].when.at', withTest({ ...when, at: -1 })],
  ['inference.rules[0].when.at', withTest({ ...when, at: 256 })],
  ['inference.rules[0].when.anyOf', withTest({ ...when, at: 255, anyOf: ['x', 'xy'] })],
  ['inference.rules[0].when.anyOf', withTest({ ...when, anyOf: [''] })],
  ['inference.rules[0].when.anyOf', withTest({ ...when, anyOf: ['\u0100'] })],
  ['inference.rules[0].when.ignoreCase', withTest({ ...when, ignoreCase: 1 })],
  ['inference.rules[0].when.of', withTest({ kind: 'all', of: [] })],
  ['inference.rules[0].when.of[1].kind', withTest({ kind: 'any', of: [when, {}] })],
  ['inference.rules[0].when.of.kind', withTest({ kind: 'not', of: {} })],
  ['inference.rules[0].when.op', withTest({ kind: 'cmp', op: 'x', left: 1, right: 1 })],
  ['inference.rules[0].when.left', withTest({ kind: 'cmp', op: 'eq', left: 0.5, right: 1 })],
  ['inference.rules[0].when.left.at', withTest({ kind: 'cmp', op: 'eq', left: {}, right: 1 })],
  [
    'inference.rules[0].when.left.at',
    withTest({ kind: 'cmp', op: 'eq', left: { at: 253, width: 4 }, right: 1 }),
  ],
  [
    'inference.rules[0].when.left.plus',
    withTest({ kind: 'cmp', op: 'eq', left: { length: true, plus: 2 ** 53 - 1 }, right: 1 }),
  ],
  [
    'inference.rules[0].when.right.width',
    withTest({ kind: 'cmp', op: 'eq', left: 1, right: { at: 0, width: 3 } }),
  ],
  [
    'inference.rules[0].when.right.order',
    withTest({ kind: 'cmp', op: 'eq', left: 1, right: { at: 0, width: 2, order: 'x' } }),
  ],
  [
    'inference.rules[0].when.right.mask',
    withTest({ kind: 'cmp', op: 'eq', left: 1, right: { at: 0, width: 2, mask: -1 } }),
  ],
  [
    'inference.rules[0].when.right.plus',
    withTest({ kind: 'cmp', op: 'eq', left: 1, right: { length: true, plus: 'x' } }),
  ],
  ['matching', { matching: undefined }],
  ['matching.mode', { matching: { mode: 'x' } }],
  ['matching.key', { matching: { mode: 'by-key' } }],
  ['matching.oneWay', { matching: { mode: 'by-key', key: () => 1, oneWay: 1 } }],
  ['matching.create', { matching: { mode: 'custom' } }],
  ['captureBytes', { captureBytes: 0 }],
  ['timeoutMs', { timeoutMs: '1' }],
  ['createParser', { createParser: undefined }],
  ['toRecord', { toRecord: {} }],
];

describe('validatePlugin', () => {
  it('accepts a plugin', () => {
    expect(() => validatePlugin(good)).not.toThrow();
    expect(() =>
      validatePlugin({
        ...good,
        ...withTest({
          kind: 'cmp',
          op: 'le',
          left: { at: 0, width: 4, order: 'le', mask: 0xffffffff, plus: -1 },
          right: { length: true },
        }),
      }),
    ).not.toThrow();
  });

  for (const [field, change] of bad) {
    it(`names ${field} when it is wrong (${JSON.stringify(change).slice(0, 60)})`, () => {
      let error: unknown;
      try {
        validatePlugin({ ...good, ...change });
      } catch (thrown) {
        error = thrown;
      }
      expect(error).toBeInstanceOf(LibtraceError);
      const { code, phase, message } = error as LibtraceError;
      expect({ code, phase }).toEqual({ code: 'ERR_PLUGIN_INVALID', phase: 'validate' });
      expect(message).toContain(`: ${field} must be`);
      if (field !== 'name') expect((error as LibtraceError).plugin).toBe('toy-2');
    });
  }

  it('accepts rules up to the last byte that they may look at, and says which that is', () => {
    const last = { kind: 'cmp', op: 'eq', left: { at: 252, width: 4 }, right: 1 };
    const texts = { kind: 'bytes', at: 254, anyOf: ['xy'] };
    const inference = { rules: [last, texts].map((test) => ({ ...rule, when: test })) };
    expect(() =>
      validatePlugin({ ...good, inference: { ...inference, carryHeaderBytes: 16 } }),
    ).not.toThrow();
    expect(() => validatePlugin({ ...good, ...withTest({ ...texts, at: 255 }) })).toThrow(
      'within the first 256 bytes of a message',
    );
  });

  it('refuses what is no object', () => {
    for (const value of [undefined, null, 1, 'http', []]) {
      expect(() => validatePlugin(value)).toThrow(LibtraceError);
    }
  });
});
