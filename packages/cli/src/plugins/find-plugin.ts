// SPDX-License-Identifier: Apache-2.0
import { readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CliError } from '../cli-error.js';
import { entryOfPackage } from './package-entry.js';

/**
 * Finds the file of a plugin: a file, the entry of a package's folder, or an installed package, looked for from the
 * current folder up and then from the command's own place up (packages that were installed globally beside it).
 * @throws CliError `ERR_PLUGIN_NOT_FOUND`
 */
export function findPlugin(given: string): string {
  const path = given.startsWith('file:') ? fileURLToPath(given) : resolve(given);
  if (given !== '' && isFile(path)) return path;
  const folder = looksLikePath(given) ? path : (installedFolder(given) ?? path);
  if (!isFile(join(folder, 'package.json'))) throw notFound(given, looksLikePath(given));
  const manifest = readManifest(folder, given);
  const entry = entryOfPackage(manifest);
  const candidates = entry === undefined ? ['index.js', 'index.mjs', 'index.cjs'] : [entry];
  const file = candidates.map((name) => join(folder, name)).find(isFile);
  if (file !== undefined) return file;
  const what =
    entry === undefined ? 'no "exports" and no "main"' : `${entry}, which does not exist`;
  throw new CliError('ERR_PLUGIN_NOT_FOUND', `The plugin ${given} cannot be loaded.`, {
    cause: new Error(`${join(folder, 'package.json')} names ${what}`),
    remedy: 'build it (npm run build in its folder), or name its JavaScript file',
  });
}

function looksLikePath(given: string): boolean {
  return /^(\.{0,2}[/\\]|\.{1,2}$|[A-Za-z]:[/\\]|file:)/.test(given);
}

function installedFolder(name: string): string | undefined {
  if (!/^(@[\w.~-]+\/)?[\w.~-]+$/.test(name)) return undefined;
  for (const start of [process.cwd(), dirname(fileURLToPath(import.meta.url))]) {
    for (let folder = start; ; folder = dirname(folder)) {
      const candidate = join(folder, 'node_modules', name);
      if (isFile(join(candidate, 'package.json'))) return candidate;
      // Installed globally, packages lie side by side.
      if (dirname(folder) === folder) break;
    }
  }
  return undefined;
}

function readManifest(folder: string, given: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
    throw new Error('it is no JSON object');
  } catch (cause) {
    throw new CliError('ERR_PLUGIN_NOT_FOUND', `The package.json of ${given} cannot be read.`, {
      cause,
      remedy: 'repair it, or name the JavaScript file of the plugin',
    });
  }
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

function notFound(given: string, isPath: boolean): CliError {
  return new CliError('ERR_PLUGIN_NOT_FOUND', `There is no plugin ${given || "''"}.`, {
    remedy: isPath
      ? 'give the path of a JavaScript file, or of a folder with a package.json'
      : `install it (npm install ${given || 'NAME'}), or give a path that begins with ./`,
  });
}
