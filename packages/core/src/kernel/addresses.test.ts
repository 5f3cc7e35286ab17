// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { inetEndpoint, unixEndpoint } from './addresses.js';

const v6 = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

describe('inetEndpoint', () => {
  it('writes IPv4 dotted', () => {
    expect(inetEndpoint(2, Buffer.from([127, 0, 0, 1, 9, 9, 9, 9]), 80)).toEqual({
      address: '127.0.0.1',
      port: 80,
    });
  });

  it.each([
    ['0000 0000 0000 0000 0000 0000 0000 0001', '::1'],
    ['0000 0000 0000 0000 0000 0000 0000 0000', '::'],
    ['2001 0db8 0000 0000 0001 0000 0000 0001', '2001:db8::1:0:0:1'],
    ['2001 0db8 0000 0001 0001 0001 0001 0001', '2001:db8:0:1:1:1:1:1'],
    ['fe80 0000 0000 0000 0000 0000 0000 0000', 'fe80::'],
    ['0000 0000 0000 0000 0000 ffff 7f00 0001', '127.0.0.1'],
  ])('writes %s as %s', (bytes, address) => {
    expect(inetEndpoint(10, v6(bytes), 1).address).toBe(address);
  });

  it('has no address for an unknown family', () => {
    expect(inetEndpoint(40, Buffer.alloc(16), 7)).toEqual({ address: '', port: 7 });
  });
});

describe('unixEndpoint', () => {
  it.each([
    ['/run/x.sock', '/run/x.sock'],
    ['/run/x.sock\0rest', '/run/x.sock'],
    ['\0abstract', '@abstract'],
    ['', ''],
  ])('writes %j as %s', (path, address) => {
    expect(unixEndpoint(Buffer.from(path))).toEqual({ address, port: 0 });
  });
});
