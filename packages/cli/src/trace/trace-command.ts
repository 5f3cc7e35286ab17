// SPDX-License-Identifier: Apache-2.0
import type { AnyPlugin, Tracer, TraceTarget } from '@libtrace/core';
import type { HttpOptions } from '@libtrace/proto-http';
import { CliError, describeFailure, exitStatus } from '../cli-error.js';
import type { Dependencies, Tracing } from '../dependencies.js';
import type { AnyRecord } from '../format/record-parts.js';
import type { ByteSink } from '../output/byte-sink.js';
import { Reporter } from '../output/reporter.js';
import { requireProgram } from './find-program.js';
import { gateSegments, startGated, statusOfEnd } from './gate.js';
import type { GatedCommand } from './gate.js';
import { StopWatch } from './stop.js';
import type { StopReason } from './stop.js';
import { checkTarget, chooseTarget, describeTarget, requireProcesses } from './trace-options.js';
import type { TraceFlags } from './trace-options.js';

const killAfterMs = 5000;
const shownWarnings = 5;

/**
 * `libtrace trace`: attaches, shows records until something ends the trace, detaches, sums up. With a command it is
 * started once everything is attached, and its exit status is returned.
 */
export async function traceCommand(
  command: readonly string[],
  flags: TraceFlags,
  deps: Dependencies,
): Promise<number> {
  checkTarget(flags, command);
  requireProcesses(flags.pid ?? [], deps.processExists);
  if (command.length > 0) requireProgram(command[0]!, deps.env);
  const tracing = await deps.loadTracing();
  const file = await openOutput(flags.output, deps);
  try {
    return await new TraceRun(command, flags, deps, tracing, file).run();
  } finally {
    await file?.close();
  }
}

/** One run of `libtrace trace`. */
class TraceRun {
  readonly #commandLine: readonly string[];
  readonly #flags: TraceFlags;
  readonly #deps: Dependencies;
  readonly #plugins: readonly AnyPlugin[];
  readonly #protocols: readonly string[];
  readonly #tracing: Tracing;
  readonly #watch: StopWatch;
  readonly #reporter: Reporter;
  readonly #mixesOutput: boolean;
  #command: GatedCommand | undefined;
  #commandRuns = false;
  #stopping = false;
  #warnings = 0;
  #outputError: Error | undefined;

  constructor(
    commandLine: readonly string[],
    flags: TraceFlags,
    deps: Dependencies,
    tracing: Tracing,
    file: ByteSink | undefined,
  ) {
    this.#commandLine = commandLine;
    this.#flags = flags;
    this.#deps = deps;
    this.#tracing = tracing;
    this.#plugins = [tracing.http(httpOptions(flags))];
    this.#protocols = this.#plugins.map((plugin) => String(plugin.name));
    this.#watch = new StopWatch(deps.signals, (signal) => this.#onSignal(signal));
    this.#reporter = new Reporter(
      {
        format: flags.format,
        color: flags.color,
        file,
        ownSegments: commandLine.length > 0 ? gateSegments : 0,
        onOutputError: (error) => this.#onOutputError(error),
      },
      deps,
    );
    this.#mixesOutput = flags.format === 'json' && file === undefined;
  }

  async run(): Promise<number> {
    try {
      return await Promise.race([
        this.#trace(),
        this.#watch.interrupted.then(() => exitStatus.interrupted),
      ]);
    } finally {
      this.#watch.dispose();
      if (this.#commandRuns) this.#command?.kill('SIGTERM');
      else this.#command?.abandon();
    }
  }

  async #trace(): Promise<number> {
    const { ringSize, captureBytes } = this.#flags;
    const target = chooseTarget(this.#flags, await this.#startGate());
    const tracer = this.#tracing.createTracer({
      plugins: this.#plugins,
      target,
      ...(ringSize === undefined ? {} : { ringBytes: ringSize }),
      ...(captureBytes === undefined ? {} : { captureBytes }),
    });
    try {
      tracer.on('record', (record) => this.#onRecord(record));
      tracer.on('error', (error) => this.#warn(error));
      await tracer.attach();
      const begun = performance.now();
      this.#begin(target);
      const reason = await this.#watch.stopped;
      const elapsedMs = performance.now() - begun;
      await this.#end(tracer, reason, elapsedMs);
      return await this.#exitStatus(reason);
    } finally {
      await tracer.close();
    }
  }

  async #startGate(): Promise<number | undefined> {
    if (this.#commandLine.length === 0) return undefined;
    this.#command = await startGated(this.#commandLine, {
      env: this.#deps.env,
      output: this.#mixesOutput ? 'stderr' : 'stdout',
      spawn: this.#deps.spawn,
    });
    void this.#command.ended.then(() => {
      this.#commandRuns = false;
      this.#watch.stop({ kind: 'command-ended' });
    });
    return this.#command.pid;
  }

  #begin(target: TraceTarget): void {
    const protocols = this.#protocols.join(', ');
    const what = describeTarget(target, this.#command?.pid);
    this.#deps.writeError(`libtrace: ready — tracing ${protocols} of ${what}\n`);
    if (this.#flags.duration !== undefined) this.#watch.stopAfter(this.#flags.duration);
    if (this.#command === undefined || this.#stopping) return;
    this.#commandRuns = true;
    this.#command.release();
  }

  async #end(tracer: Tracer<AnyRecord>, reason: StopReason, elapsedMs: number): Promise<void> {
    this.#stopping = true;
    await tracer.detach();
    if (reason.kind !== 'output') {
      await this.#reporter.finish(tracer.stats(), elapsedMs, this.#protocols);
    }
    if (this.#commandRuns) await this.#endCommand();
  }

  /** The trace ended before the command: the command was ours to start and is ours to end. */
  async #endCommand(): Promise<void> {
    const command = this.#command!;
    command.kill('SIGTERM');
    const kill = setTimeout(() => command.kill('SIGKILL'), killAfterMs);
    await command.ended;
    clearTimeout(kill);
  }

  async #exitStatus(reason: StopReason): Promise<number> {
    const error = this.#outputError;
    if (error !== undefined && codeOf(error) !== 'EPIPE') {
      throw new CliError(codeOf(error), `Writing the output failed: ${error.message}`, {
        remedy: 'check the disk or device that the output goes to',
      });
    }
    if (reason.kind === 'command-ended') return statusOfEnd(await this.#command!.ended);
    const neverBegun = reason.kind === 'signal' && this.#commandLine.length > 0;
    return neverBegun ? statusOfEnd({ code: null, signal: reason.signal }) : exitStatus.ok;
  }

  #onRecord(record: AnyRecord): void {
    const { maxRecords } = this.#flags;
    const shown = this.#reporter.groups.total.calls;
    if (maxRecords !== undefined && shown >= maxRecords) return;
    this.#reporter.record(record);
    if (shown + 1 === maxRecords) this.#watch.stop({ kind: 'max-records' });
  }

  /** A signal while the command runs is the command's: on a terminal it got it with us, else it is handed on. */
  #onSignal(signal: NodeJS.Signals): 'stop' | 'keep' {
    if (!this.#commandRuns || this.#stopping) {
      this.#stopping = true;
      return 'stop';
    }
    if (signal !== 'SIGINT' || !this.#deps.stdinIsTerminal) this.#command!.kill(signal);
    return 'keep';
  }

  #onOutputError(error: Error): void {
    this.#outputError = error;
    this.#watch.stop({ kind: 'output' });
  }

  #warn(error: Error): void {
    this.#warnings += 1;
    if (this.#warnings > shownWarnings) return;
    const debug = this.#deps.env['LIBTRACE_DEBUG'] === '1';
    this.#deps.writeError(describeFailure(error, debug).text.replace(/^error/, 'warning'));
    if (this.#warnings === shownWarnings) {
      this.#deps.writeError('libtrace: further warnings are not shown\n');
    }
  }
}

function codeOf(error: Error): string {
  return (error as NodeJS.ErrnoException).code ?? 'ERR_OUTPUT';
}

function httpOptions(flags: TraceFlags): HttpOptions {
  return {
    ...(flags.headers === undefined
      ? {}
      : { requestHeaders: flags.headers, responseHeaders: flags.headers }),
    ...(flags.showSecrets === true ? { redact: false } : {}),
  };
}

async function openOutput(
  path: string | undefined,
  deps: Dependencies,
): Promise<ByteSink | undefined> {
  if (path === undefined || path === '-') return undefined;
  try {
    return await deps.openFile(path);
  } catch (cause) {
    const error = cause as NodeJS.ErrnoException;
    throw new CliError(codeOf(error), `The output file cannot be written: ${error.message}`, {
      remedy: 'give --output a file in a folder that exists and that you may write to',
    });
  }
}
