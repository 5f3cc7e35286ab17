// SPDX-License-Identifier: Apache-2.0
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { commandErrorCodes } from '@libtrace/cli';
import { errorCodes } from '@libtrace/core';
import { ERROR_CODES } from '@libtrace/native';
import { describe, expect, it } from 'vitest';
import { codeBlocks, codeFiles } from '../../scripts/docs/code-blocks.mjs';
import { documentationPages } from '../../scripts/docs/pages.mjs';
import { terminalPicture } from '../../scripts/docs/terminal-picture.mjs';
import { errorsPage } from '../../scripts/errors-page.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const pages = documentationPages(root);

describe('documentation', () => {
  it('lists every error code as the tables do', () => {
    expect(read('docs/errors.md')).toBe(errorsPage(errorCodes, ERROR_CODES, commandErrorCodes));
  });

  it.each(pages)('%s links only to files and headings that exist', (page) => {
    for (const [, target] of read(page).matchAll(/\]\((?!https?:|mailto:)([^)\s]+)[^)]*\)/g)) {
      const [file = '', heading] = target!.split('#');
      const path = file === '' ? page : join(dirname(page), file);
      expect(existsSync(join(root, path)), `${page} → ${target}`).toBe(true);
      if (heading !== undefined) expect(headings(path), `${page} → ${target}`).toContain(heading);
    }
  });

  it.each(pages)('%s names only npm scripts that exist', (page) => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    for (const [, script] of read(page).matchAll(/npm run ([a-z:]+)/g)) {
      expect(Object.keys(scripts), `${page}: npm run ${script}`).toContain(script);
    }
  });

  it('has only code that compiles, and tests that pass', { timeout: 180_000 }, () => {
    const script = join(root, 'scripts/docs/check-code.mjs');
    const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...pages], {
      cwd: root,
      encoding: 'utf8',
    });
    expect(stdout + stderr).toMatch(/ 0 problems\n$/);
    expect(status).toBe(0);
  });

  it('has programs that run: the server and the client of the guide', async () => {
    const [program] = codeFiles(read('docs/write-a-protocol.md')).get('programs/tally.mjs')!;
    const file = join(root, 'build/docs/tally.mjs');
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, program!.code);
    const server = spawn(process.execPath, [file, 'server', '0']);
    try {
      const [line] = (await once(server.stdout, 'data')) as [Buffer];
      const port = /port (\d+)/.exec(line.toString())![1]!;
      const answers = execFileSync(process.execPath, [file, 'client', port], { encoding: 'utf8' });
      expect(answers.match(/body: '.*'/g)).toEqual([
        "body: '5'",
        "body: '5'",
        "body: 'no such counter'",
        "body: '4'",
      ]);
    } finally {
      server.kill();
    }
  });
});

describe('the picture of a terminal', () => {
  it('in the README is that of the output beside it', () => {
    const picture = read('docs/demo.svg');
    const label = /aria-label="([^"]*)"/.exec(picture)![1]!;
    expect(terminalPicture(read('docs/demo.ansi'), label)).toBe(picture);
  });

  it('has colours, bold and dim text at its place', () => {
    const picture = terminalPicture(
      'a \u001b[1mb\u001b[22m \u001b[2mc<\u001b[22m\u001b[32md\u001b[39m',
      'x',
    );
    const spans = [
      ...picture.matchAll(/<tspan x="([\d.]+)" fill="(#\w+)"( font-weight="700")?[^>]*>(.*?)</g),
    ];
    expect(spans.map(([, x, color, bold, value]) => [x, color, bold !== undefined, value])).toEqual(
      [
        ['16.0', '#c0caf5', false, 'a\u00a0'],
        ['31.7', '#c0caf5', true, 'b'],
        ['47.3', '#565f89', false, 'c&lt;'],
        ['63.0', '#9ece6a', false, 'd'],
      ],
    );
  });
});

describe('code blocks of a page', () => {
  const page = [
    'Text',
    '```ts src/a.ts',
    'one();',
    '```',
    '- item',
    '  ```sh',
    '  ls',
    '  ```',
    '````ts',
    '```',
    '````',
    '```ts src/a.ts',
    'two();',
    '```',
  ].join('\n');

  it('are found with language, file, line and code, also within lists and longer fences', () => {
    expect(codeBlocks(page)).toEqual([
      { language: 'ts', file: 'src/a.ts', line: 3, code: 'one();\n' },
      { language: 'sh', file: undefined, line: 7, code: 'ls\n' },
      { language: 'ts', file: undefined, line: 10, code: '```\n' },
      { language: 'ts', file: 'src/a.ts', line: 13, code: 'two();\n' },
    ]);
  });

  it('are put together by file; only TypeScript may stand alone', () => {
    expect([...codeFiles(page)]).toEqual([
      [
        'src/a.ts',
        [
          { line: 3, code: 'one();\n' },
          { line: 13, code: 'two();\n' },
        ],
      ],
      ['line-10.ts', [{ line: 10, code: '```\n' }]],
    ]);
  });

  it('must end', () => {
    expect(() => codeBlocks('```ts\nx')).toThrow('line 2');
  });
});

/** Anchors of a page's headings, as GitHub makes them. */
function headings(page: string): string[] {
  return [...read(page).matchAll(/^#+ (.*)$/gm)].map(([, text]) =>
    text!
      .toLowerCase()
      .replaceAll(/[^\p{Letter}\p{Number} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}
