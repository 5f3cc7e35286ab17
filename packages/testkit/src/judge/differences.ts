// SPDX-License-Identifier: Apache-2.0
import { isDeepStrictEqual } from 'node:util';
import type { Attributes, TraceRecord } from '@libtrace/core';
import type { ExpectedRecord } from '../fixture/fixture.js';
import { show } from './show.js';

/** What of a record is compared: all but who was traced, and where. */
export interface Essence {
  readonly protocol: string;
  readonly operation: string;
  readonly status: string;
  readonly complete: boolean;
  readonly missing: readonly string[];
  readonly startNs: number;
  readonly durationMs: number;
  readonly requestBytes: number;
  readonly responseBytes: number;
  readonly attributes: Attributes;
}

/** A record without what differs between runs that must be equal; attributes without a value are left out. */
export function essenceOf(record: TraceRecord, without: readonly string[] = []): Essence {
  return {
    protocol: record.protocol,
    operation: record.operation,
    status: record.status,
    complete: record.complete,
    missing: [...record.missing].sort(),
    startNs: record.startNs,
    durationMs: record.durationMs,
    requestBytes: record.requestBytes,
    responseBytes: record.responseBytes,
    attributes: Object.fromEntries(
      Object.entries(record.attributes).filter(
        ([name, value]) => value !== undefined && !without.includes(name),
      ),
    ),
  };
}

/** The first difference between two lists of records, as a sentence; undefined when there is none. */
export function firstDifference(
  expected: readonly Essence[],
  actual: readonly Essence[],
  ignoreTimes = false,
): string | undefined {
  for (let i = 0; i < Math.min(expected.length, actual.length); i++) {
    const [wanted, got] = [expected[i]!, actual[i]!];
    for (const key of Object.keys(wanted) as (keyof Essence)[]) {
      if (ignoreTimes && (key === 'startNs' || key === 'durationMs')) continue;
      if (key === 'attributes') {
        const difference = attributeDifference(wanted.attributes, got.attributes);
        if (difference !== undefined) return `record ${i}: ${difference}`;
      } else if (!isDeepStrictEqual(wanted[key], got[key])) {
        return `record ${i}: ${key} is ${show(got[key])}, expected ${show(wanted[key])}`;
      }
    }
  }
  if (expected.length === actual.length) return undefined;
  const next = expected[actual.length] ?? actual[expected.length]!;
  const what = expected.length > actual.length ? 'missing' : 'not expected';
  return `${actual.length} records, expected ${expected.length}: ${brief(next)} is ${what}`;
}

/** What a record lacks of an expected one: paths with both values. Empty: it matches. */
export function mismatches(expected: ExpectedRecord, record: TraceRecord): string[] {
  const found: string[] = [];
  for (const [key, wanted] of Object.entries(expected)) {
    if (key === 'attributes' || wanted === undefined) continue;
    const got: unknown = Reflect.get(record, key);
    const same =
      key === 'missing'
        ? isDeepStrictEqual([...(wanted as string[])].sort(), [...record.missing].sort())
        : isDeepStrictEqual(wanted, got);
    if (!same) found.push(`${key} is ${show(got)}, expected ${show(wanted)}`);
  }
  for (const [name, wanted] of Object.entries(expected.attributes ?? {})) {
    const got = record.attributes[name];
    if (!isDeepStrictEqual(wanted, got)) {
      found.push(`attributes['${name}'] is ${show(got)}, expected ${show(wanted)}`);
    }
  }
  return found;
}

/** A record in a few words. */
export function brief(record: Pick<Essence, 'protocol' | 'operation' | 'status'>): string {
  return `${record.protocol} ${record.operation} (${record.status})`;
}

function attributeDifference(expected: Attributes, actual: Attributes): string | undefined {
  for (const name of new Set([...Object.keys(expected), ...Object.keys(actual)])) {
    const [wanted, got] = [expected[name], actual[name]];
    if (!isDeepStrictEqual(wanted, got)) {
      return `attributes['${name}'] is ${show(got)}, expected ${show(wanted)}`;
    }
  }
  return undefined;
}
