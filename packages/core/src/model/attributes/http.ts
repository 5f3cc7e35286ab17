// SPDX-License-Identifier: Apache-2.0
import type { RegisteredAttribute } from '../attribute-definition.js';

/** Attributes of HTTP and WebSocket. */
export const httpAttributes = {
  'http.request.method': {
    type: 'string',
    description: 'Known method (RFC 9110 §9), or `_OTHER`.',
    origin: 'opentelemetry',
    stability: 'stable',
    protocols: ['http'],
  },
  'http.request.method_original': {
    type: 'string',
    description: 'The method as sent, when `http.request.method` is `_OTHER`.',
    origin: 'opentelemetry',
    stability: 'stable',
    protocols: ['http'],
  },
  'url.scheme': {
    type: 'string',
    description:
      '`http`; `https` for bytes taken above a TLS library; or what an absolute target or `:scheme` says.',
    origin: 'opentelemetry',
    stability: 'stable',
    protocols: ['http'],
  },
  'url.path': {
    type: 'string',
    description:
      'Path of the target; `*` for the asterisk form. Credentials in `;parameters` are hidden.',
    origin: 'opentelemetry',
    stability: 'stable',
    protocols: ['http'],
  },
  'url.query': {
    type: 'string',
    description: 'Query of the target without the question mark. Credentials are hidden.',
    origin: 'opentelemetry',
    stability: 'stable',
    protocols: ['http'],
  },
  'url.full': {
    type: 'string',
    description:
      'The whole URL, when the target is absolute (RFC 9112 §3.2.2): requests to a proxy.',
    origin: 'opentelemetry',
    stability: 'stable',
    protocols: ['http'],
  },
  'user_agent.original': {
    type: 'string',
    description: '`User-Agent` of the request (RFC 9110 §10.1.5).',
    origin: 'opentelemetry',
    stability: 'stable',
    protocols: ['http'],
  },
  'http.request.body.size': {
    type: 'number',
    unit: 'By',
    description: 'Content of the request as transferred, without framing; 0 when there is none.',
    origin: 'opentelemetry',
    stability: 'development',
    protocols: ['http'],
  },
  'http.request.header.<key>': {
    type: 'string[]',
    description: 'Values of a request field that was asked for; the name in lower case.',
    origin: 'opentelemetry',
    stability: 'stable',
    protocols: ['http'],
  },
  'http.response.status_code': {
    type: 'number',
    description: 'RFC 9110 §15. Of the final response; 101 is one.',
    origin: 'opentelemetry',
    stability: 'stable',
    protocols: ['http'],
  },
  'http.response.body.size': {
    type: 'number',
    unit: 'By',
    description: 'Content of the response as transferred, without framing; 0 when there is none.',
    origin: 'opentelemetry',
    stability: 'development',
    protocols: ['http'],
  },
  'http.response.header.<key>': {
    type: 'string[]',
    description: 'Values of a response field that was asked for; the name in lower case.',
    origin: 'opentelemetry',
    stability: 'stable',
    protocols: ['http'],
  },
  'libtrace.http.upgrade': {
    type: 'string',
    description:
      'What the connection, or the stream of HTTP/2, goes on as: `websocket`, `h2c`, `opaque` for a CONNECT tunnel.',
    origin: 'libtrace',
    protocols: ['http'],
  },
  'libtrace.http.stream_id': {
    type: 'number',
    description: 'HTTP/2 stream of the exchange (RFC 9113 §5.1.1).',
    origin: 'libtrace',
    protocols: ['http'],
  },
  'libtrace.http.unknown_request_headers': {
    type: 'number',
    unit: '{field}',
    description:
      'Fields of the request whose names or values are not known: they stand in a part of the compression table that was built before the connection was joined, or in bytes that were lost. Absent when there are none.',
    origin: 'libtrace',
    protocols: ['http'],
  },
  'libtrace.http.unknown_response_headers': {
    type: 'number',
    unit: '{field}',
    description: 'The same of the response, its trailers included.',
    origin: 'libtrace',
    protocols: ['http'],
  },
  'libtrace.http.reset_code': {
    type: 'string',
    description:
      'Error code of the RST_STREAM frame that ended the stream before the response did (RFC 9113 §7): `CANCEL`.',
    origin: 'libtrace',
    protocols: ['http'],
  },
  'libtrace.http.reset_by': {
    type: 'string',
    description: 'Who sent it: `client` or `server`.',
    origin: 'libtrace',
    protocols: ['http'],
  },
  'libtrace.http.goaway_code': {
    type: 'string',
    description:
      'Error code of the GOAWAY frame with which the server refused the request (RFC 9113 §6.8).',
    origin: 'libtrace',
    protocols: ['http'],
  },
  'libtrace.http.pushed': {
    type: 'boolean',
    description: 'True when the server pushed the response (RFC 9113 §8.4).',
    origin: 'libtrace',
    protocols: ['http'],
  },
  'libtrace.websocket.request_messages': {
    type: 'number',
    unit: '{message}',
    description:
      'Text and binary messages that the client sent to their end (RFC 6455 §5.4); absent when frames were not seen.',
    origin: 'libtrace',
    protocols: ['http'],
  },
  'libtrace.websocket.request_frames': {
    type: 'number',
    unit: '{frame}',
    description:
      'Frames that the client sent, control frames included; absent when some were not seen.',
    origin: 'libtrace',
    protocols: ['http'],
  },
  'libtrace.websocket.request_bytes': {
    type: 'number',
    unit: 'By',
    description:
      'Payload of text and binary messages of the client, as sent; absent when frames were not seen.',
    origin: 'libtrace',
    protocols: ['http'],
  },
  'libtrace.websocket.response_messages': {
    type: 'number',
    unit: '{message}',
    description:
      'Text and binary messages that the server sent to their end; absent when frames were not seen.',
    origin: 'libtrace',
    protocols: ['http'],
  },
  'libtrace.websocket.response_frames': {
    type: 'number',
    unit: '{frame}',
    description:
      'Frames that the server sent, control frames included; absent when some were not seen.',
    origin: 'libtrace',
    protocols: ['http'],
  },
  'libtrace.websocket.response_bytes': {
    type: 'number',
    unit: 'By',
    description:
      'Payload of text and binary messages of the server, as sent; absent when frames were not seen.',
    origin: 'libtrace',
    protocols: ['http'],
  },
  'libtrace.websocket.close_code': {
    type: 'number',
    description:
      'Code of the first Close frame (RFC 6455 §7.4); absent when there was none, or it had no code.',
    origin: 'libtrace',
    protocols: ['http'],
  },
} as const satisfies Readonly<Record<string, RegisteredAttribute>>;
