// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { conversation } from '../fixture/fixture.js';
import { runFixture } from '../run/run-fixture.js';
import { toy, toyFixtures } from '../toy-protocol.test-support.js';
import { expectRecords } from './expect-records.js';

const records = runFixture(toy(), toyFixtures[0]!);

describe('expectRecords', () => {
  it('takes records that have what is named', () => {
    expectRecords(records).toEqual(toyFixtures[0]!.records!);
    expectRecords(records).toHaveLength(6);
    expectRecords(records).toBeComplete();
    expectRecords(records).toContain({ operation: 'TELL', attributes: { 'toy.answer': 'noted' } });
    expectRecords(records).toContain({ missing: [], attributes: { absent: undefined } });
  });

  it('names each difference, and shows only what was asked for', () => {
    const expected = [{ operation: 'TELL', attributes: { 'toy.topic': 'rain' } }];
    let error: unknown;
    try {
      expectRecords(records.slice(0, 1)).toEqual(expected);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({
      message:
        'record 0: operation is "ASK", expected "TELL"\n' +
        `record 0: attributes['toy.topic'] is "weather", expected "rain"`,
      actual: [{ operation: 'ASK', attributes: { 'toy.topic': 'weather' } }],
      expected,
    });
  });

  it('says how many records there are', () => {
    expect(() => expectRecords(records).toEqual([])).toThrow(/6 records, expected 0/);
    expect(() => expectRecords(records).toHaveLength(7)).toThrow(/6 records, expected 7/);
    expect(() => expectRecords([]).toContain({})).toThrow(/there are no records/);
  });

  it('shows the closest record when none is as expected', () => {
    const expected = { operation: 'TELL', attributes: { 'toy.answer': 'no' } };
    expect(() => expectRecords(records).toContain(expected)).toThrow(
      /no record is as expected; the closest one:\nattributes\['toy.answer'\] is "noted", expected "no"/,
    );
  });

  it('says what a record lacks', () => {
    const half = runFixture(toy(), conversation([['client', 'ASK a\n']]));
    expect(() => expectRecords(half).toBeComplete()).toThrow(
      /toy ASK \(unanswered\) lacks response/,
    );
  });
});

describe('runFixture', () => {
  it('throws what the plugin throws', () => {
    const broken = toy({
      toRecord: () => {
        throw new RangeError('oops');
      },
    });
    expect(() => runFixture(broken, toyFixtures[0]!)).toThrow(/the plugin threw RangeError: oops/);
  });

  it('plays variations', () => {
    const hole = { from: 'client', at: 5, length: 3, how: 'limit' } as const;
    const damaged = runFixture(toy(), toyFixtures[0]!, { hint: true, hole });
    expect(damaged.length).toBeGreaterThan(3);
    expect(damaged.some((record) => !record.complete)).toBe(true);
    const late = runFixture(toy(), toyFixtures[0]!, { start: { step: 8, offset: 0 } });
    expectRecords(late).toContain({ attributes: { 'toy.topic': 'last' } });
    expect(late.length).toBeLessThan(3);
  });
});
