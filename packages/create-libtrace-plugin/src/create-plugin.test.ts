// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createCommand } from './command.js';
import { CreatePluginError } from './create-plugin-error.js';
import { createPlugin } from './create-plugin.js';
import { pluginNames } from './plugin-names.js';

let parent = '';
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'create-plugin-'));
});
afterEach(() => rmSync(parent, { recursive: true }));

function errorOf(call: () => unknown): CreatePluginError {
  try {
    call();
  } catch (error) {
    if (error instanceof CreatePluginError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('pluginNames', () => {
  it('makes every form of a name', () => {
    expect(pluginNames('my-proto2')).toEqual({
      plugin: 'my-proto2',
      package: 'libtrace-plugin-my-proto2',
      factory: 'myProto2',
      type: 'MyProto2',
      attribute: 'my_proto2',
    });
  });

  it('takes the name of the package, with its scope', () => {
    expect(pluginNames('libtrace-plugin-tally').package).toBe('libtrace-plugin-tally');
    expect(pluginNames('@acme/libtrace-plugin-tally')).toMatchObject({
      plugin: 'tally',
      package: '@acme/libtrace-plugin-tally',
    });
    expect(pluginNames('@acme/tally').package).toBe('@acme/libtrace-plugin-tally');
  });

  it('calls no function like a word of the language', () => {
    expect(pluginNames('new').factory).toBe('newProtocol');
    expect(pluginNames('inference').factory).toBe('inferenceProtocol');
  });

  it.each([
    '',
    'Tally',
    '9p',
    'a--b',
    'a-',
    '-a',
    'a_b',
    'a b',
    '../a',
    'é',
    'a/b',
    'x'.repeat(51),
    'a\nb',
  ])('refuses %j', (name) => {
    const error = errorOf(() => pluginNames(name));
    expect(error.code).toBe('ERR_PLUGIN_NAME');
    expect(error.remedy).toMatch(/lower-case letters/);
  });

  it('refuses the names of libtrace’s own plugins', () => {
    expect(errorOf(() => pluginNames('http')).message).toMatch(/comes with a plugin named http/);
  });
});

describe('createPlugin', () => {
  it('writes a package with all names put in', () => {
    const folder = join(parent, 'deep/er');
    const created = createPlugin({ name: '@acme/my-proto', folder });
    expect(created).toMatchObject({
      folder,
      packageName: '@acme/libtrace-plugin-my-proto',
      pluginName: 'my-proto',
    });
    expect(created.files).toEqual([
      ...['.gitignore', 'README.md', 'fixtures/conversation.json', 'package.json'],
      ...[
        'conformance.test',
        'frames',
        'index',
        'inference',
        'parser',
        'plugin.test',
        'protocol',
      ].map((name) => `src/${name}.ts`),
      ...['src/record.ts', 'src/types.ts', 'tsconfig.json', 'tsup.config.ts', 'vitest.config.ts'],
    ]);
    for (const file of created.files) {
      const text = readFileSync(join(folder, file), 'utf8');
      expect(text, file).not.toMatch(/__[A-Z]+__|SPDX/);
      expect(text.length, file).toBeGreaterThan(10);
    }
    const json = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Readonly<
      Record<string, unknown>
    >;
    expect(json).toMatchObject({
      name: '@acme/libtrace-plugin-my-proto',
      peerDependencies: { '@libtrace/core': expect.stringMatching(/^\^\d+\.\d+\.\d+$/) as string },
    });
    expect(readFileSync(join(folder, 'src/protocol.ts'), 'utf8')).toContain(
      'export function myProto(',
    );
  });

  it('takes an empty folder, and no other', () => {
    const folder = join(parent, 'plugin');
    mkdirSync(folder);
    expect(createPlugin({ name: 'tally', folder }).folder).toBe(folder);
    const before = readdirSync(folder);
    const error = errorOf(() => createPlugin({ name: 'tally', folder }));
    expect(error.code).toBe('ERR_FOLDER_NOT_EMPTY');
    expect(error.remedy).toMatch(/--folder/);
    expect(readdirSync(folder)).toEqual(before);
    writeFileSync(join(parent, 'file'), '');
    const file = errorOf(() => createPlugin({ name: 'tally', folder: join(parent, 'file') }));
    expect(file.message).toMatch(/is not a folder/);
  });

  it('says why a folder cannot be written', () => {
    writeFileSync(join(parent, 'file'), '');
    const error = errorOf(() => createPlugin({ name: 'tally', folder: join(parent, 'file/in') }));
    expect(error.code).toBe('ERR_FOLDER_WRITE');
    expect(error.cause).toBeInstanceOf(Error);
  });
});

describe('the command', () => {
  function run(...argv: string[]): [status: number, out: string, error: string] {
    let [out, error] = ['', ''];
    const status = createCommand(argv, {
      out: (text) => (out += text),
      error: (text) => (error += text),
    });
    return [status, out, error];
  }

  it('says what it made and what comes next', () => {
    const [status, out, error] = run('tally', '--folder', join(parent, 'tally'));
    expect([status, error]).toEqual([0, '']);
    expect(out).toMatch(
      /^made libtrace-plugin-tally in .*tally: 16 files\n\nnext:\n {2}cd .*\n {2}npm install/,
    );
  });

  it('explains wrong usage', () => {
    expect(run('--help')[0]).toBe(0);
    expect(run()[2]).toMatch(/^error ERR_USAGE: the name is missing\n\nusage: npm create/);
    expect(run('a', 'b')[2]).toMatch(/one name only, not b too/);
    expect(run('--colour', 'a')[2]).toMatch(/^error ERR_USAGE: Unknown option/);
    expect(run('Bad Name')).toEqual([
      2,
      '',
      expect.stringMatching(/^error ERR_PLUGIN_NAME: "Bad Name" is no name.*\nremedy: use at most/),
    ]);
    writeFileSync(join(parent, 'file'), '');
    expect(run('tally', '--folder', parent)[0]).toBe(1);
  });
});
