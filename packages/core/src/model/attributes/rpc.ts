// SPDX-License-Identifier: Apache-2.0
import type { RegisteredAttribute } from '../attribute-definition.js';

/** Attributes of remote procedure calls: gRPC, gRPC-web. */
export const rpcAttributes = {
  'rpc.system': {
    type: 'string',
    description: '`grpc`, on calls of gRPC and gRPC-web.',
    origin: 'opentelemetry',
    stability: 'deprecated',
    protocols: ['http'],
  },
  'rpc.service': {
    type: 'string',
    description: 'Full name of the service, with its package.',
    origin: 'opentelemetry',
    stability: 'deprecated',
    protocols: ['http'],
  },
  'rpc.method': {
    type: 'string',
    description: 'Name of the method, without the service.',
    origin: 'opentelemetry',
    stability: 'development',
    protocols: ['http'],
  },
  'rpc.grpc.status_code': {
    type: 'number',
    description: '`grpc-status`: 0 is OK. Absent when the call ended without one.',
    origin: 'opentelemetry',
    stability: 'deprecated',
    protocols: ['http'],
  },
  'libtrace.grpc.request_messages': {
    type: 'number',
    unit: '{message}',
    description:
      'Messages that the client sent in the call; absent when bytes that say so were not seen.',
    origin: 'libtrace',
    protocols: ['http'],
  },
  'libtrace.grpc.response_messages': {
    type: 'number',
    unit: '{message}',
    description:
      'Messages that the server sent in the call; absent when bytes that say so were not seen.',
    origin: 'libtrace',
    protocols: ['http'],
  },
} as const satisfies Readonly<Record<string, RegisteredAttribute>>;
