// SPDX-License-Identifier: Apache-2.0
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { codeFiles } from '../../scripts/docs/code-blocks.mjs';

const fileOf = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const example = (file: string): string => fileOf(`examples/uprobe-toytls/${file}`);
const page: Map<string, { code: string }[]> = codeFiles(
  readFileSync(fileOf('docs/write-a-uprobe-source.md'), 'utf8'),
);
const shared = [...page.keys()].filter((file) => existsSync(example(file)));

/** The page shows a file in parts; blank lines between them are its own affair. */
const withoutBlankLines = (text: string): string =>
  text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .join('\n');

describe('docs/write-a-uprobe-source.md', () => {
  it('shows the files of the example', () => {
    expect(shared.sort()).toEqual([
      ...['Makefile', 'src/bpf/toytls.bpf.c', 'src/index.ts', 'src/plugin.test.ts'],
      'src/plugin.ts',
    ]);
  });

  it.each(shared)('shows %s as it is', (file) => {
    const shown = page.get(file)!.map(({ code }) => code);
    expect(withoutBlankLines(shown.join('\n'))).toBe(
      withoutBlankLines(readFileSync(example(file), 'utf8')),
    );
  });
});
