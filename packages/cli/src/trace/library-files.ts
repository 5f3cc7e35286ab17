// SPDX-License-Identifier: Apache-2.0
import { readdirSync, realpathSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { UprobePlugin } from '@libtrace/core';

/** Folders and files that are looked at, at most. */
const maxFolders = 32;
const maxFiles = 10_000;

/**
 * Libraries in the folders of LD_LIBRARY_PATH (ld.so(8)) that a source wants: a command that is started with it loads them
 * from there, and core, which predicts what a program loads, does not know its environment.
 */
export function libraryFiles(
  env: Readonly<Record<string, string | undefined>>,
  sources: readonly UprobePlugin[],
): readonly string[] {
  const folders = (env['LD_LIBRARY_PATH'] ?? '').split(/[:;]/).filter((folder) => folder !== '');
  const found = new Set<string>();
  for (const folder of folders.slice(0, maxFolders)) {
    for (const name of namesIn(folder)) {
      const path = wantedFile(join(resolve(folder), name), sources);
      if (path !== undefined) found.add(path);
    }
  }
  return [...found];
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.includes('.so'))
      .slice(0, maxFiles);
  } catch {
    // Absent, or it may not be searched: the loader passes it over too.
    return [];
  }
}

function wantedFile(path: string, sources: readonly UprobePlugin[]): string | undefined {
  try {
    const { dev: device, ino: inode } = statSync(path);
    const binary = { path, device, inode, isExecutable: false };
    return sources.some((source) => source.wants(binary)) ? realpathSync(path) : undefined;
  } catch {
    // A link to nowhere; or the source threw, which core reports when a process maps the file.
    return undefined;
  }
}
