// SPDX-License-Identifier: Apache-2.0
import type { TracerStats } from '@libtrace/core';
import type { Dependencies, Tracing } from '../dependencies.js';
import type { AnyRecord } from '../format/record-parts.js';
import type { ByteSink } from '../output/byte-sink.js';
import { openOutput } from '../output/open-output.js';
import { Reporter } from '../output/reporter.js';
import { choosePlugins } from '../plugins/choose-plugins.js';
import type { TlsFacts } from '../summary/encrypted.js';
import { requireProgram } from './find-program.js';
import { gateSegments } from './gate.js';
import type { CommandOutput } from './gate.js';
import { LiveRun } from './live-run.js';
import type { LiveRunOptions, LiveView } from './live-run.js';
import { checkTarget, requireProcesses } from './trace-options.js';
import type { TraceFlags } from './trace-options.js';
import { sourceChoice, uprobesOf } from './tls-options.js';

/**
 * `libtrace trace`: attaches, shows records until something ends the trace, detaches, sums up. With a command it is
 * started once everything is attached, and its exit status is returned.
 */
export async function traceCommand(
  command: readonly string[],
  flags: TraceFlags,
  deps: Dependencies,
): Promise<number> {
  checkTarget(flags, command, 'trace');
  requireProcesses(flags.pid ?? [], deps.processExists);
  if (command.length > 0) requireProgram(command[0]!, deps.env);
  const tracing = await deps.loadTracing();
  const plugins = await choosePlugins(flags, tracing, sourceChoice(flags));
  const uprobes = uprobesOf(command, flags, plugins, deps);
  const file = await openOutput(flags.output, deps);
  try {
    const options = { command, flags, plugins, uprobes, recording: undefined };
    return await trace(options, flags, deps, tracing, file);
  } finally {
    await file?.close();
  }
}

function trace(
  options: LiveRunOptions,
  flags: TraceFlags,
  deps: Dependencies,
  tracing: Tracing,
  file: ByteSink | undefined,
): Promise<number> {
  const { command, plugins } = options;
  const run = new LiveRun(options, deps, tracing);
  const reporter = new Reporter(
    {
      format: flags.format,
      color: flags.color,
      file,
      showsTls: options.uprobes !== undefined,
      ownSegments: command.length > 0 ? gateSegments : 0,
      onOutputError: (error) => run.onOutputError(error),
    },
    deps,
  );
  const mixesOutput = flags.format === 'json' && file === undefined;
  return run.run(
    new TraceView(reporter, plugins.protocols, flags.maxRecords, mixesOutput ? 'stderr' : 'stdout'),
  );
}

/** Shows each record as a line. */
class TraceView implements LiveView {
  readonly doing = 'tracing';
  readonly commandOutput: CommandOutput;
  readonly #reporter: Reporter;
  readonly #protocols: readonly string[];
  readonly #maxRecords: number | undefined;

  constructor(
    reporter: Reporter,
    protocols: readonly string[],
    maxRecords: number | undefined,
    commandOutput: CommandOutput,
  ) {
    this.#reporter = reporter;
    this.#protocols = protocols;
    this.#maxRecords = maxRecords;
    this.commandOutput = commandOutput;
  }

  record(record: AnyRecord): boolean {
    const shown = this.#reporter.groups.total.calls;
    if (this.#maxRecords !== undefined && shown >= this.#maxRecords) return true;
    this.#reporter.record(record);
    return shown + 1 === this.#maxRecords;
  }

  finish(stats: TracerStats, elapsedMs: number, tls: TlsFacts): Promise<void> {
    return this.#reporter.finish(stats, elapsedMs, this.#protocols, tls);
  }
}
