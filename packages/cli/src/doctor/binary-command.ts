// SPDX-License-Identifier: Apache-2.0
import type { BinaryStatus } from '@libtrace/core';
import { exitStatus, warningLine } from '../cli-error.js';
import type { Dependencies } from '../dependencies.js';
import type { Colors } from '../format/colors.js';
import { loadAllPlugins } from '../plugins/choose-plugins.js';
import type { PluginFlags } from '../plugins/plugin-flags.js';
import type { OutputFormat } from '../trace/trace-options.js';
import { renderBinary } from './render-binary.js';

/** What the sources say of one file. */
export interface InspectedFile {
  /** As it was given. */
  readonly file: string;
  /** One for each source that knows the file. */
  readonly sources: readonly BinaryStatus[];
}

/** Options that concern it. */
export interface BinaryFlags extends PluginFlags {
  readonly binary: readonly string[];
  readonly format: OutputFormat;
}

/**
 * `libtrace doctor --binary FILE`: where the sources of plaintext would place their probes in a file, and why. Nothing is
 * placed; needs no rights. Status 0 when every file can be probed by a source.
 */
export async function binaryCommand(
  flags: BinaryFlags,
  deps: Dependencies,
  colors: Colors,
): Promise<number> {
  const tracing = await deps.loadTracing();
  const { sources, sourceProblems } = await loadAllPlugins(flags, tracing, { files: flags.binary });
  for (const problem of sourceProblems) deps.writeError(warningLine(problem));
  const plugins = sources.map(({ plugin }) => plugin);
  const returns = await deps.returnProbes().catch(() => undefined);
  const conditions =
    returns === undefined ? undefined : { safeReturnProbes: returns !== 'filtered-call' };
  const files = flags.binary.map((file): InspectedFile => ({
    file,
    sources: tracing.inspectBinary(file, plugins, conditions),
  }));
  const names = plugins.map(({ name }) => name);
  await deps.stdout.write(
    flags.format === 'json'
      ? `${JSON.stringify(files, undefined, 2)}\n`
      : files.map((each) => renderBinary(each, names, colors, deps.stdoutColumns())).join('\n'),
  );
  return files.every((each) => each.sources.some(canBeProbed)) ? exitStatus.ok : exitStatus.failed;
}

/** Whether the source found all that it needs. */
export function canBeProbed({ reason, probes }: BinaryStatus): boolean {
  return reason === undefined && probes.length > 0;
}
