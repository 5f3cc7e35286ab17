// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { ByteView } from '../plugin/index.js';
import { foreignProtocol, tlsRecord } from './foreign.js';
import { evaluate } from './interpret.js';

function viewOf(bytes: readonly number[] | string) {
  const buffer = Buffer.from(bytes as string);
  const view = new ByteView();
  view.reset(buffer, 0, buffer.length, 0, false, 0);
  return view;
}

const isTls = (bytes: readonly number[]) => evaluate(tlsRecord, viewOf(bytes), bytes.length);

describe('tlsRecord', () => {
  it('knows the records of TLS', () => {
    expect(isTls([22, 3, 1, 2, 0])).toBe(true);
    expect(isTls([20, 3, 0, 0, 1])).toBe(true);
    expect(isTls([23, 3, 4, 0x48, 0])).toBe(true);
  });

  it('takes nothing else for TLS', () => {
    for (const bytes of [
      [19, 3, 1, 2, 0],
      [24, 3, 1, 2, 0],
      [22, 2, 1, 2, 0],
      [22, 3, 5, 2, 0],
      [22, 3, 1, 0, 0],
      [22, 3, 1, 0x48, 1],
    ]) {
      expect(isTls(bytes)).toBe(false);
    }
    expect(isTls([22, 3, 1, 2])).toBe('short');
  });
});

describe('foreignProtocol', () => {
  it('knows the preface of HTTP/2', () => {
    expect(foreignProtocol(viewOf('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0'))).toBe('http2');
    expect(foreignProtocol(viewOf('PRI * HTTP/2.0\r\n\r\n'))).toBeUndefined();
  });
});
