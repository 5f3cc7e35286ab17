// SPDX-License-Identifier: Apache-2.0
import type { Inference, Test } from '@libtrace/core/plugin';

/** Commands that hardly any other protocol has. */
const certainRequest: Test = {
  kind: 'bytes',
  at: 0,
  anyOf: ['gets ', 'gats ', 'cas ', 'incr ', 'decr ', 'prepend ', 'flush_all\r', 'flush_all '],
};

/** beanstalkd has `delete` and `touch`, and many a company's own protocol `get` and `set`: likely, not certain. */
const likelyRequest: Test = {
  kind: 'bytes',
  at: 0,
  anyOf: [
    ...['get ', 'gat ', 'set ', 'add ', 'replace ', 'append ', 'delete ', 'touch '],
    ...['version\r', 'stats\r', 'stats ', 'mg ', 'ms ', 'md ', 'ma '],
  ],
};

const certainResponse: Test = {
  kind: 'bytes',
  at: 0,
  anyOf: ['VALUE ', 'STORED\r\n', 'NOT_STORED\r\n', 'VERSION 1.'],
};

const likelyResponse: Test = {
  kind: 'bytes',
  at: 0,
  anyOf: [
    ...['END\r\n', 'DELETED\r\n', 'TOUCHED\r\n', 'NOT_FOUND\r\n', 'OK\r\n', 'STAT '],
    ...['HD\r\n', 'HD ', 'VA ', 'EN\r\n', 'NF\r\n'],
  ],
};

/** How memcached's text protocol is recognized: by two messages in a row, or by one that is its own. */
export const inference: Inference = {
  rules: [
    { says: 'response', when: certainResponse },
    { says: 'request', when: certainRequest },
    { says: 'request', when: likelyRequest, strength: 'likely' },
    { says: 'response', when: likelyResponse, strength: 'likely' },
  ],
  ports: [11211],
};
