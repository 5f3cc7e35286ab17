// SPDX-License-Identifier: Apache-2.0
// Finds expected messages among those that were read.
import { fieldOf } from './messages-of.mjs';

/** What the expectations have in place of a value that they do not know. */
const notAsserted = { error_code: [-2] };

/**
 * Each expected message must be found, in the order of its kind. What was read may be more.
 * @returns {{ missing: string[], extra: number, unknownFields: Set<string> }} a text for each that is missing
 */
export function matchMessages(expected, read) {
  const unknownFields = new Set();
  const missing = [];
  const from = { request: 0, response: 0 };
  let found = 0;
  for (const [index, message] of expected.entries()) {
    const { kind } = message;
    if (kind !== 'request' && kind !== 'response') {
      missing.push(`message ${index}: "kind" is ${JSON.stringify(kind)}`);
      continue;
    }
    const among = read[kind];
    const differing = among.map((each) => differences(message, each, unknownFields));
    const at = differing.findIndex((list, i) => i >= from[kind] && list.length === 0);
    if (at >= 0) {
      from[kind] = at + 1;
      found++;
      continue;
    }
    missing.push(describe(index, message, differing, from[kind]));
  }
  return { missing, extra: read.request.length + read.response.length - found, unknownFields };
}

/** Fields that a message has otherwise, as texts. */
function differences(expected, message, unknownFields) {
  const list = [];
  for (const [field, value] of Object.entries(expected)) {
    if (field === 'kind' || notAsserted[field]?.includes(value)) continue;
    const got = fieldOf(message, field);
    if (got === null) unknownFields.add(field);
    else if (String(got) !== String(value)) {
      list.push(`${field} is ${show(got)}, expected ${show(value)}`);
    }
  }
  return list;
}

function describe(index, message, differing, from) {
  const head = `message ${index}, ${show(message)}`;
  const elsewhere = differing.findIndex((list) => list.length === 0);
  if (elsewhere >= 0) return `${head}\n  is there, but not in this order`;
  const closest = differing
    .map((list, at) => ({ list, at }))
    .filter(({ at }) => at >= from)
    .sort((one, other) => one.list.length - other.list.length || one.at - other.at)[0];
  if (closest === undefined) return `${head}\n  is missing: no ${message.kind} is left`;
  return `${head}\n  is missing; closest is one with\n  ${closest.list.join('\n  ')}`;
}

function show(value) {
  const text = JSON.stringify(value) ?? 'absent';
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}
