// SPDX-License-Identifier: Apache-2.0
import {
  defineProtocol,
  type CommonPluginOptions,
  type ProtocolPlugin,
} from '@libtrace/core/plugin';
import type { MemcachedFrame } from './frames.js';
import { inference } from './inference.js';
import { MemcachedParser } from './parser.js';
import { toRecord } from './record.js';
import { attributes, type MemcachedAttributes } from './types.js';

/**
 * memcached's text protocol (doc/protocol.txt of memcached 1.6), meta commands included. Values are never shown.
 *
 * ```ts
 * import { createTracer } from '@libtrace/core';
 * import memcached from 'libtrace-plugin-memcached';
 *
 * const tracer = createTracer({ plugins: [memcached()], target: { comms: ['memcached'] } });
 * ```
 */
// eslint-disable-next-line @typescript-eslint/no-unused-vars -- every factory takes the common options
export function memcached(
  _options: CommonPluginOptions = {},
): ProtocolPlugin<'memcached', MemcachedFrame, MemcachedAttributes> {
  return defineProtocol({
    kind: 'protocol',
    apiVersion: 1,
    name: 'memcached',
    transports: ['tcp', 'unix'],
    inference,
    matching: {
      mode: 'in-order',
      oneWay: (frame) => frame.kind === 'request' && frame.silent,
    },
    attributes,
    createParser: (connection) => new MemcachedParser(connection),
    toRecord: (exchange) => toRecord(exchange),
  });
}
