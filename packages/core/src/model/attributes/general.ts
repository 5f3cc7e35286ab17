// SPDX-License-Identifier: Apache-2.0
import type { RegisteredAttribute } from '../attribute-definition.js';

/** Attributes of several protocols. */
export const generalAttributes = {
  'network.protocol.name': {
    type: 'string',
    description: 'The application protocol: `http` also for gRPC and WebSocket.',
    origin: 'opentelemetry',
    stability: 'stable',
    protocols: ['http'],
    always: true,
  },
  'network.protocol.version': {
    type: 'string',
    description:
      '`1.0` or `1.1`, of the request, or of the response when there is no request; `2` for HTTP/2.',
    origin: 'opentelemetry',
    stability: 'stable',
    protocols: ['http'],
    always: true,
  },
  'server.address': {
    type: 'string',
    description:
      'Host that the request names: of an absolute target, of CONNECT, of `:authority` or `Host` (RFC 9110 §7.2). IPv6 without brackets.',
    origin: 'opentelemetry',
    stability: 'stable',
    protocols: ['http'],
  },
  'server.port': {
    type: 'number',
    description: 'Port behind that host, when one is stated.',
    origin: 'opentelemetry',
    stability: 'stable',
    protocols: ['http'],
  },
  'error.type': {
    type: 'string',
    description:
      'Low-cardinality name of the error. HTTP: the status code (5xx; 4xx unless seen from the server), of gRPC the name of its status, of a stream that was reset that of the code. MySQL: the error number. Kafka: the name of the error code.',
    origin: 'opentelemetry',
    stability: 'stable',
    protocols: ['http', 'mysql', 'kafka'],
  },
  'error.message': {
    type: 'string',
    description:
      'What the server said of the error: `grpc-message`, or the text of a MySQL error, in which values are replaced by `?` unless they are shown.',
    origin: 'opentelemetry',
    stability: 'deprecated',
    protocols: ['http', 'mysql'],
  },
} as const satisfies Readonly<Record<string, RegisteredAttribute>>;
