// SPDX-License-Identifier: Apache-2.0
import { AssertionError } from 'node:assert';
import type { TraceRecord } from '@libtrace/core';
import type { ExpectedRecord } from '../fixture/fixture.js';
import { mismatches } from '../judge/differences.js';

/** What {@link expectRecords} offers. All throw an `AssertionError` with `actual` and `expected`, which vitest shows as a difference. */
export interface RecordExpectations {
  /** As many records, in this order, each with what is named; fields and attributes that are not named are not asserted. */
  toEqual(expected: readonly ExpectedRecord[]): void;
  /** One of the records, at least, has what is named. */
  toContain(expected: ExpectedRecord): void;
  /** So many records. */
  toHaveLength(count: number): void;
  /** No record lacks anything. */
  toBeComplete(): void;
}

/**
 * Assertions about records, for any test framework.
 *
 * ```ts
 * expectRecords(runFixture(memcached(), fixture)).toEqual([
 *   { operation: 'get', status: 'ok', attributes: { 'libtrace.memcached.hits': 1 } },
 * ]);
 * ```
 */
export function expectRecords(records: Iterable<TraceRecord<string, object>>): RecordExpectations {
  // Attributes that are an interface have no index signature.
  const actual = [...records] as TraceRecord[];
  return {
    toEqual(expected) {
      const problems = expected.flatMap((wanted, index) => {
        const record = actual[index];
        return record === undefined
          ? []
          : mismatches(wanted, record).map((problem) => `record ${index}: ${problem}`);
      });
      if (actual.length !== expected.length) {
        problems.unshift(`${actual.length} records, expected ${expected.length}`);
      }
      if (problems.length === 0) return;
      fail(
        problems,
        actual.map((record, index) => project(record, expected[index])),
        expected,
      );
    },
    toContain(expected) {
      const ranked = actual.map((record) => ({ record, problems: mismatches(expected, record) }));
      ranked.sort((one, other) => one.problems.length - other.problems.length);
      const [closest] = ranked;
      if (closest?.problems.length === 0) return;
      const what = closest === undefined ? ['there are no records'] : closest.problems;
      fail(
        ['no record is as expected; the closest one:', ...what],
        closest === undefined ? undefined : project(closest.record, expected),
        expected,
      );
    },
    toHaveLength(count) {
      if (actual.length === count) return;
      fail(
        [`${actual.length} records, expected ${count}`],
        actual.map(outline),
        `${count} records`,
      );
    },
    toBeComplete() {
      const lacking = actual.filter((record) => !record.complete);
      if (lacking.length === 0) return;
      const problems = lacking.map(
        (record) => `${outline(record)} lacks ${record.missing.join(', ')}`,
      );
      fail(
        problems,
        lacking.map((record) => record.missing),
        [],
      );
    },
  };
}

/** The part of a record that is asserted. */
function project(record: TraceRecord, expected: ExpectedRecord | undefined): unknown {
  if (expected === undefined) return outline(record);
  return Object.fromEntries(
    Object.entries(expected).map(([key, wanted]) => {
      if (key !== 'attributes') return [key, Reflect.get(record, key) as unknown];
      const names = Object.keys(wanted as object);
      return [key, Object.fromEntries(names.map((name) => [name, record.attributes[name]]))];
    }),
  );
}

function outline(record: TraceRecord): string {
  return `${record.protocol} ${record.operation} (${record.status})`;
}

function fail(problems: readonly string[], actual: unknown, expected: unknown): never {
  const error = new AssertionError({
    message: problems.join('\n'),
    actual,
    expected,
    operator: 'deepEqual',
  });
  // vitest prints a difference when it is asked to.
  throw Object.assign(error, { showDiff: true });
}
