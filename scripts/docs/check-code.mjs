// SPDX-License-Identifier: Apache-2.0
// Checks the code of the documentation: `node scripts/docs/check-code.mjs [PAGE…]` (default: every page). Blocks that name
// a file (```ts src/parser.ts) are put together below build/docs; every TypeScript file is type-checked against the
// sources of the packages, and the tests among them are run.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { codeFiles } from './code-blocks.mjs';
import { documentationPages } from './pages.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const output = join(root, 'build/docs');

/** A page's directory below build/docs. @param {string} page */
const folderOf = (page) => join(output, page.replaceAll(/[/.]/g, '-'));

/** Writes a page's files. @param {string} page @returns {Map<string, { page: string, parts: { line: number, code: string }[] }>} by path */
function assemble(page) {
  const written = new Map();
  const folder = folderOf(page);
  for (const [file, parts] of codeFiles(readFileSync(join(root, page), 'utf8'))) {
    const path = join(folder, file);
    if (relative(folder, path).startsWith('..')) throw new Error(`${page}: ${file} lies outside`);
    mkdirSync(dirname(path), { recursive: true });
    const code = parts.map((part) => part.code).join('');
    // Without imports it would not be a module, and could not await.
    const isScript = path.endsWith('.ts') && !/^(import|export) /m.test(code);
    writeFileSync(path, isScript ? `${code}export {};\n` : code);
    written.set(path, { page, parts });
  }
  return written;
}

/** The line of the page that a line of an assembled file came from. */
function pageLine(parts, line) {
  let before = 0;
  for (const part of parts) {
    const lines = part.code.split('\n').length - 1;
    if (line < before + lines) return part.line + line - before;
    before += lines;
  }
  return parts.at(-1).line;
}

/** @returns {string[]} problems, each with page and line */
function typeCheck(files) {
  const config = ts.readConfigFile(join(root, 'tsconfig.base.json'), ts.sys.readFile).config;
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  const paths = [...files.keys()].filter((path) => path.endsWith('.ts'));
  const program = ts.createProgram(paths, {
    ...options,
    composite: false,
    declaration: false,
    declarationMap: false,
    noEmit: true,
  });
  return [...files].flatMap(([path, { page, parts }]) => {
    const source = program.getSourceFile(path);
    if (source === undefined) return [];
    const diagnostics = [
      ...program.getSyntacticDiagnostics(source),
      ...program.getSemanticDiagnostics(source),
    ];
    return diagnostics.map(({ start, messageText }) => {
      const { line } = source.getLineAndCharacterOfPosition(start ?? 0);
      const message = ts.flattenDiagnosticMessageText(messageText, '\n');
      return `${page}:${pageLine(parts, line)}: ${message}`;
    });
  });
}

/** JSON has to be JSON. @returns {string[]} problems */
function parseJson(files) {
  return [...files].flatMap(([path, { page, parts }]) => {
    if (!path.endsWith('.json')) return [];
    try {
      JSON.parse(readFileSync(path, 'utf8'));
      return [];
    } catch (error) {
      return [`${page}:${parts[0].line}: ${error.message}`];
    }
  });
}

/** Runs the pages' tests. @returns {string[]} problems */
function runTests(files) {
  if (![...files.keys()].some((path) => path.endsWith('.test.ts'))) return [];
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [
      join(root, 'node_modules/vitest/vitest.mjs'),
      'run',
      '--config',
      'scripts/docs/vitest.config.ts',
    ],
    { cwd: root, encoding: 'utf8', env: { ...process.env, NO_COLOR: '1' } },
  );
  if (status === 0) console.log(/Tests .*/.exec(stdout)?.[0]);
  return status === 0 ? [] : [`the tests failed:\n${stdout}${stderr}`];
}

const named = process.argv.slice(2);
const pages = named.length > 0 ? named : documentationPages(root);
rmSync(output, { recursive: true, force: true });
const files = new Map(pages.flatMap((page) => [...assemble(page)]));
const problems = [...parseJson(files), ...typeCheck(files)];
if (problems.length === 0) problems.push(...runTests(files));
for (const problem of problems) console.error(problem);
console.log(`${pages.length} pages, ${files.size} files, ${problems.length} problems`);
process.exitCode = problems.length === 0 ? 0 : 1;
