// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CliError } from '../cli-error.js';

/** Loads a package of the command. @throws CliError `ERR_PACKAGE_MISSING` */
export async function importPackage<Module>(
  name: string,
  load: () => Promise<Module>,
): Promise<Module> {
  try {
    return await load();
  } catch (cause) {
    throw new CliError('ERR_PACKAGE_MISSING', `The package ${name} could not be loaded.`, {
      cause,
      remedy: `install it (npm install ${name}), or in a clone of the repository: npm run setup`,
    });
  }
}

/** Version of an installed package as the command resolves it. */
export function versionOfPackage(name: string): string | undefined {
  for (const folder of createRequire(import.meta.url).resolve.paths(name) ?? []) {
    const version = readVersion(join(folder, name, 'package.json'));
    if (version !== undefined) return version;
  }
  return undefined;
}

/** Name and version of the package that a file belongs to: of the nearest package.json above it. */
export function packageOfFile(file: string | URL): { name?: string; version?: string } {
  let folder = dirname(typeof file === 'string' ? file : fileURLToPath(file));
  for (;;) {
    const found = readPackage(join(folder, 'package.json'));
    if (found !== undefined) return found;
    const parent = dirname(folder);
    if (parent === folder) return {};
    folder = parent;
  }
}

function readVersion(path: string): string | undefined {
  return readPackage(path)?.version;
}

function readPackage(path: string): { name?: string; version?: string } | undefined {
  try {
    const { name, version } = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
    return {
      ...(typeof name === 'string' ? { name } : {}),
      ...(typeof version === 'string' ? { version } : {}),
    };
  } catch {
    // Not there, or not one that npm would read.
    return undefined;
  }
}
