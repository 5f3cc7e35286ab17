// SPDX-License-Identifier: Apache-2.0
import { exitStatus } from '../cli-error.js';
import type { Dependencies } from '../dependencies.js';
import { createColors, wantsColor } from '../format/colors.js';
import type { PluginFlags } from '../plugins/plugin-flags.js';
import type { OutputFormat } from '../trace/trace-options.js';
import { binaryCommand } from './binary-command.js';
import { diagnose } from './diagnosis.js';
import { renderDiagnosis } from './render-diagnosis.js';

/** Options of `libtrace doctor`. */
export interface DoctorFlags extends PluginFlags {
  /** Files to look into instead. */
  readonly binary?: readonly string[];
  readonly format: OutputFormat;
  readonly color: boolean;
}

/** `libtrace doctor`: prints the diagnosis; status 0 when live tracing works, 1 when it does not. */
export async function doctorCommand(flags: DoctorFlags, deps: Dependencies): Promise<number> {
  const isTerminal = deps.stdoutColumns() !== undefined;
  const colors = createColors(wantsColor(isTerminal, flags.color, deps.env));
  const { binary } = flags;
  if (binary !== undefined) return await binaryCommand({ ...flags, binary }, deps, colors);
  const diagnosis = await diagnose(deps, flags);
  await deps.stdout.write(
    flags.format === 'json'
      ? `${JSON.stringify(diagnosis, undefined, 2)}\n`
      : renderDiagnosis(diagnosis, colors, deps.stdoutColumns()),
  );
  return diagnosis.works ? exitStatus.ok : exitStatus.failed;
}
