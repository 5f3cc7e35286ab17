// SPDX-License-Identifier: Apache-2.0
import { readdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import type { BinaryRef } from '../plugin/index.js';
import type { WatchedSource } from './types.js';

/** Where the dynamic loaders of the usual distributions find what is installed. */
const defaultDirectories = [
  '/usr/lib/x86_64-linux-gnu',
  '/usr/lib/aarch64-linux-gnu',
  '/lib/x86_64-linux-gnu',
  '/lib/aarch64-linux-gnu',
  '/usr/lib64',
  '/lib64',
  '/usr/lib',
  '/lib',
  '/usr/local/lib',
];
const LIBRARIES_MAX = 32;

/**
 * Real paths of the installed libraries that a source wants, by their names. The file systems of containers are not
 * looked at. Never throws.
 * @param directories default: those of the usual distributions
 */
export function installedLibraries(
  sources: readonly WatchedSource[],
  directories: readonly string[] = defaultDirectories,
): readonly string[] {
  const found = new Set<string>();
  for (const directory of directories) {
    for (const name of namesIn(directory)) {
      if (!/\.so(\.|$)/.test(name)) continue;
      const path = join(directory, name);
      const binary = { path, device: 0, inode: 0, isExecutable: false };
      if (!sources.some((source) => isWanted(source, binary))) continue;
      const real = realPath(path);
      if (real !== undefined && found.size < LIBRARIES_MAX) found.add(real);
    }
  }
  return [...found];
}

function isWanted(source: WatchedSource, binary: BinaryRef): boolean {
  try {
    return source.wants(binary);
  } catch {
    return false;
  }
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function realPath(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    // A link to nothing.
    return undefined;
  }
}
