// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { builtinSources, pathsAsExpression } from './builtin-sources.js';

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'libtrace-sources-')));
afterAll(() => rmSync(folder, { recursive: true }));
const library = join(folder, 'libnetty_tcnative(1)+.so');
writeFileSync(library, '');
symlinkSync(library, join(folder, 'link'));

describe('builtinSources', () => {
  it('loads those of OpenSSL and Go', async () => {
    const { sources, problems } = await builtinSources([]);
    expect(problems).toEqual([]);
    expect(sources.map(({ plugin, from }) => [plugin.kind, plugin.name, from])).toEqual([
      ['uprobe', 'openssl', '@libtrace/uprobe-openssl'],
      ['uprobe', 'go', '@libtrace/uprobe-go'],
    ]);
    expect(sources.every(({ version }) => version !== undefined)).toBe(true);
  });

  it('looks into a library of any name when it is told to', async () => {
    const binary = { path: library, device: 1, inode: 2, isExecutable: false };
    const wanted = async (files: readonly string[]): Promise<boolean> => {
      const { sources } = await builtinSources(files);
      return sources.some(({ plugin }) => plugin.wants(binary));
    };
    expect(await wanted([])).toBe(false);
    expect(await wanted([join(folder, 'link')])).toBe(true);
  });
});

describe('pathsAsExpression', () => {
  it('matches the paths themselves, however they were given', () => {
    const expression = pathsAsExpression([relative(process.cwd(), library)])!;
    expect(expression.test(library)).toBe(true);
    expect(expression.test(relative(process.cwd(), library))).toBe(true);
    expect(expression.test(`${library}.1`)).toBe(false);
    expect(expression.test(library.replace('+', ''))).toBe(false);
    expect(pathsAsExpression(['/no/such/file'])!.test('/no/such/file')).toBe(true);
    expect(pathsAsExpression([])).toBeUndefined();
  });
});
