// SPDX-License-Identifier: Apache-2.0
import { exitStatus } from '../cli-error.js';
import type { Dependencies } from '../dependencies.js';
import { createColors, wantsColor } from '../format/colors.js';
import type { OutputFormat } from '../trace/trace-options.js';
import { diagnose } from './diagnosis.js';
import { renderDiagnosis } from './render-diagnosis.js';

/** Options of `libtrace doctor`. */
export interface DoctorFlags {
  readonly format: OutputFormat;
  readonly color: boolean;
}

/** `libtrace doctor`: prints the diagnosis; status 0 when live tracing works, 1 when it does not. */
export async function doctorCommand(flags: DoctorFlags, deps: Dependencies): Promise<number> {
  const diagnosis = await diagnose(deps);
  const isTerminal = deps.stdoutColumns() !== undefined;
  const colors = createColors(wantsColor(isTerminal, flags.color, deps.env));
  await deps.stdout.write(
    flags.format === 'json'
      ? `${JSON.stringify(diagnosis, undefined, 2)}\n`
      : renderDiagnosis(diagnosis, colors, deps.stdoutColumns()),
  );
  return diagnosis.works ? exitStatus.ok : exitStatus.failed;
}
