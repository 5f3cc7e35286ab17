// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { packageVersion } from '../package-files.js';
import { run } from '../run.js';
import { Bench } from '../testing/fake-tracer.js';
import { entryOfPackage } from './package-entry.js';

// Nothing here may need the addon.
vi.mock('@libtrace/native', () => {
  throw new Error('the native addon was imported');
});

const root = mkdtempSync(join(tmpdir(), 'libtrace-plugins-'));
const startFolder = process.cwd();
afterEach(() => process.chdir(startFolder));
afterAll(() => rmSync(root, { recursive: true }));

function write(path: string, content: string | object): string {
  const full = join(root, path);
  mkdirSync(dirname(full), { recursive: true });
  writeFileSync(full, typeof content === 'string' ? content : JSON.stringify(content));
  return full;
}

/** Source of a valid plugin object, with changes. */
function plugin(name: string, changes = ''): string {
  return `{
    kind: 'protocol', apiVersion: 1, name: '${name}', transports: ['tcp'],
    inference: { rules: [{ says: 'request', when: { kind: 'bytes', at: 0, anyOf: ['Q'] } }], ports: [7777] },
    matching: { mode: 'in-order' },
    attributes: { 'libtrace.${name}.key': { type: 'string', description: 'The key.' } },
    createParser: () => ({ parse: () => ({ status: 'invalid', why: 'no' }), resync: () => -1 }),
    toRecord: () => undefined,
    ${changes}
  }`;
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

describe('libtrace plugins', () => {
  it('lists what is built in', async () => {
    const { status, list, stderr } = await plugins();
    expect(stderr).toBe('');
    expect(status).toBe(0);
    const http = list.find(({ name }) => name === 'http');
    expect(http).toMatchObject({
      from: '@libtrace/proto-http',
      version: packageVersion(),
      builtin: true,
      apiVersion: 1,
    });
    expect(http!['transports']).toContain('tcp');
    expect(http!['ports']).toContain(80);
    expect(http!['rules']).toBeGreaterThan(1);
    const attributes = http!['attributes'] as readonly { name: string; description: string }[];
    expect(attributes.find(({ name }) => name === 'url.path')?.description).toMatch(/./);
  });

  it('says it for people too', async () => {
    const bench = new Bench();
    const { stdout, writeError } = bench.dependencies() as Required<
      ReturnType<Bench['dependencies']>
    >;
    const path = write('people.mjs', `export default () => (${plugin('people')});`);
    expect(await run(['plugins', '--plugin', path], { stdout, writeError, env: {} })).toBe(0);
    expect(bench.stdout.text).toMatch(/^http +@libtrace\/proto-http \d/m);
    expect(bench.stdout.text).toMatch(/^people +.*\(by --plugin\)$/m);
    expect(bench.stdout.text).toContain('tcp, often on port 7777; recognized by 1 rule');
    expect(bench.stdout.text).toContain('libtrace.people.key');
    const widest = Math.max(...bench.stdout.text.split('\n').map((line) => line.length));
    expect(widest).toBeLessThanOrEqual(100);
  });
});

describe('--plugin', () => {
  it.each([
    ['a factory by default', (p: string) => `export default (options) => (${p});`],
    ['a plugin by default', (p: string) => `export default ${p};`],
    ['one factory by name', (p: string) => `export function make() { return ${p}; }`],
    ['one plugin by name', (p: string) => `export const made = ${p}; export const version = 1;`],
    [
      'one plugin by name beside functions',
      (p: string) =>
        `export const made = ${p}; export function other() {} export function more() {}`,
    ],
  ])('loads a module that exports %s', async (what, source) => {
    const name = `p${what.length}`;
    const { names, list, stderr } = await plugins(
      '--plugin',
      write(`${name}.mjs`, source(plugin(name))),
    );
    expect(stderr).toBe('');
    expect(names).toContain(name);
    expect(list.at(-1)).toMatchObject({ builtin: false, ports: [7777] });
  });

  it('loads CommonJS, also when it was compiled from modules', async () => {
    const plain = write('plain.cjs', `module.exports = () => (${plugin('plain')});`);
    const compiled = write(
      'compiled.cjs',
      `Object.defineProperty(exports, '__esModule', { value: true });
       exports.default = () => (${plugin('compiled')});`,
    );
    const { names } = await plugins('--plugin', plain, compiled);
    expect(names).toEqual(expect.arrayContaining(['plain', 'compiled']));
  });

  it('loads the folder of a package, by its exports or main', async () => {
    write('by-exports/package.json', {
      name: 'libtrace-plugin-exports',
      version: '4.5.6',
      exports: { '.': { types: './x.d.ts', import: './lib/index.mjs' } },
    });
    write('by-exports/lib/index.mjs', `export default () => (${plugin('by-exports')});`);
    write('by-main/package.json', { name: 'by-main', main: 'main.cjs' });
    write('by-main/main.cjs', `module.exports = () => (${plugin('by-main')});`);
    write('by-index/package.json', { name: 'by-index', type: 'module' });
    write('by-index/index.js', `export default () => (${plugin('by-index')});`);
    const folders = ['by-exports', 'by-main', 'by-index'];
    const { list, stderr } = await plugins('--plugin', ...folders.map((name) => join(root, name)));
    expect(stderr).toBe('');
    expect(list.slice(-3).map(({ name, from, version }) => [name, from, version])).toEqual([
      ['by-exports', 'libtrace-plugin-exports', '4.5.6'],
      ['by-main', 'by-main', null],
      ['by-index', 'by-index', null],
    ]);
  });

  it('finds relative paths and installed packages from the current folder up', async () => {
    write('work/node_modules/@scope/proto/package.json', { name: '@scope/proto', main: 'x.mjs' });
    write('work/node_modules/@scope/proto/x.mjs', `export default () => (${plugin('scoped')});`);
    write('work/deep/down/near.mjs', `export default () => (${plugin('near')});`);
    process.chdir(join(root, 'work/deep/down'));
    const { names, stderr } = await plugins('--plugin', '@scope/proto', './near.mjs');
    expect(stderr).toBe('');
    expect(names.slice(-2)).toEqual(['scoped', 'near']);
  });

  it('gives the factory the options that all have', async () => {
    const path = write(
      'options.mjs',
      `export default (options) => { globalThis.seenOptions = options; return ${plugin('options')}; };`,
    );
    const seen = (): unknown => Reflect.get(globalThis, 'seenOptions');
    expect((await plugins('--plugin', path)).status).toBe(0);
    expect(seen()).toEqual({ showValues: false });
  });

  it.each([
    ['./no-such-file.mjs', 'There is no plugin ./no-such-file.mjs.', /path of a JavaScript file/],
    ['no-such-package', 'There is no plugin no-such-package.', /npm install no-such-package/],
    ['@a/b/../../c', 'There is no plugin @a/b/../../c.', /install it/],
  ])('says that %s is not there', async (given, message, remedy) => {
    process.chdir(root);
    const stderr = await failure('--plugin', given);
    expect(stderr).toContain(`error ERR_PLUGIN_NOT_FOUND: ${message}`);
    expect(stderr).toMatch(remedy);
  });

  it('says what a package lacks', async () => {
    write('unbuilt/package.json', { name: 'unbuilt', exports: './dist/index.js' });
    expect(await failure('--plugin', join(root, 'unbuilt'))).toMatch(
      /ERR_PLUGIN_NOT_FOUND: .*\ncause: .*names \.\/dist\/index\.js, which does not exist\nremedy: build it/,
    );
    write('broken/package.json', '{ not json');
    expect(await failure('--plugin', join(root, 'broken'))).toContain('cannot be read');
  });

  it('shows the error of a module that throws while it is loaded', async () => {
    const path = write('throws.mjs', `throw new TypeError('my own mistake');`);
    const stderr = await failure('--plugin', path);
    expect(stderr).toMatch(
      /error ERR_PLUGIN_LOAD: .*throws\.mjs cannot be loaded\.\ncause: my own mistake\n/,
    );
  });

  it('shows the error of a factory that throws', async () => {
    const path = write('factory.mjs', `export default () => { throw new Error('no licence'); };`);
    expect(await failure('--plugin', path)).toMatch(
      /error ERR_PLUGIN_LOAD: The factory of .* failed\.\ncause: no licence\n/,
    );
  });

  it('says that core is not installed beside it', async () => {
    const path = write('lonely/index.mjs', `import '@libtrace/core/plugin'; export default 1;`);
    const stderr = await failure('--plugin', path);
    expect(stderr).toContain('error ERR_PLUGIN_LOAD');
    expect(stderr).toContain('npm install @libtrace/core');
  });

  it.each([
    ['nothing', '', 'it exports nothing'],
    ['no plugin', 'export const a = 1; export const b = {};', 'its exports are: a, b'],
    ['two factories', 'export function a() {} export function b() {}', 'its exports are: a, b'],
  ])('refuses a module that exports %s', async (what, source, cause) => {
    const path = write(`exports-${what.length}.mjs`, source);
    expect(await failure('--plugin', path)).toMatch(
      new RegExp(`error ERR_PLUGIN_EXPORT: .*exports no plugin\\.\ncause: ${cause}\nremedy: `),
    );
  });

  it.each([
    ['a field that is wrong', plugin('wrong', 'matching: { mode: 7 },'), /wrong.*matching/],
    ['no plugin at all', '42', /not valid/],
    ['no promise either', 'Promise.resolve({})', /not valid/],
    [
      'another version of the API',
      plugin('later', 'apiVersion: 2,'),
      /written for version 2 of the plugin API, this libtrace has 1/,
    ],
  ])('names what is wrong: %s', async (what, source, message) => {
    const path = write(`invalid-${what.length}.mjs`, `export default () => (${source});`);
    const stderr = await failure('--plugin', path);
    expect(stderr).toContain('error ERR_PLUGIN_INVALID: The plugin ');
    expect(stderr).toMatch(message);
    expect(stderr).toContain('remedy: ');
  });

  it('refuses a name that is taken', async () => {
    const path = write('twin.mjs', `export default () => (${plugin('http')});`);
    expect(await failure('--plugin', path)).toMatch(
      /error ERR_PLUGIN_DUPLICATE: .* has the name http, as that of @libtrace\/proto-http\.\nremedy: rename/,
    );
    const own = write('own.mjs', `export default () => (${plugin('own')});`);
    expect(await failure('--plugin', own, own)).toContain('ERR_PLUGIN_DUPLICATE');
  });

  it('prints nothing of a module that could move the cursor', async () => {
    const path = write('evil.mjs', `throw new Error('\\u001b[2Jgone');`);
    expect(await failure('--plugin', path)).not.toContain('\u001b');
  });
});

describe('entryOfPackage', () => {
  it.each<[object, string | undefined]>([
    [{}, undefined],
    [{ main: 'lib/x.js' }, 'lib/x.js'],
    [{ exports: './a.js', main: 'lib/x.js' }, './a.js'],
    [{ exports: { default: './a.js' } }, './a.js'],
    [{ exports: { '.': { node: { require: './c.cjs', import: './m.mjs' } } } }, './m.mjs'],
    [{ exports: { '.': [{ browser: './b.js' }, './a.js'] } }, './a.js'],
    [{ exports: { require: './c.cjs' } }, undefined],
    [{ exports: { './sub': './s.js' } }, undefined],
    [{ exports: { '.': '../outside.js' } }, undefined],
    [{ exports: null, main: 'x.js' }, 'x.js'],
    [{ exports: 5 }, undefined],
  ])('%j → %s', (manifest, entry) => {
    expect(entryOfPackage(manifest as Record<string, unknown>)).toBe(entry);
  });
});
