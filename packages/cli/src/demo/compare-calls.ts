// SPDX-License-Identifier: Apache-2.0
import type { AnyRecord } from '../format/record-parts.js';
import { escapeText } from '../format/terminal-text.js';
import type { MadeCall } from './demo-children.js';

/** How what was seen on one side compares with what the client did. */
export interface Comparison {
  /** Whole records of the calls that were made. */
  readonly matching: number;
  /** Calls without a record, records without a call, incomplete records; in words. */
  readonly differences: readonly string[];
}

/** Compares calls with records, each call with one record, by method, path and status. */
export function compareCalls(
  calls: readonly MadeCall[],
  records: readonly AnyRecord[],
): Comparison {
  const open = new Map<string, number>();
  for (const call of calls) {
    const key = `${call.method} ${call.path} ${call.status}`;
    open.set(key, (open.get(key) ?? 0) + 1);
  }
  const differences: string[] = [];
  let matching = 0;
  for (const record of records) {
    const key = keyOf(record);
    const left = open.get(key) ?? 0;
    if (!record.complete) differences.push(`incomplete: ${key} (${record.missing.join(', ')})`);
    else if (left === 0) differences.push(`seen but not made: ${key}`);
    else matching += 1;
    if (left > 0) open.set(key, left - 1);
  }
  for (const [key, left] of open) {
    if (left > 0)
      differences.push(`made but not seen: ${key}${left > 1 ? ` (${left} times)` : ''}`);
  }
  return { matching, differences };
}

function keyOf(record: AnyRecord): string {
  const attributes = record.attributes as Readonly<Record<string, unknown>>;
  const parts = ['http.request.method', 'url.path', 'http.response.status_code'].map((name) => {
    const value = attributes[name];
    return typeof value === 'string' || typeof value === 'number' ? String(value) : '?';
  });
  return escapeText(parts.join(' '));
}
