// SPDX-License-Identifier: Apache-2.0
import type { Side } from '@libtrace/core/plugin';
import { ByteView } from '@libtrace/core/plugin';
import { describe, expect, it } from 'vitest';
import { apis, apiName, isFlexible } from './apis.js';
import { BodyReader } from './body-reader.js';
import { Body, MAX_NAMES } from './body.js';
import { programOf } from './layouts/program.js';
import { generateBody } from './message-generator.test-support.js';

const all = apis.flatMap(({ maxVersion }, key) =>
  Array.from({ length: maxVersion + 1 }, (_, version) => ({ key, version })),
);
const sides: readonly Side[] = ['request', 'response'];

/** Reads bytes that arrive in pieces of a size. */
function read(
  side: Side,
  key: number,
  version: number,
  bytes: Buffer,
  size: number,
): { readonly body: Body; readonly stop: string } {
  const reader = new BodyReader();
  const body = new Body();
  reader.begin(programOf(side, key, version), bytes.length, body);
  const view = new ByteView();
  let head = 0;
  let stop = 'more';
  for (let end = Math.min(size, bytes.length); ; end = Math.min(end + size, bytes.length)) {
    if (head <= end) {
      view.reset(bytes, head, end - head, 0, false, 0);
      stop = reader.read(view, 0);
      head += reader.at;
      expect(reader.left).toBe(bytes.length - head);
    }
    if (stop !== 'more' || end === bytes.length) break;
  }
  if (stop === 'done') {
    expect(head).toBe(bytes.length);
    if (body.state !== 'unread') body.state = 'whole';
  }
  body.finish();
  return { body, stop };
}

describe('layouts', () => {
  it('are there for every API', () => {
    expect(apis).toHaveLength(95);
    for (let key = 0; key < apis.length; key++) {
      for (const side of sides) {
        const [first, ...others] = programOf(side, key, 0).steps;
        expect([apiName(key), side, first?.type === 'unread' && others.length === 0]).toEqual([
          apiName(key),
          side,
          false,
        ]);
      }
    }
  });

  it('know flexible versions: the protocol guide on headers', () => {
    const firsts = [
      [0, 9],
      [1, 12],
      [2, 6],
      [3, 9],
      [8, 8],
      [9, 6],
      [10, 3],
      [11, 6],
      [18, 3],
      [19, 5],
      [20, 4],
      [22, 2],
      [24, 3],
      [36, 2],
      [68, 0],
    ] as const;
    for (const [key, version] of firsts) {
      expect([apiName(key), isFlexible(key, version), isFlexible(key, version - 1)]).toEqual([
        apiName(key),
        true,
        false,
      ]);
    }
    expect(isFlexible(17, 1)).toBe(false);
    expect(programOf('request', 18, 3).steps[0]?.type).toBe('tags');
    expect(programOf('response', 18, 3).steps[0]?.type).toBe('fixed');
    expect(programOf('response', 1, 12).steps[0]?.type).toBe('tags');
  });

  it.each([1, 2, 5, 61, 1_000_000])('read what they write, in pieces of %i bytes', (size) => {
    for (const { key, version } of all) {
      for (const side of sides) {
        for (let seed = 0; seed < (size === 1 ? 2 : 6); seed++) {
          const { bytes, facts } = generateBody(side, key, version, seed * 7919 + key);
          const { body, stop } = read(side, key, version, bytes, size);
          const where = `${apiName(key)} v${version} ${side}, seed ${seed}`;
          expect(stop, where).toBe('done');
          if (body.state === 'unread') continue;
          const of = (...roles: string[]): (string | number)[] =>
            facts.values.filter(({ role }) => roles.includes(role)).map(({ value }) => value);
          expect(body.errorCode, where).toBe(of('error').find((code) => code !== 0) ?? 0);
          expect(body.partitions, where).toBe(of('partition').length);
          if (body.partitions > 0) expect(body.partition, where).toBe(of('partition')[0]);
          if (of('topic').length < MAX_NAMES && of('resource-name').length === 0) {
            expect(new Set(body.topics), where).toEqual(new Set(of('topic')));
          }
          if (body.counter !== undefined) {
            expect([body.recordCount, body.recordBytes], where).toEqual([
              facts.records,
              facts.recordBytes,
            ]);
          }
        }
      }
    }
  });

  it('refuse bodies that are longer or shorter than they say', () => {
    let refused = 0;
    let tried = 0;
    for (const { key, version } of all) {
      for (const side of sides) {
        const { bytes } = generateBody(side, key, version, key * 31 + version);
        const isOpen = programOf(side, key, version).steps.some(
          ({ type }) => type === 'rest' || type === 'unread',
        );
        if (isOpen || bytes.length === 0) continue;
        tried += 2;
        const longer = Buffer.concat([bytes, Buffer.alloc(3)]);
        if (read(side, key, version, longer, 1e6).stop === 'malformed') refused++;
        const shorter = bytes.subarray(0, -1);
        if (read(side, key, version, shorter, 1e6).stop === 'malformed') refused++;
      }
    }
    expect(tried).toBeGreaterThan(300);
    expect(refused).toBe(tried);
  });

  it('step over tagged fields, known and unknown', () => {
    // ApiVersions v3 response: error, keys, throttle; header v1 of others.
    const tagged = Buffer.from([
      ...[2, 0, 3, 9, 9, 9, 200, 1, 0], // header: two fields, 3 bytes and none
      ...[0, 0, 0, 5, 0, 0], // throttle, error
      ...[1, 7, 1, 0xff], // body: one field of a byte
    ]);
    const { body, stop } = read('response', 12, 4, tagged, 1);
    expect(stop).toBe('done');
    expect([body.throttleMs, body.errorCode]).toEqual([5, 0]);
  });

  it('do not take an impossible number of elements for an array', () => {
    for (const [version, bytes] of [
      [2, [0x7f, 0xff, 0xff, 0xff]],
      [2, [0xff, 0xff, 0xff, 0xfe]],
      [9, [0, 0xff, 0xff, 0xff, 0xff, 0x0f]],
      [9, [0, 0xff, 0xff, 0xff, 0xff, 0xff]],
    ] as const) {
      const padded = Buffer.concat([Buffer.from(bytes), Buffer.alloc(30)]);
      expect(read('request', 3, version, padded, 1e6).stop).toBe('malformed');
    }
  });
});
