// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { run } from '../run.js';
import { Bench } from '../testing/fake-tracer.js';

// Nothing here may need the addon.
vi.mock('@libtrace/native', () => {
  throw new Error('the native addon was imported');
});

const root = mkdtempSync(join(tmpdir(), 'libtrace-sources-'));
afterAll(() => rmSync(root, { recursive: true }));

function write(path: string, content: string | object): string {
  const full = join(root, path);
  mkdirSync(dirname(full), { recursive: true });
  writeFileSync(full, typeof content === 'string' ? content : JSON.stringify(content));
  return full;
}

async function plugins(...argv: readonly string[]) {
  const bench = new Bench();
  const { loadTracing, ...deps } = bench.dependencies();
  expect(loadTracing).toBeDefined();
  const status = await run(['plugins', '--format', 'json', ...argv], deps);
  const { text } = bench.stdout;
  const list = text === '' ? [] : (JSON.parse(text) as Record<string, unknown>[]);
  return { status, stderr: bench.stderr, list, names: list.map(({ name }) => name) };
}

async function failure(...argv: readonly string[]): Promise<string> {
  const { status, stderr } = await plugins(...argv);
  expect(status).toBe(1);
  return stderr;
}

/** Source of a valid source of plaintext, with changes. */
function source(name: string, changes = ''): string {
  return `{
    kind: 'uprobe', apiVersion: 1, name: '${name}', bpf: { url: new URL('file:///opt/${name}.bpf.o') },
    wants: () => false, inspect: () => undefined, ${changes}
  }`;
}

describe('--plugin with a source of plaintext', () => {
  it('is listed with its kind', async () => {
    const path = write('toytls.mjs', `export default () => (${source('toytls')});`);
    const { list, stderr, status } = await plugins('--plugin', path);
    expect(stderr).toBe('');
    expect(status).toBe(0);
    expect(list.at(-1)).toEqual({
      name: 'toytls',
      from: path,
      version: null,
      builtin: false,
      apiVersion: 1,
      kind: 'uprobe',
      bpf: '/opt/toytls.bpf.o',
    });
    expect(list.find(({ name }) => name === 'http')).toMatchObject({ kind: 'protocol' });
  });

  it('is listed for people', async () => {
    const bench = new Bench();
    const { stdout, writeError } = bench.dependencies() as Required<
      ReturnType<Bench['dependencies']>
    >;
    const path = write('seen.mjs', `export const seen = ${source('seen')};`);
    expect(await run(['plugins', '--plugin', path], { stdout, writeError, env: {} })).toBe(0);
    expect(bench.stdout.text).toMatch(
      /^seen +.*\(by --plugin\)\n {2}source of plaintext: looks into programs above TLS$/m,
    );
  });

  it('is traced with, beside those that are built in, whatever --protocol says', async () => {
    const bench = new Bench();
    bench.sources = ['openssl'];
    const path = write('traced.mjs', `export default () => (${source('traced')});`);
    const argv = ['trace', '--all', '-d', '1ms', '--plugin', path, '--protocol', 'http'];
    expect(await run(argv, bench.dependencies())).toBe(0);
    const names = bench.tracer!.options.plugins.map(({ name }) => String(name));
    expect(names).toEqual(['http', 'openssl', 'traced']);
    expect(await run([...argv, '--no-tls'], bench.dependencies())).toBe(0);
    expect(bench.tracers[1]!.options.plugins.map(({ name }) => String(name))).toEqual(['http']);
  });

  it('is no protocol', async () => {
    const bench = new Bench();
    const path = write('noproto.mjs', `export default () => (${source('noproto')});`);
    const argv = ['trace', '--all', '--plugin', path, '--protocol', 'noproto'];
    expect(await run(argv, bench.dependencies())).toBe(2);
    expect(bench.stderr).toContain('There is no protocol "noproto" here.');
  });

  it('is not valid without its programs, and must not have a name that is taken', async () => {
    const without = write('without.mjs', `export default () => (${source('w', 'bpf: 1,')});`);
    expect(await failure('--plugin', without)).toMatch(/ERR_PLUGIN_INVALID: .*bpf/);
    const twin = write('httptwin.mjs', `export default () => (${source('http')});`);
    expect(await failure('--plugin', twin)).toContain('ERR_PLUGIN_DUPLICATE');
  });
});
