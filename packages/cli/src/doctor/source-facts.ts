// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { TracerReport } from '@libtrace/core';
import type { LoadedSource } from '../plugins/loaded-plugin.js';

/** What was found out about one source of plaintext. */
export interface SourceFacts {
  readonly name: string;
  /** Its package, or the path that it was loaded from. */
  readonly from: string;
  readonly version: string | null;
  /** File of its programs. */
  readonly object: string;
  /** How many of them the kernel took. */
  readonly programs: number;
  /** Why it cannot be used; undefined also when it was not tried. */
  readonly problem: string | undefined;
}

/** Why a source could not be loaded, by the name of the source. */
export type LoadFailures = ReadonlyMap<string, string>;

/** Puts it together. Without a report the kernel was not asked. */
export function sourceFacts(
  { plugin, from, version }: LoadedSource,
  failures: LoadFailures,
  report: TracerReport | undefined,
): SourceFacts {
  const { url } = plugin.bpf;
  const isFile = url.protocol === 'file:';
  const object = isFile ? fileURLToPath(url) : url.href;
  const own = report?.programs.filter(({ name }) => name.startsWith(`${plugin.name}/`)) ?? [];
  return {
    name: plugin.name,
    from,
    version: version ?? null,
    object,
    programs: own.filter(({ loaded }) => loaded).length,
    problem: failures.get(plugin.name) ?? missingObject(isFile, object),
  };
}

function missingObject(isFile: boolean, object: string): string | undefined {
  return isFile && existsSync(object) ? undefined : `its programs are missing: ${object}`;
}
