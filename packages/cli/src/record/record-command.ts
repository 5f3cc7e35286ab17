// SPDX-License-Identifier: Apache-2.0
import type { RecordingSink, TracerStats } from '@libtrace/core';
import { usageError } from '../cli-error.js';
import type { Dependencies } from '../dependencies.js';
import { createColors, wantsColor } from '../format/colors.js';
import type { AnyRecord } from '../format/record-parts.js';
import { choosePlugins } from '../plugins/choose-plugins.js';
import { CallGroups } from '../summary/call-groups.js';
import type { TlsFacts } from '../summary/encrypted.js';
import { renderRecordingSummary } from '../summary/render-recording-summary.js';
import { requireProgram } from '../trace/find-program.js';
import type { CommandOutput } from '../trace/gate.js';
import { LiveRun } from '../trace/live-run.js';
import type { LiveView } from '../trace/live-run.js';
import { sourceChoice, uprobesOf } from '../trace/tls-options.js';
import { checkTarget, requireProcesses } from '../trace/trace-options.js';
import type { TargetFlags } from '../trace/trace-options.js';

/** Options of `libtrace record` as commander hands them over. */
export interface RecordFlags extends TargetFlags {
  /** A file, or `-` for standard output. */
  readonly output: string;
  readonly maxRecords?: number;
  readonly color: boolean;
}

/** `libtrace record`: writes everything that is captured to a file, to be read later by `libtrace read`. */
export async function recordCommand(
  command: readonly string[],
  flags: RecordFlags,
  deps: Dependencies,
): Promise<number> {
  checkTarget(flags, command, 'record');
  requireProcesses(flags.pid ?? [], deps.processExists);
  if (command.length > 0) requireProgram(command[0]!, deps.env);
  const to = destination(flags.output, deps);
  const tracing = await deps.loadTracing();
  const plugins = await choosePlugins(flags, tracing, sourceChoice(flags));
  const uprobes = uprobesOf(command, flags, plugins, deps);
  const recording = { to, ...(command.length === 0 ? {} : { command }) };
  const run = new LiveRun({ command, flags, plugins, recording, uprobes }, deps, tracing);
  return await run.run(new RecordView(flags, deps));
}

function destination(output: string, deps: Dependencies): string | RecordingSink {
  if (output !== '-') return output;
  if (deps.stdoutColumns() === undefined) return deps.recordingToStdout;
  throw usageError(
    'A recording is not written to a terminal.',
    'name a file, or send it on: libtrace record -o - … | ssh HOST "cat > calls.ltrec"',
  );
}

/** Counts what is recorded; shows nothing before the end. */
class RecordView implements LiveView {
  readonly doing = 'recording, and counting';
  readonly commandOutput: CommandOutput;
  readonly #flags: RecordFlags;
  readonly #deps: Dependencies;
  readonly #groups = new CallGroups();

  constructor(flags: RecordFlags, deps: Dependencies) {
    this.#flags = flags;
    this.#deps = deps;
    this.commandOutput = flags.output === '-' ? 'stderr' : 'stdout';
  }

  record(record: AnyRecord): boolean {
    this.#groups.add(record);
    return this.#groups.total.calls === this.#flags.maxRecords;
  }

  async finish(stats: TracerStats, elapsedMs: number, tls: TlsFacts): Promise<void> {
    const { output, color } = this.#flags;
    const toStdout = output === '-';
    const isTerminal = toStdout
      ? this.#deps.stderrIsTerminal
      : this.#deps.stdoutColumns() !== undefined;
    const summary = renderRecordingSummary({
      groups: this.#groups,
      stats,
      tls,
      elapsedMs,
      output,
      colors: createColors(wantsColor(isTerminal, color, this.#deps.env)),
    });
    if (toStdout) this.#deps.writeError(summary);
    else await this.#deps.stdout.write(summary);
  }
}
