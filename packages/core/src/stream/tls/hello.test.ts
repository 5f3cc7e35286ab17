// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { cipherSuiteName } from './cipher-suites.js';
import { readClientHello, readServerHello } from './hello.js';
import {
  alpnExtension,
  clientHello,
  extension,
  selectedVersion,
  serverHello,
  serverNameExtension,
} from './hello.test-support.js';

const body = (message: Buffer): Buffer => message.subarray(4);

describe('a ClientHello', () => {
  it('tells the name that is asked for, wherever its extension stands', () => {
    const hello = clientHello([
      extension(10, Buffer.alloc(4)),
      serverNameExtension('a.example'),
      extension(0xfafa),
    ]);
    expect(readClientHello(body(hello))).toEqual({ serverName: 'a.example' });
  });

  it.each([
    ['no extensions at all', clientHello()],
    ['no such extension', clientHello([extension(10, Buffer.alloc(4))])],
    ['a name of another kind', clientHello([extension(0, Buffer.from('000401000161', 'hex'))])],
    ['an empty name', clientHello([serverNameExtension('')])],
    ['a name with control characters', clientHello([serverNameExtension('a\u001b[2Jb')])],
    ['a name that is not ASCII', clientHello([serverNameExtension('b\u00fccher.example')])],
    ['a name that is longer than any', clientHello([serverNameExtension('a'.repeat(256))])],
  ])('with %s tells nothing', (_, hello) => {
    expect(readClientHello(body(hello))).toEqual({});
  });

  it('that is cut anywhere, or whose lengths are wrong, tells nothing', () => {
    const whole = body(clientHello([serverNameExtension('a.example'), extension(10)]));
    for (let length = 0; length < whole.length; length++) {
      // Without extensions it is a whole message of old.
      expect(readClientHello(whole.subarray(0, length))).toEqual({});
    }
  });
});

describe('a ServerHello', () => {
  it.each([
    [0x0301, '1.0'],
    [0x0302, '1.1'],
    [0x0303, '1.2'],
  ])('of version 0x%s tells it, the suite, and the protocol', (number, version) => {
    expect(
      readServerHello(body(serverHello(number, 0xc02f, [extension(11), alpnExtension('h2')]))),
    ).toEqual({ version, cipher: 'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256', alpn: 'h2' });
    expect(readServerHello(body(serverHello(number, 0x002f)))).toEqual({
      version,
      cipher: 'TLS_RSA_WITH_AES_128_CBC_SHA',
    });
  });

  it('of TLS 1.3 tells its version in an extension', () => {
    const hello = serverHello(0x0303, 0x1303, [extension(51), selectedVersion(0x0304)]);
    expect(readServerHello(body(hello))).toEqual({
      version: '1.3',
      cipher: 'TLS_CHACHA20_POLY1305_SHA256',
    });
  });

  it('that asks the client to try again tells the same', () => {
    // RFC 8446, section 4.1.3: SHA-256 of "HelloRetryRequest".
    const random = Buffer.from(
      'cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c',
      'hex',
    );
    const retry = serverHello(0x0303, 0x1301, [selectedVersion(0x0304)], random);
    expect(readServerHello(body(retry))).toEqual({
      version: '1.3',
      cipher: 'TLS_AES_128_GCM_SHA256',
    });
  });

  it('of a version without a name tells the suite alone', () => {
    expect(readServerHello(body(serverHello(0x0303, 0x1301, [selectedVersion(0x7f1c)])))).toEqual({
      cipher: 'TLS_AES_128_GCM_SHA256',
    });
  });

  it('that is cut anywhere tells nothing, but for one that ends where extensions may begin', () => {
    const whole = body(serverHello(0x0303, 0x1301, [selectedVersion(0x0304)]));
    const bare = whole.length - 2 - 6;
    for (let length = 0; length < whole.length; length++) {
      const told = readServerHello(whole.subarray(0, length));
      expect(told).toEqual(
        length === bare ? { version: '1.2', cipher: 'TLS_AES_128_GCM_SHA256' } : {},
      );
    }
  });
});

describe('the name of a cipher suite', () => {
  it('is that of the registry, or the number', () => {
    expect(cipherSuiteName(0xcca8)).toBe('TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256');
    expect(cipherSuiteName(0x009c)).toBe('TLS_RSA_WITH_AES_128_GCM_SHA256');
    expect(cipherSuiteName(0x00ff)).toBe('0x00ff');
    expect(cipherSuiteName(0xfefe)).toBe('0xfefe');
  });
});
