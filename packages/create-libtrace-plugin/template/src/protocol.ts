// SPDX-License-Identifier: Apache-2.0
import { defineProtocol, type ProtocolPlugin } from '@libtrace/core/plugin';
import type { __TYPE__Frame } from './frames.js';
import { inference } from './inference.js';
import { __TYPE__Parser } from './parser.js';
import { toRecord } from './record.js';
import { attributes, type __TYPE__Attributes, type __TYPE__Options } from './types.js';

/**
 * The protocol __PLUGIN__.
 *
 * ```ts
 * import { createTracer } from '@libtrace/core';
 * import { __FACTORY__ } from '__PACKAGE__';
 *
 * const tracer = createTracer({ plugins: [__FACTORY__()], target: { pids: [1234] } });
 * ```
 */
export function __FACTORY__(
  options: __TYPE__Options = {},
): ProtocolPlugin<'__PLUGIN__', __TYPE__Frame, __TYPE__Attributes> {
  const { showValues = false } = options;
  return defineProtocol({
    kind: 'protocol',
    apiVersion: 1,
    name: '__PLUGIN__',
    transports: ['tcp', 'unix', 'tls'],
    inference,
    attributes,
    // Responses come in the order of the requests.
    matching: { mode: 'in-order' },
    createParser: () => new __TYPE__Parser(),
    toRecord: (exchange) => toRecord(exchange, showValues),
  });
}
