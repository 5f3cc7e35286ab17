// SPDX-License-Identifier: Apache-2.0
import type { Inference, Test } from '@libtrace/core/plugin';
import { http2Rules } from './http2/inference.js';
import { commonMethods, extensionMethods } from './methods.js';

const DIGIT_1 = 0x31;
const DIGIT_9 = 0x39;
const BRACE = 0x7b;

const ordinary = commonMethods.filter((method) => method !== 'CONNECT');

/**
 * A method and how its target begins (RFC 9112 §3.2). The method alone will not do: RTSP and SIP have `OPTIONS` too.
 */
const request: Test = {
  kind: 'bytes',
  at: 0,
  anyOf: [
    ...ordinary.map((method) => `${method} /`),
    ...ordinary.map((method) => `${method} http`),
    'OPTIONS * HTTP/1.',
  ],
};

const extensionRequest: Test = {
  kind: 'bytes',
  at: 0,
  anyOf: extensionMethods.map((method) => `${method} /`),
};

/** `CONNECT host:port`; NATS has `CONNECT {…}`. */
const tunnelRequest: Test = {
  kind: 'all',
  of: [
    { kind: 'bytes', at: 0, anyOf: ['CONNECT '] },
    { kind: 'cmp', op: 'ne', left: { at: 8, width: 1 }, right: BRACE },
  ],
};

/** `HTTP/1.1 ` and the first digit of a status code (RFC 9112 §4). */
const response: Test = {
  kind: 'all',
  of: [
    { kind: 'bytes', at: 0, anyOf: ['HTTP/1.1 ', 'HTTP/1.0 '] },
    { kind: 'cmp', op: 'ge', left: { at: 9, width: 1 }, right: DIGIT_1 },
    { kind: 'cmp', op: 'le', left: { at: 9, width: 1 }, right: DIGIT_9 },
  ],
};

/** How HTTP/1 and HTTP/2 are recognized. */
export const inference: Inference = {
  rules: [
    { says: 'request', when: request },
    { says: 'response', when: response },
    { says: 'request', when: tunnelRequest },
    { says: 'request', when: extensionRequest },
    ...http2Rules,
  ],
  ports: [80, 8080, 8000, 8008, 8081, 8888, 3000, 5000, 9200, 50051],
};
