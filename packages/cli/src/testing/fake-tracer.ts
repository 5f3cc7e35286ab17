// SPDX-License-Identifier: Apache-2.0
import { EventEmitter } from 'node:events';
import { pathToFileURL } from 'node:url';
import type {
  AnyPlugin,
  AnyProtocol,
  BinaryStatus,
  ProgramStatus,
  RecordingSink,
  Tracer,
  TracerOptions,
  TracerReport,
  TracerState,
  TracerStats,
  UprobePlugin,
} from '@libtrace/core';
import type { Dependencies } from '../dependencies.js';
import type { AnyRecord } from '../format/record-parts.js';
import type { ByteSink } from '../output/byte-sink.js';
import type { LoadedSource } from '../plugins/loaded-plugin.js';
import type { PluginFlags } from '../plugins/plugin-flags.js';
import { sampleReport, sampleStats } from './sample-records.js';

/** Keeps what was written; can be slow or broken. */
export class MemorySink implements ByteSink {
  text = '';
  writes = 0;
  /** Thrown by the next write. */
  error: Error | undefined;
  /** Awaited by every write. */
  gate: Promise<void> | undefined;

  async write(text: string): Promise<void> {
    this.writes += 1;
    await this.gate;
    if (this.error !== undefined) throw this.error;
    this.text += text;
  }

  async close(): Promise<void> {
    // Nothing is open.
  }
}

/** What a test hooks into a fake tracer. */
export interface FakeScript {
  readonly onLoad?: (tracer: FakeTracer) => void | Promise<void>;
  readonly onAttach?: (tracer: FakeTracer) => void | Promise<void>;
  readonly onDetach?: (tracer: FakeTracer) => void | Promise<void>;
  readonly stats?: TracerStats;
  readonly binaries?: readonly BinaryStatus[];
  /** Further programs of the report. */
  readonly programs?: readonly ProgramStatus[];
}

/** A tracer that yields what a test tells it to. */
export class FakeTracer extends EventEmitter implements Tracer<AnyRecord> {
  state: TracerState = 'created';
  readonly options: TracerOptions<readonly AnyPlugin[]>;
  readonly #script: FakeScript;

  constructor(options: TracerOptions<readonly AnyPlugin[]>, script: FakeScript) {
    super();
    this.options = options;
    this.#script = script;
  }

  override on(event: string, listener: (...values: never[]) => void): this {
    return super.on(event, listener as (...values: unknown[]) => void);
  }

  override off(event: string, listener: (...values: never[]) => void): this {
    return super.off(event, listener as (...values: unknown[]) => void);
  }

  async load(): Promise<void> {
    await this.#script.onLoad?.(this);
    this.state = 'loaded';
  }

  async attach(): Promise<void> {
    await this.#script.onAttach?.(this);
    this.state = 'attached';
  }

  async detach(): Promise<void> {
    await this.#script.onDetach?.(this);
    this.state = 'detached';
  }

  close(): Promise<void> {
    this.state = 'closed';
    return Promise.resolve();
  }

  addPid(): void {
    throw new Error('not expected');
  }

  setPlugins(): Promise<void> {
    return Promise.resolve();
  }

  async flush(): Promise<void> {
    // Everything is emitted at once.
  }

  stats(): TracerStats {
    return this.#script.stats ?? sampleStats();
  }

  report(): TracerReport {
    if (this.state === 'created' || this.state === 'closed') throw new Error('not loaded');
    const { binaries = [], programs = [] } = this.#script;
    const report = sampleReport();
    return { ...report, programs: [...report.programs, ...programs], binaries };
  }

  [Symbol.asyncIterator](): AsyncIterator<AnyRecord> {
    throw new Error('not expected');
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** A `libtrace` that touches nothing: fake tracer, streams in memory, signals sent by hand. */
export class Bench {
  readonly stdout = new MemorySink();
  readonly files = new Map<string, MemorySink>();
  readonly signals = new EventEmitter();
  readonly tracers: FakeTracer[] = [];
  readonly recordingToStdout: RecordingSink = { write: () => Promise.resolve() };
  pluginFlags: PluginFlags | undefined;
  deadPids: number[] = [];
  /** Names of the sources of plaintext that the command comes with. */
  sources: string[] = [];
  sourceProblems: Error[] = [];
  /** Where the programs of a source are, by its name. */
  readonly objects = new Map<string, string>();
  /** What `inspectBinary` answers, by path. */
  readonly inspections = new Map<string, readonly BinaryStatus[]>();
  /** What it was asked. */
  readonly inspected: {
    readonly path: string;
    readonly sources: readonly string[];
    readonly conditions: { readonly safeReturnProbes: boolean } | undefined;
  }[] = [];
  /** Libraries that they were asked to look into; undefined: they were not asked for. */
  sourceFiles: readonly string[] | undefined;
  stderr = '';
  env: Record<string, string | undefined> = { PATH: process.env['PATH'] };
  columns: number | undefined;
  loadError: Error | undefined;
  createError: Error | undefined;
  readonly #script: FakeScript;

  constructor(script: FakeScript = {}) {
    this.#script = script;
  }

  get tracer(): FakeTracer | undefined {
    return this.tracers[0];
  }

  dependencies(): Partial<Dependencies> {
    return {
      env: this.env,
      signals: this.signals,
      stdout: this.stdout,
      stdoutColumns: () => this.columns,
      stderrIsTerminal: false,
      stdinIsTerminal: false,
      writeError: (text) => {
        this.stderr += text;
      },
      recordingToStdout: this.recordingToStdout,
      processExists: (pid) => !this.deadPids.includes(pid),
      openFile: async (path) => {
        const sink = new MemorySink();
        this.files.set(path, sink);
        return await Promise.resolve(sink);
      },
      loadTracing: async () => {
        if (this.loadError !== undefined) throw this.loadError;
        return await Promise.resolve({
          createTracer: (options) => {
            if (this.createError !== undefined) throw this.createError;
            const tracer = new FakeTracer(options, this.#script);
            this.tracers.push(tracer);
            return tracer;
          },
          createReader: () => {
            throw new Error('not expected');
          },
          validatePlugins: () => undefined,
          inspectBinary: (path, sources, conditions) => {
            this.inspected.push({ path, sources: sources.map(({ name }) => name), conditions });
            return this.inspections.get(path) ?? [];
          },
          attributeRegistry: {},
          builtin: [
            {
              name: '@libtrace/proto-http',
              version: '1.2.3',
              create: (flags) => {
                this.pluginFlags = flags;
                return { kind: 'protocol', name: 'http' } as AnyProtocol;
              },
            },
          ],
          builtinSources: (files) => {
            this.sourceFiles = files;
            const sources = this.sources.map((name): LoadedSource => {
              const path = this.objects.get(name) ?? `/nowhere/${name}.bpf.o`;
              const bpf = { url: pathToFileURL(path) };
              const plugin = { kind: 'uprobe', apiVersion: 1, name, bpf } as UprobePlugin;
              return {
                plugin,
                from: `@libtrace/uprobe-${name}`,
                version: '1.2.3',
                isBuiltin: true,
              };
            });
            return Promise.resolve({ sources, problems: this.sourceProblems });
          },
        });
      },
      returnProbes: () => Promise.resolve('filtered-call'),
      nativeFeatures: () =>
        Promise.resolve({
          ringBuffer: { supported: true },
          kprobe: { supported: false, reason: 'not configured in this kernel' },
        }),
    };
  }
}
