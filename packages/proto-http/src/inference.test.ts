// SPDX-License-Identifier: Apache-2.0
import type { Field, Length, Operand, Test } from '@libtrace/core/plugin';
import { describe, expect, it } from 'vitest';
import { inference } from './inference.js';

/** The few lines of an interpreter that these rules need. */
function holds(test: Test, bytes: Buffer): boolean {
  switch (test.kind) {
    case 'bytes':
      return test.anyOf.some(
        (text) => bytes.toString('latin1', test.at, test.at + text.length) === text,
      );
    case 'cmp': {
      const left = value(test.left, bytes);
      const right = value(test.right, bytes);
      if (left === undefined || right === undefined) return false;
      return {
        eq: left === right,
        ne: left !== right,
        lt: left < right,
        le: left <= right,
        gt: left > right,
        ge: left >= right,
      }[test.op];
    }
    case 'all':
      return test.of.every((one) => holds(one, bytes));
    case 'any':
      return test.of.some((one) => holds(one, bytes));
    case 'not':
      return !holds(test.of, bytes);
  }
}

function value(operand: Operand, bytes: Buffer): number | undefined {
  if (typeof operand === 'number') return operand;
  if ('length' in (operand as Length)) return bytes.length;
  return bytes[(operand as Field).at];
}

function says(text: string): string | undefined {
  return inference.rules.find((rule) => holds(rule.when, Buffer.from(text, 'latin1')))?.says;
}

describe('inference', () => {
  it.each([
    'GET / HTTP/1.1',
    'POST /a HTTP/1.0',
    'HEAD http://h/ HTTP/1.1',
    'OPTIONS * HTTP/1.1',
    'CONNECT h:443 HTTP/1.1',
    'PROPFIND /dav HTTP/1.1',
    'VERSION-CONTROL / HTTP/1.1',
  ])('knows the request %j', (text) => {
    expect(says(text)).toBe('request');
  });

  it.each(['HTTP/1.1 200 OK', 'HTTP/1.0 404 No', 'HTTP/1.1 101 x'])(
    'knows the response %j',
    (text) => {
      expect(says(text)).toBe('response');
    },
  );

  it.each([
    'GET key\r\n',
    'get key\r\n',
    'OPTIONS rtsp://h RTSP/1.0',
    'OPTIONS sip:a@b SIP/2.0',
    'CONNECT {"verbose":false}',
    'PRI * HTTP/2.0\r\n',
    'HTTP/2 200',
    'HTTP/1.1 \r\n',
    'HTTP/1.1 099',
    'HTTP/1.',
    'SSH-2.0-x',
    '\x16\x03\x01',
    '',
  ])('does not claim %j', (text) => {
    expect(says(text)).toBeUndefined();
  });

  it('is plain data', () => {
    expect(JSON.parse(JSON.stringify(inference))).toEqual(inference);
  });
});
