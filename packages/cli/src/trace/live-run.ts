// SPDX-License-Identifier: Apache-2.0
import type {
  AnyPlugin,
  BinaryStatus,
  RecordingOptions,
  Tracer,
  TracerOptions,
  TracerStats,
  UprobeOptions,
} from '@libtrace/core';
import { CliError, describeFailure, exitStatus, warningLine } from '../cli-error.js';
import type { Dependencies, Tracing } from '../dependencies.js';
import type { AnyRecord } from '../format/record-parts.js';
import type { ChosenPlugins } from '../plugins/choose-plugins.js';
import type { TlsFacts } from '../summary/encrypted.js';
import { startGated, statusOfEnd } from './gate.js';
import type { CommandOutput, GatedCommand } from './gate.js';
import { StopWatch } from './stop.js';
import type { StopReason } from './stop.js';
import { chooseTarget, describeTarget } from './trace-options.js';
import type { TargetFlags } from './trace-options.js';

const killAfterMs = 5000;
const shownWarnings = 5;

/** What a run does with what it sees. */
export interface LiveView {
  /** What the run does, for the line that says "ready": `tracing`. */
  readonly doing: string;
  /** Where the command's standard output goes. */
  readonly commandOutput: CommandOutput;
  /** Called for each record; returns true when that was the last one wanted. */
  record(record: AnyRecord): boolean;
  /** The trace is over and everything is closed. */
  finish(stats: TracerStats, elapsedMs: number, tls: TlsFacts): Promise<void>;
}

/** What a run is made of. */
export interface LiveRunOptions {
  readonly command: readonly string[];
  readonly flags: TargetFlags;
  readonly plugins: ChosenPlugins;
  readonly recording: RecordingOptions | undefined;
  /** How sources of plaintext find programs; undefined when there are none. */
  readonly uprobes: UprobeOptions | undefined;
}

/** One run of a live command: attaches, shows records until something ends it, detaches, sums up. */
export class LiveRun {
  readonly #options: LiveRunOptions;
  readonly #flags: TargetFlags;
  readonly #deps: Dependencies;
  readonly #tracing: Tracing;
  readonly #watch: StopWatch;
  #view!: LiveView;
  #command: GatedCommand | undefined;
  #commandRuns = false;
  #stopping = false;
  readonly #failedSources = new Set<unknown>();
  #warnings = 0;
  #outputError: Error | undefined;

  constructor(options: LiveRunOptions, deps: Dependencies, tracing: Tracing) {
    this.#options = options;
    this.#flags = options.flags;
    this.#deps = deps;
    this.#tracing = tracing;
    this.#watch = new StopWatch(deps.signals, (signal) => this.#onSignal(signal));
  }

  /** The output failed: ends the run. */
  onOutputError(error: Error): void {
    this.#outputError = error;
    this.#watch.stop({ kind: 'output' });
  }

  /** Resolves with the exit status. */
  async run(view: LiveView): Promise<number> {
    this.#view = view;
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
    if (this.#flags.tls !== false) {
      const { sourceProblems } = this.#options.plugins;
      for (const problem of sourceProblems) this.#deps.writeError(warningLine(problem));
    }
    const target = chooseTarget(this.#flags, await this.#startGate());
    const tracer = this.#tracing.createTracer(this.#tracerOptions(target));
    try {
      tracer.on('record', (record) => this.#onRecord(record));
      tracer.on('error', (error) => this.#onError(error));
      await tracer.attach();
      const begun = performance.now();
      this.#begin(target);
      const reason = await this.#watch.stopped;
      await this.#end(tracer, reason, performance.now() - begun);
      return await this.#exitStatus(reason);
    } finally {
      await tracer.close();
    }
  }

  #tracerOptions(target: TracerOptions<[]>['target']): TracerOptions<readonly AnyPlugin[]> {
    const { plugins, recording, uprobes } = this.#options;
    const gate = this.#command?.socket;
    const { ringSize, captureBytes } = this.#flags;
    return {
      plugins: [...plugins.loaded, ...plugins.sources].map(({ plugin }) => plugin),
      target,
      ...(uprobes === undefined ? {} : { uprobes }),
      ...(plugins.decodeAs.size === 0 ? {} : { decodeAs: plugins.decodeAs }),
      ...(ringSize === undefined ? {} : { ringBytes: ringSize }),
      ...(captureBytes === undefined ? {} : { captureBytes }),
      ...(recording === undefined
        ? {}
        : {
            recording: { ...recording, ...(gate === undefined ? {} : { exceptSockets: [gate] }) },
          }),
    };
  }

  /** Of the sources that could be loaded. */
  get #sourceNames(): readonly string[] {
    return this.#options.plugins.sources
      .map(({ plugin }) => plugin.name)
      .filter((name) => !this.#failedSources.has(name));
  }

  async #startGate(): Promise<number | undefined> {
    const { command } = this.#options;
    if (command.length === 0) return undefined;
    this.#command = await startGated(command, {
      env: this.#deps.env,
      output: this.#view.commandOutput,
      spawn: this.#deps.spawn,
    });
    void this.#command.ended.then(() => {
      this.#commandRuns = false;
      this.#watch.stop({ kind: 'command-ended' });
    });
    return this.#command.pid;
  }

  #begin(target: TracerOptions<[]>['target']): void {
    const names = this.#sourceNames;
    const tls = names.length === 0 ? [] : [`TLS (${names.join(', ')})`];
    const protocols = [...this.#options.plugins.protocols, ...tls].join(', ');
    const what = describeTarget(target, this.#command?.pid);
    this.#deps.writeError(`libtrace: ready — ${this.#view.doing} ${protocols} of ${what}\n`);
    if (this.#flags.duration !== undefined) this.#watch.stopAfter(this.#flags.duration);
    if (this.#command === undefined || this.#stopping) return;
    this.#commandRuns = true;
    this.#command.release();
  }

  async #end(tracer: Tracer<AnyRecord>, reason: StopReason, elapsedMs: number): Promise<void> {
    this.#stopping = true;
    // What is said of files that could not be probed is gone with the hooks.
    const { binaries } = tracer.report();
    await tracer.detach();
    // The kernel's counters are gone once it is closed, and a recording is whole only then.
    tracer.stats();
    await tracer.close();
    if (reason.kind !== 'output') {
      await this.#view.finish(tracer.stats(), elapsedMs, this.#tlsFacts(binaries));
    }
    if (this.#commandRuns) await this.#endCommand();
  }

  #tlsFacts(binaries: readonly BinaryStatus[]): TlsFacts {
    return {
      sources: this.#sourceNames,
      binaries,
      isSelective: this.#options.uprobes?.match !== undefined,
      isOff: this.#flags.tls === false,
    };
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
    if (error !== undefined && !isClosedPipe(error)) throw asOutputError(error);
    if (reason.kind === 'command-ended') return statusOfEnd(await this.#command!.ended);
    const neverBegun = reason.kind === 'signal' && this.#options.command.length > 0;
    return neverBegun ? statusOfEnd({ code: null, signal: reason.signal }) : exitStatus.ok;
  }

  #onRecord(record: AnyRecord): void {
    if (!this.#options.plugins.shows(record)) return;
    if (this.#view.record(record)) this.#watch.stop({ kind: 'max-records' });
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

  #onError(error: Error): void {
    const code = codeOf(error);
    if (code === 'ERR_RECORDING_WRITE') this.onOutputError(error);
    else if (code === 'ERR_UPROBE_LOAD') this.#onSourceFailed(error);
    else this.#warn(error);
  }

  /** Everything that needs no such source is traced. */
  #onSourceFailed(error: Error): void {
    this.#failedSources.add(Reflect.get(error, 'plugin'));
    this.#deps.writeError(warningLine(error));
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

function codeOf(error: Error): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}

/** The reader of a pipe went away, which is no failure. */
function isClosedPipe(error: Error): boolean {
  return codeOf(error) === 'EPIPE' || (error.cause instanceof Error && isClosedPipe(error.cause));
}

/** An error of the recording says all; that of a stream has a code and a message of the system. */
function asOutputError(error: Error): Error {
  if (codeOf(error) === 'ERR_RECORDING_WRITE') return error;
  return new CliError(
    codeOf(error) ?? 'ERR_OUTPUT',
    `Writing the output failed: ${error.message}`,
    { remedy: 'check the disk or device that the output goes to' },
  );
}
