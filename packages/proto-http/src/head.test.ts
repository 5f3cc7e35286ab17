// SPDX-License-Identifier: Apache-2.0
import { ByteView } from '@libtrace/core/plugin';
import { describe, expect, it } from 'vitest';
import { HeadReader, type HeadOutcome } from './head.js';

const long = `GET / HTTP/1.1\r\n${'X-A: 1\r\n'.repeat(100)}\r\n`;

function reading(): (text: string, before?: string, behind?: string) => HeadOutcome {
  const reader = new HeadReader({ request: [], response: [] });
  const view = new ByteView();
  const repeated = { target: undefined, host: undefined, userAgent: undefined };
  return (text, before = '', behind = '') => {
    view.reset(Buffer.from(before + text + behind), before.length, text.length, 0, false, 0);
    return reader.read('request', view, repeated);
  };
}

describe('HeadReader', () => {
  it('looks for line ends in the view only, whatever it read before', () => {
    const read = reading();
    expect(read(long)).toBe('whole');
    expect(read('GET / HTTP/1.1\r\nX-B', '', '\r\n\r\n')).toBe('more');
    expect(read('GET / HTTP/1.1\r\nX-B')).toBe('more');
    expect(read('GET / HTTP/1.1\r\nHost: h', '', '\r\n\r\n')).toBe('more');
    expect(read(long, '\n'.repeat(5000))).toBe('whole');
    expect(read('GET / HTTP/1.1\r\n', '', '\r\n')).toBe('more');
  });

  it('reads lines that are longer than it searches at once', () => {
    const read = reading();
    for (const length of [4090, 4096, 4097, 8192, 30_000]) {
      expect(read(`GET / HTTP/1.1\r\nX-A: ${'x'.repeat(length)}\r\nHost: h\r\n\r\n`)).toBe('whole');
      expect(read(`GET / HTTP/1.1\r\nX-A: ${'x'.repeat(length)}`, '', '\n\n')).toBe('more');
    }
  });
});
