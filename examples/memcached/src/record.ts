// SPDX-License-Identifier: Apache-2.0
import type { Exchange, ProtocolResult } from '@libtrace/core/plugin';
import type { MemcachedFrame, MemcachedRequest, MemcachedResponse } from './frames.js';
import type { MemcachedAttributes } from './types.js';

const retrievals = new Set(['get', 'gets', 'gat', 'gats']);

type Attributes = { -readonly [K in keyof MemcachedAttributes]: MemcachedAttributes[K] };

/** What a record says of an exchange. */
export function toRecord(exchange: Exchange<MemcachedFrame>): ProtocolResult<MemcachedAttributes> {
  const request = exchange.request?.frame;
  const response = exchange.response?.frame;
  const attributes: Attributes = { 'db.system.name': 'memcached' };
  if (request?.kind === 'request') addRequest(attributes, request);
  if (response?.kind === 'response') addResponse(attributes, response, request);
  return {
    operation: request?.kind === 'request' ? request.command : 'memcached',
    status: statusOf(request, response),
    attributes,
    ...(response?.kind === 'response' && response.headless ? { missing: ['response.head'] } : {}),
  };
}

function addRequest(attributes: Attributes, request: MemcachedRequest): void {
  attributes['db.operation.name'] = request.command;
  if (request.keyCount > 0) {
    attributes['libtrace.memcached.keys'] = request.keys;
    attributes['libtrace.memcached.key_count'] = request.keyCount;
  }
  if (request.valueBytes !== undefined) {
    attributes['libtrace.memcached.request.value_bytes'] = request.valueBytes;
  }
}

function addResponse(
  attributes: Attributes,
  response: MemcachedResponse,
  request: MemcachedFrame | undefined,
): void {
  // The rest of a response does not say what the whole was.
  if (response.headless) return;
  if (response.result !== '') attributes['libtrace.memcached.result'] = response.result;
  const isRetrieval = request?.kind === 'request' && retrievals.has(request.command);
  if (response.hits > 0 || (isRetrieval && response.result === 'END')) {
    attributes['libtrace.memcached.hit_count'] = response.hits;
    attributes['libtrace.memcached.response.value_bytes'] = response.valueBytes;
  }
  if (response.message !== undefined && response.message !== '') {
    attributes['error.message'] = response.message;
  }
}

/** `noreply` promises that nothing is known of the outcome. */
function statusOf(
  request: MemcachedFrame | undefined,
  response: MemcachedFrame | undefined,
): ProtocolResult['status'] {
  if (response?.kind !== 'response') {
    return request?.kind === 'request' && request.silent ? 'ok' : 'unknown';
  }
  if (response.result === 'SERVER_ERROR') return 'server-error';
  return response.result === 'ERROR' || response.result === 'CLIENT_ERROR' ? 'client-error' : 'ok';
}
