// SPDX-License-Identifier: Apache-2.0
import type { Exchange, ProtocolResult } from '@libtrace/core/plugin';
import type { __TYPE__Frame } from './frames.js';
import type { __TYPE__Attributes } from './types.js';

/** What a record says of an exchange. Either message may be missing; what is not known is left out, never guessed. */
export function toRecord(
  { request, response }: Exchange<__TYPE__Frame>,
  showValues: boolean,
): ProtocolResult<__TYPE__Attributes> {
  const asked = request?.frame;
  const answered = response?.frame;
  return {
    operation: asked?.verb ?? '__PLUGIN__',
    status: answered === undefined ? 'unknown' : answered.verb === '+' ? 'ok' : 'client-error',
    attributes: {
      ...(asked && { 'libtrace.__ATTRIBUTE__.topic': asked.rest.split(' ', 1)[0]! }),
      ...(answered?.verb === '-' && { 'error.message': answered.rest }),
      ...(answered?.verb === '+' &&
        showValues && { 'libtrace.__ATTRIBUTE__.answer': answered.rest }),
    },
  };
}
