// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { ByteView } from '../plugin/index.js';
import { foreignProtocol } from './foreign.js';

function of(bytes: readonly number[] | string) {
  const buffer = Buffer.from(bytes as string);
  const view = new ByteView();
  view.reset(buffer, 0, buffer.length, 0, false, 0);
  return foreignProtocol(view);
}

describe('foreignProtocol', () => {
  it('knows the records of TLS', () => {
    expect(of([22, 3, 1, 2, 0])).toBe('tls');
    expect(of([20, 3, 0, 0, 1])).toBe('tls');
    expect(of([23, 3, 4, 0x48, 0])).toBe('tls');
  });

  it('takes nothing else for TLS', () => {
    for (const bytes of [
      [19, 3, 1, 2, 0],
      [24, 3, 1, 2, 0],
      [22, 2, 1, 2, 0],
      [22, 3, 5, 2, 0],
      [22, 3, 1, 0, 0],
      [22, 3, 1, 0x48, 1],
      [22, 3, 1, 2],
    ]) {
      expect(of(bytes)).toBeUndefined();
    }
  });

  it('knows the preface of HTTP/2', () => {
    expect(of('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0')).toBe('http2');
    expect(of('PRI * HTTP/2.0\r\n\r\n')).toBeUndefined();
  });
});
