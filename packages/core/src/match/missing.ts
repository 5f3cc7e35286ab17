// SPDX-License-Identifier: Apache-2.0
import type { Message, Missing } from '../plugin/index.js';
import type { Absence } from './exchange-matcher.js';

const nothing: readonly Missing[] = Object.freeze([]);

/** What a record lacks, from what its messages lack and what the plugin adds. */
export function missingOf(
  request: Message<unknown> | undefined,
  response: Message<unknown> | undefined,
  absence: Absence,
  oneWay: boolean,
  fromPlugin: readonly Missing[] | undefined,
): readonly Missing[] {
  if (
    request !== undefined &&
    request.holeBytes === 0 &&
    !request.truncated &&
    (response === undefined
      ? absence === 'none'
      : response.holeBytes === 0 && !response.truncated) &&
    (fromPlugin === undefined || fromPlugin.length === 0)
  ) {
    return nothing;
  }
  const missing: Missing[] = [];
  if (request === undefined) {
    if (!oneWay && absence !== 'unsolicited') missing.push('request');
  } else if (request.holeBytes > 0 || request.truncated) {
    missing.push('request.body');
  }
  if (response === undefined) {
    if (absence === 'fragment') missing.push('response.head');
    else if (absence !== 'none') missing.push('response');
  } else if (response.holeBytes > 0 || response.truncated) {
    missing.push('response.body');
  }
  for (const each of fromPlugin ?? nothing) {
    if (!missing.includes(each)) missing.push(each);
  }
  return missing.length === 0 ? nothing : missing;
}
