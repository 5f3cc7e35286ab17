// SPDX-License-Identifier: Apache-2.0
import type { AttributeDefinition } from '@libtrace/core/plugin';

/** What a record of this protocol may say. */
export interface MemcachedAttributes {
  readonly 'db.system.name': 'memcached';
  readonly 'db.operation.name'?: string;
  readonly 'libtrace.memcached.keys'?: readonly string[];
  readonly 'libtrace.memcached.key_count'?: number;
  readonly 'libtrace.memcached.request.value_bytes'?: number;
  readonly 'libtrace.memcached.hit_count'?: number;
  readonly 'libtrace.memcached.response.value_bytes'?: number;
  readonly 'libtrace.memcached.result'?: string;
  readonly 'error.message'?: string;
}

/** What the names mean that OpenTelemetry does not define. */
export const attributes: Readonly<Record<string, AttributeDefinition>> = {
  'libtrace.memcached.keys': {
    type: 'string[]',
    description: 'Keys of the request in its order, the first 16 at most.',
  },
  'libtrace.memcached.key_count': {
    type: 'number',
    unit: '{key}',
    description: 'How many keys the request has.',
  },
  'libtrace.memcached.request.value_bytes': {
    type: 'number',
    unit: 'By',
    description: 'Size of the value that is to be stored.',
  },
  'libtrace.memcached.hit_count': {
    type: 'number',
    unit: '{key}',
    description: 'How many of the keys had a value; absent when the request was not for values.',
  },
  'libtrace.memcached.response.value_bytes': {
    type: 'number',
    unit: 'By',
    description: 'Size of the values that were returned, together.',
  },
  'libtrace.memcached.result': {
    type: 'string',
    description:
      'First word of the response line: `STORED`, `NOT_FOUND`, `HD`; `VALUE` for hits, `NUMBER` for a counter.',
  },
};
