// SPDX-License-Identifier: Apache-2.0
import type { ProbePlan } from '@libtrace/core/plugin';
import { describe, expect, it } from 'vitest';
import { fakeImage, type FakeContents } from './fake-image.test-support.js';
import { optionalFunctions, requiredFunctions } from './functions.js';
import { inspect } from './inspect.js';

const all = [...requiredFunctions, ...optionalFunctions].map(({ name }) => name);
const since110 = [
  ...['SSL_read', 'SSL_write', 'SSL_peek', 'SSL_do_handshake', 'SSL_shutdown'],
  ...['SSL_set_fd', 'SSL_set_rfd', 'SSL_set_wfd', 'SSL_clear', 'SSL_free'],
];

function planOf(contents: FakeContents): ProbePlan {
  const found = inspect(fakeImage(contents));
  if (found === undefined || 'reason' in found) throw new Error('no plan');
  return found;
}

const text = (...strings: string[]): Buffer => Buffer.from(strings.join('\0'), 'latin1');

describe('inspect', () => {
  it('probes entry and return of every function whose result matters', () => {
    const { probes } = planOf({ functions: all });
    const of = (name: string) =>
      probes.flatMap((probe) =>
        'when' in probe && probe.function.name === name ? [[probe.when, probe.program]] : [],
      );
    expect(of('SSL_read')).toEqual([
      ['entry', 'read_enter'],
      ['return', 'read_return'],
    ]);
    expect(of('SSL_write_ex')).toEqual([
      ['entry', 'write_ex_enter'],
      ['return', 'write_ex_return'],
    ]);
    expect(of('SSL_free')).toEqual([['entry', 'free_enter']]);
    expect(new Set(probes.map((probe) => 'when' in probe && probe.function.name))).toEqual(
      new Set(all),
    );
  });

  it('needs SSL_read and SSL_write, and takes what else there is', () => {
    const plan = planOf({ functions: since110 });
    const required = plan.probes.filter(({ optional }) => optional !== true);
    expect(new Set(required.map((probe) => 'when' in probe && probe.function.name))).toEqual(
      new Set(['SSL_read', 'SSL_write']),
    );
    expect(plan.details?.at(-1)).toMatch(/^not there: SSL_read_ex, .*SSL_sendfile/);
    expect(inspect(fakeImage({ functions: ['SSL_read'] }))).toEqual({
      reason: 'no function SSL_write beside SSL_read',
    });
  });

  it('names the registers that the program at the entry reads', () => {
    const registers = (contents: FakeContents) =>
      planOf(contents).probes.flatMap((probe) =>
        'when' in probe && probe.when === 'entry' && probe.function.name === 'SSL_read_ex'
          ? [probe.registers]
          : [],
      );
    expect(registers({ functions: all })).toEqual([['rdi', 'rsi', 'rdx', 'rcx']]);
    expect(registers({ functions: all, machine: 'aarch64' })).toEqual([['x0', 'x1', 'x2', 'x3']]);
  });

  it('leaves a program alone that takes the functions from a library', () => {
    const constants = text('OpenSSL 3.0.15 3 Sep 2024', '../ssl/ssl_lib.c');
    const image = fakeImage({
      needed: ['libc.so.6', 'libssl.so.3'],
      isExecutable: true,
      constants,
    });
    expect(inspect(image)).toBeUndefined();
    expect(image.reads.bytes).toBe(0);
  });

  it.each([
    ['OpenSSL 1.1.1w  11 Sep 2023', 'OpenSSL 1.1.1w, dynamic symbols'],
    ['OpenSSL 3.0.15 3 Sep 2024', 'OpenSSL 3.0.15, dynamic symbols'],
    ['OpenSSL 3.0.15+quic 3 Sep 2024', 'OpenSSL 3.0.15+quic, dynamic symbols'],
    ['OpenSSL 3.2.0-beta1 26 Oct 2023', 'OpenSSL 3.2.0-beta1, dynamic symbols'],
    ['OpenSSL 1.1.1 (compatible; BoringSSL)', 'BoringSSL, dynamic symbols'],
    ['OpenSSL 1.1.1 (compatible; AWS-LC 1.30.1)', 'AWS-LC, dynamic symbols'],
    ['OpenSSL is great', 'OpenSSL (libssl.so.3), dynamic symbols'],
  ])('reads the version from %j', (constant, summary) => {
    expect(planOf({ functions: all, constants: text('x', constant, 'y') }).summary).toBe(summary);
  });

  it('finds a version wherever it lies in large constant data', () => {
    const constants = Buffer.alloc(3 * 1024 * 1024);
    for (const at of [0, 1024 * 1024 - 10, 2 * 1024 * 1024, constants.length - 26]) {
      constants.fill(0).write('OpenSSL 3.5.4 30 Sep 2025\0', at, 'latin1');
      expect(planOf({ functions: all, constants }).summary).toBe('OpenSSL 3.5.4, dynamic symbols');
    }
  });

  it('uses static symbols of a program that was linked statically', () => {
    const constants = text('OpenSSL 1.1.1w  11 Sep 2023');
    const contents = { functions: all, isExecutable: true, table: 'static', constants } as const;
    expect(planOf(contents).summary).toBe('OpenSSL 1.1.1w, static symbols');
  });

  it('says why a stripped program with the library in it cannot be probed', () => {
    const constants = text('usage', '../deps/openssl/ssl/ssl_lib.c', 'OpenSSL 3.0.15 3 Sep 2024');
    expect(inspect(fakeImage({ isExecutable: true, constants }))).toEqual({
      reason:
        'no symbol SSL_read: OpenSSL 3.0.15 is linked statically, and its symbols were stripped',
      remedy: expect.stringContaining('strip') as string,
    });
  });

  it('has nothing to say of programs that only mention OpenSSL, use libcrypto alone, or are Go', () => {
    const constants = text('built with OpenSSL 3.0.15 3 Sep 2024');
    expect(inspect(fakeImage({ isExecutable: true, constants }))).toBeUndefined();
    expect(inspect(fakeImage({ isExecutable: true }))).toBeUndefined();
    const go = fakeImage({ isExecutable: true, constants, sections: ['.note.go.buildid'] });
    expect(inspect(go)).toBeUndefined();
    expect(go.reads.bytes).toBe(0);
  });

  it('does not read more than its share of a file that claims to be huge', () => {
    const image = fakeImage({ isExecutable: true });
    const endless = {
      ...image,
      section: () => ({ name: '.rodata', address: 0, fileOffset: 0, size: 2 ** 52 }),
      read: (_: number, length: number) => {
        image.reads.bytes += length;
        return Buffer.alloc(length);
      },
    };
    expect(inspect(endless)).toBeUndefined();
    expect(image.reads.bytes).toBeLessThan(80 * 1024 * 1024);
  });
});
