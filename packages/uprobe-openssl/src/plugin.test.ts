// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { openssl } from './index.js';
import factory from './index.js';

const file = (path: string, isExecutable = false) => ({ path, isExecutable, device: 1, inode: 1 });

describe('openssl', () => {
  it('is a source that needs no options', () => {
    expect(factory()).toMatchObject({ kind: 'uprobe', apiVersion: 1, name: 'openssl' });
    expect(openssl().bpf.url.pathname).toMatch(/\/bpf\/openssl\.bpf\.o$/);
  });

  it.each([
    ['/usr/lib/x86_64-linux-gnu/libssl.so.3', true],
    ['/usr/lib/libssl.so.1.1', true],
    ['/opt/x/libssl.so', true],
    ['/venv/psycopg2_binary.libs/libssl-81ffa89e.so.1.1', true],
    ['/usr/lib/x86_64-linux-gnu/libssl3.so', false],
    ['/usr/lib/x86_64-linux-gnu/libcrypto.so.3', false],
    ['/usr/lib/x86_64-linux-gnu/libgnutls-openssl.so.27', false],
    ['/srv/libssl.so.d/libother.so', false],
  ])('of the library %s: %s', (path, wanted) => {
    expect(openssl().wants(file(path))).toBe(wanted);
  });

  it('looks at every main executable, and at libraries that the options name', () => {
    expect(openssl().wants(file('/usr/bin/anything', true))).toBe(true);
    const source = openssl({ libraries: /libnetty_tcnative.*\.so$/g });
    for (let i = 0; i < 3; i++) {
      expect(source.wants(file('/tmp/libnetty_tcnative_x.so'))).toBe(true);
    }
    expect(source.wants(file('/tmp/libother.so'))).toBe(false);
  });
});
