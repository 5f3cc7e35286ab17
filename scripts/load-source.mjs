// SPDX-License-Identifier: Apache-2.0
// Runs TypeScript of the packages' sources, without a build, for scripts that need what is not published.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** @param {string} module TypeScript that exports what is wanted, with paths from the root of the repository @returns its exports */
export async function loadSource(module) {
  // Within the repository: packages that it loads are found from there.
  mkdirSync(join(root, '.cache'), { recursive: true });
  const directory = mkdtempSync(join(root, '.cache/source-'));
  try {
    const outfile = join(directory, 'module.mjs');
    await build({
      stdin: { contents: module, loader: 'ts', resolveDir: root },
      outfile,
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      conditions: ['@libtrace/source'],
      logLevel: 'error',
      external: ['iced-x86'],
    });
    return await import(pathToFileURL(outfile).href);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
