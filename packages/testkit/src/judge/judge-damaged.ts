// SPDX-License-Identifier: Apache-2.0
import { isDeepStrictEqual } from 'node:util';
import type { Missing, TraceRecord } from '@libtrace/core';
import { canAssign } from './assign.js';
import type { Tolerance } from './damage-rules.js';
import { brief } from './differences.js';
import { show } from './show.js';

/**
 * Whether records of a run in which bytes were lost are all true: each must tell of an exchange that the undamaged run
 * has, none twice; what is `complete` must be equal to it; what is not may lack something, and never say something else.
 * @param rightFromNs exchanges that begin at this time or later must all be there.
 * @returns the first problem, as a sentence.
 */
export function judgeDamaged(
  records: readonly TraceRecord[],
  reference: readonly TraceRecord[],
  tolerance: Tolerance,
  rightFromNs = Infinity,
): string | undefined {
  const ambiguous = tolerance.pairsByOrder ? overlapping(reference) : new Set<TraceRecord>();
  const fits = records.map((record) =>
    reference.map(
      (truth) =>
        contradiction(record, truth, tolerance) === undefined ||
        (ambiguous.has(truth) && record.startNs === truth.startNs),
    ),
  );
  for (const [index, record] of records.entries()) {
    if (!fits[index]!.includes(true)) return describeWrong(record, reference, tolerance);
  }
  for (const side of ['request', 'response'] as const) {
    const having = [...records.keys()].filter((index) => has(records[index]!, side));
    const edges = having.map((index) => fits[index]!);
    if (!canAssign(edges)) {
      return `${having.length} records tell of a ${side}, and some of the same one: ${records.map(brief).join(', ')}`;
    }
  }
  for (const [index, truth] of reference.entries()) {
    if (truth.startNs < rightFromNs) continue;
    const telling = records.filter((_, i) => fits[i]![index] === true);
    for (const side of ['request', 'response'] as const) {
      if (!has(truth, side) || telling.some((record) => isTold(record, side, truth, tolerance)))
        continue;
      return (
        `${brief(truth)} began after the connection was quiet again, and its ${side} is not reported; ` +
        `reported are: ${records.map(outline).join(', ') || 'no records'}`
      );
    }
  }
  return undefined;
}

/**
 * Exchanges whose requests were under way at the same time. Where requests and responses are paired by order alone and
 * the only sign of pipelining was lost, core takes the wrong one of them: see "Causality" in its documentation.
 */
function overlapping(reference: readonly TraceRecord[]): Set<TraceRecord> {
  return new Set(
    reference.filter((one) =>
      reference.some(
        (other) =>
          other !== one &&
          one.startNs <= other.startNs + other.durationMs * 1e6 &&
          other.startNs <= one.startNs + one.durationMs * 1e6,
      ),
    ),
  );
}

/**
 * Whether a record tells all of one side of an exchange. The two sides may stand in two records: order alone does not
 * always prove that they belong together.
 */
function isTold(
  record: TraceRecord,
  side: 'request' | 'response',
  truth: TraceRecord,
  tolerance: Tolerance,
): boolean {
  if (!has(record, side)) return false;
  if (side === 'request' && record.startNs !== truth.startNs) return false;
  const lacking = record.missing.filter((part) => part.startsWith(`${side}.`));
  return tolerance.learned.size > 0 || lacking.every((part) => truth.missing.includes(part));
}

function outline(record: TraceRecord): string {
  return record.complete ? brief(record) : `${brief(record)} without ${record.missing.join('+')}`;
}

/** Why a record cannot tell of an exchange; undefined when it can. */
function contradiction(
  record: TraceRecord,
  truth: TraceRecord,
  tolerance: Tolerance,
): string | undefined {
  const { complete } = record;
  const hasRequest = has(record, 'request') && !lacks(record, 'request.head');
  for (const key of [
    'protocol',
    'startNs',
    'durationMs',
    'requestBytes',
    'responseBytes',
  ] as const) {
    if (key !== 'protocol' && !complete) continue;
    if (record[key] !== truth[key]) return `${key} is ${record[key]}, expected ${truth[key]}`;
  }
  if ((complete || hasRequest) && record.operation !== truth.operation) {
    if (!tolerance.learned.has('operation')) {
      return `operation is ${show(record.operation)}, expected ${show(truth.operation)}`;
    }
  }
  const vague = record.status === 'unknown' || record.status === 'unanswered';
  if (record.status !== truth.status && (complete || !vague) && !tolerance.learned.has('status')) {
    return `status is ${record.status}, expected ${truth.status}`;
  }
  for (const [name, value] of Object.entries(record.attributes)) {
    if (value === undefined || tolerance.markers.has(name)) continue;
    const whole = truth.attributes[name];
    if (isDeepStrictEqual(value, whole)) continue;
    if (!complete && tolerance.allowsPartOf(name, value, whole)) continue;
    return `attributes['${name}'] is ${show(value)}, expected ${show(whole)}`;
  }
  if (!complete) return undefined;
  for (const [name, whole] of Object.entries(truth.attributes)) {
    if (whole === undefined || record.attributes[name] !== undefined) continue;
    if (!tolerance.learned.has(name)) return `attributes['${name}'] is absent`;
  }
  return undefined;
}

/** A record that fits nothing, against what it comes closest to. */
function describeWrong(
  record: TraceRecord,
  reference: readonly TraceRecord[],
  tolerance: Tolerance,
): string {
  const kind = record.complete
    ? 'a record that says it is complete'
    : `a record that lacks ${show(record.missing)}`;
  const closest =
    reference.find((each) => each.startNs === record.startNs) ??
    reference.find((each) => each.operation === record.operation) ??
    reference[0];
  if (closest === undefined) return `${kind} where there is none: ${brief(record)}`;
  const why = contradiction(record, closest, tolerance);
  return `${kind} is wrong: ${brief(record)}: ${why ?? ''}`;
}

/** A message that came with others in the same bytes has none of its own: only `missing` tells. */
function has(record: TraceRecord, side: 'request' | 'response'): boolean {
  return !lacks(record, side);
}

function lacks(record: TraceRecord, part: Missing): boolean {
  return record.missing.includes(part);
}
