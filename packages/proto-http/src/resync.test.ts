// SPDX-License-Identifier: Apache-2.0
import { ByteView, type Side } from '@libtrace/core/plugin';
import { describe, expect, it } from 'vitest';
import { nextStart } from './resync.js';

function find(side: Side, text: string, from = 0): number {
  const view = new ByteView();
  const bytes = Buffer.from(`HTTP/1.1 200 OK\r\n\r\n${text}T / HTTP/1.1\r\n\r\n`, 'latin1');
  view.reset(bytes, 19, text.length, 0, false, 0);
  return nextStart(side, view, from);
}

describe('nextStart of requests', () => {
  const request = 'GET /x HTTP/1.1\r\nHost: h\r\n\r\n';

  it.each([
    ['at the very beginning', '', request],
    ['behind text that has no line end', '{"a":1}', request],
    ['behind text that ends in letters', 'a=1', request],
    ['behind spaces', 'some text ', request],
    ['behind other heads that are no heads', 'a HTTP/1.1 b\r\nHTTP/1.1\r\n', request],
    ['with an extension method', '{}', 'PROPPATCH / HTTP/1.0\r\n\r\n'],
    ['with an unknown method on a line of its own', 'x\r\n', 'BREW /pot HTTP/1.1\r\nA: b\r\n\r\n'],
    ['with bare line feeds', 'x', 'PUT * HTTP/1.1\n\n'],
    ['with an unknown method at the very beginning', '', 'BREW / HTTP/1.1\r\nA: b\r\n\r\n'],
    ['that ends in its first line', 'body', 'GET /x HTTP/1'],
    ['that ends in its target', 'body\r\n\r\n', 'DELETE /a/long/pa'],
    ['that ends behind the first byte of its target', 'body', 'OPTIONS *'],
    ['that ends in the name of its first field', 'body', 'GET / HTTP/1.1\r\nHo'],
  ])('finds one %s', (_, before, message) => {
    expect(find('request', before + message)).toBe(before.length);
  });

  it.each([
    ['a sentence about HTTP', 'use GET in HTTP/1.1 and be happy.\r\nbye\r\n'],
    ['a request line without a field behind it', 'GET / HTTP/1.1\r\nand then some text\r\n.'],
    ['a log line', '1.2.3.4 - "GET /x HTTP/1.1" 200 17\r\n.'],
    ['an unknown method in a line', 'say BREW /pot HTTP/1.1\r\nA: b\r\n.'],
    ['a response', 'HTTP/1.1 200 OK\r\nA: b\r\n\r\n'],
    ['binary', '\x00\x01\xff\xfe HTTP/1.1\r\n\r\n'],
    ['nothing', ''],
    ['the beginning of a method', 'body DELE'],
    ['a method alone', 'body OPTIONS '],
    ['an HTTP/2 preface', 'PRI * HTTP/2.0\r\n\r\n'],
  ])('does not take %s for one', (_, text) => {
    expect(find('request', text)).toBe(-1);
  });

  it('does not look before the offset', () => {
    expect(find('request', request, 1)).toBe(-1);
    expect(find('request', request + request, 1)).toBe(request.length);
  });

  it('takes time in proportion to the bytes', () => {
    const began = performance.now();
    for (const unit of [' HTTP/1.', 'GET ', 'A', 'GET / HTTP/1.1\r\n', ' ', 'a/ HTTP/1.1\r\n']) {
      find('request', unit.repeat(1_000_000 / unit.length));
      find('response', unit.repeat(1_000_000 / unit.length));
    }
    expect(performance.now() - began).toBeLessThan(5000);
  });
});

describe('nextStart of responses', () => {
  it.each([
    ['', 'HTTP/1.1 200 OK\r\nA: b\r\n\r\n'],
    ['{"a":1}', 'HTTP/1.0 404\r\n\r\n'],
    ['HTTP/1.1 is a protocol. ', 'HTTP/1.1 200 OK\r\nA:'],
    ['GET / HTTP/1.1\r\n', 'HTTP/1.1 20'],
    ['abc', 'HTTP/'],
  ])('finds the one behind %j', (before, message) => {
    expect(find('response', before + message)).toBe(before.length);
  });

  it.each(['HTTP/1.1 200 OK\r\nand then\r\n.', 'HTTP/2 200\r\n', 'HTTP/1.1 9\r\n', 'plain text.'])(
    'does not take %j for one',
    (text) => {
      expect(find('response', text)).toBe(-1);
    },
  );
});
