// SPDX-License-Identifier: Apache-2.0
import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import type { UprobePlugin } from '@libtrace/core';
import { importPackage, versionOfPackage } from './import-package.js';
import type { LoadedSource } from './loaded-plugin.js';

/** The sources of plaintext that the command comes with. */
export interface BuiltinSources {
  /** Those that could be loaded. */
  readonly sources: readonly LoadedSource[];
  /** Why others are not there: each an error with a code and a remedy. Everything else works without them. */
  readonly problems: readonly Error[];
}

type Load = (libraries: RegExp | undefined) => Promise<UprobePlugin>;

const packages: readonly (readonly [string, Load])[] = [
  [
    '@libtrace/uprobe-openssl',
    async (libraries) => {
      const { openssl } = await import('@libtrace/uprobe-openssl');
      return openssl(libraries === undefined ? {} : { libraries });
    },
  ],
  ['@libtrace/uprobe-go', async () => (await import('@libtrace/uprobe-go')).go()],
];

/**
 * Loads them. Never rejects: a source that is not there is a problem, not a failure.
 * @param files libraries to look into whatever their names are
 */
export async function builtinSources(files: readonly string[]): Promise<BuiltinSources> {
  const libraries = pathsAsExpression(files);
  const results = await Promise.allSettled(
    packages.map(([name, load]) => loadSource(name, () => load(libraries))),
  );
  return {
    sources: results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : [])),
    problems: results.flatMap((result) =>
      result.status === 'rejected' ? [result.reason as Error] : [],
    ),
  };
}

async function loadSource(name: string, load: () => Promise<UprobePlugin>): Promise<LoadedSource> {
  const plugin = await importPackage(name, load);
  return { plugin, from: name, version: versionOfPackage(name), isBuiltin: true };
}

/** Matches these paths, as they were given, absolute, and with symbolic links followed; undefined for none. */
export function pathsAsExpression(files: readonly string[]): RegExp | undefined {
  const paths = new Set(files.flatMap((file) => [file, resolve(file), realPath(file)]));
  if (paths.size === 0) return undefined;
  const escaped = [...paths].map((path) => path.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'));
  return new RegExp(`^(?:${escaped.join('|')})$`);
}

function realPath(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    // Not there: whoever opens it says so.
    return file;
  }
}
