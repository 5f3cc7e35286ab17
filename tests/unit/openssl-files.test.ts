// SPDX-License-Identifier: Apache-2.0
// What @libtrace/uprobe-openssl finds in real files. They are only read; what is compiled here is never run.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, realpathSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { NoPlan, ProbePlan } from '@libtrace/core';
import { openssl } from '@libtrace/uprobe-openssl';
import { afterAll, describe, expect, it, type TestContext } from 'vitest';
import { openElf } from '../../packages/core/src/elf/index.js';

const source = openssl();
const folder = mkdtempSync(join(tmpdir(), 'libtrace-openssl-files-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function inspect(path: string): ProbePlan | NoPlan | undefined {
  const { dev: device, ino: inode } = statSync(path);
  const isExecutable = !/\.so(\.|$)/.test(path);
  using image = openElf(path, { path, device, inode, isExecutable });
  expect(source.wants(image.binary)).toBe(true);
  return source.inspect(image);
}

function planOf(path: string): ProbePlan {
  const found = inspect(path);
  if (found === undefined || 'reason' in found) {
    throw new Error(`no plan for ${path}: ${found?.reason ?? 'not wanted'}`);
  }
  return found;
}

const functionsOf = (plan: ProbePlan): string[] => [
  ...new Set(plan.probes.flatMap((probe) => ('when' in probe ? [probe.function.name] : []))),
];

/** Where the distribution has its libssl. */
const library = [
  '/usr/lib/x86_64-linux-gnu',
  '/usr/lib/aarch64-linux-gnu',
  '/usr/lib64',
  '/usr/lib',
]
  .filter(existsSync)
  .flatMap((directory) => readdirSync(directory).map((name) => join(directory, name)))
  .find((path) => /\/libssl\.so\.(3|1\.1)$/.test(path));

/** The test program over libssl, linked as told; undefined without a compiler or the library's archive. */
function compiled(name: string, ...options: string[]): string | undefined {
  const sources = fileURLToPath(new URL('../live/programs/tls/', import.meta.url));
  const files = readdirSync(sources).filter((file) => file.endsWith('.c'));
  const output = join(folder, name);
  const done = spawnSync(
    'gcc',
    ['-O1', '-o', output, ...files.map((file) => join(sources, file)), ...options, '-pthread'],
    { stdio: 'ignore' },
  );
  return done.status === 0 ? output : undefined;
}

describe('openssl, of real files', () => {
  it.skipIf(library === undefined)('finds the functions of the system’s libssl', () => {
    const plan = planOf(realpathSync(library!));
    expect(plan.summary).toMatch(/^OpenSSL .*, dynamic symbols$/);
    expect(functionsOf(plan)).toEqual(
      expect.arrayContaining([
        ...['SSL_read', 'SSL_write', 'SSL_read_ex', 'SSL_write_ex', 'SSL_peek', 'SSL_do_handshake'],
        ...['SSL_shutdown', 'SSL_set_fd', 'SSL_clear', 'SSL_free'],
      ]),
    );
    for (const probe of plan.probes) {
      if ('when' in probe) expect(probe.function.size).toBeGreaterThan(0);
    }
  });

  const ownSymbols = process.config.variables['node_shared_openssl'] !== true;
  it.skipIf(!ownSymbols)('finds them in Node.js, and which OpenSSL it is', () => {
    const plan = planOf(process.execPath);
    expect(plan.summary).toBe(`OpenSSL ${process.versions.openssl}, dynamic symbols`);
    expect(functionsOf(plan)).toEqual(
      expect.arrayContaining(['SSL_read', 'SSL_write', 'SSL_free']),
    );
  });

  it.each(['/bin/sh', '/usr/bin/env', '/usr/sbin/nginx', '/usr/bin/curl', '/usr/bin/ssh'])(
    'has nothing to say of %s',
    (path) => {
      if (existsSync(path)) expect(inspect(realpathSync(path))).toBeUndefined();
    },
  );

  it('tells a program that uses the library from ones that have it in them', (context: TestContext) => {
    const shared = compiled('shared', '-lssl', '-lcrypto');
    const fixed = compiled('fixed', '-l:libssl.a', '-l:libcrypto.a', '-ldl');
    if (shared === undefined || fixed === undefined) context.skip('no compiler, or no libssl.a');
    expect(inspect(shared)).toBeUndefined();
    const plan = planOf(fixed);
    expect(plan.summary).toMatch(/^OpenSSL.*, static symbols$/);
    // Of an archive, only what is used is linked.
    expect(functionsOf(plan)).toEqual(expect.arrayContaining(['SSL_read', 'SSL_write']));
    execFileSync('strip', [fixed]);
    expect(inspect(fixed)).toMatchObject({
      reason: expect.stringMatching(
        /^no symbol SSL_read: OpenSSL.* is linked statically/,
      ) as string,
    });
  });
});
