// SPDX-License-Identifier: Apache-2.0
// What the scripts that write files from our tables have in common.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Whether a module is the program that runs. @param {string} url its `import.meta.url` */
export function isMain(url) {
  return process.argv[1] === fileURLToPath(url);
}

/** What a package of the workspace exports, as built. @param {string} name folder below packages/ */
export function packageExports(name) {
  return import(new URL(`../../packages/${name}/dist/index.js`, import.meta.url).href);
}

/** A file's text as prettier leaves it. @param {string} path from the root @param {string} text */
export async function formatted(path, text) {
  const filepath = join(root, path);
  return format(text, { ...(await resolveConfig(filepath)), filepath });
}

/**
 * Writes a generated file, or, with `--check`, fails when it is not what it should be.
 * @param {string} path from the root
 * @param {string} text not formatted yet
 */
export async function writeOrCheck(path, text) {
  const wanted = await formatted(path, text);
  if (!process.argv.includes('--check')) {
    writeFileSync(join(root, path), wanted);
  } else if (readFileSync(join(root, path), 'utf8') !== wanted) {
    console.error(`${path} is not up to date: node ${process.argv[1]} writes it`);
    process.exitCode = 1;
  }
}
