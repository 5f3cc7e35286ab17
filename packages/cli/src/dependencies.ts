// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { createReadStream, existsSync } from 'node:fs';
import { isatty } from 'node:tty';
import type {
  AnyPlugin,
  BinaryStatus,
  Reader,
  ReaderOptions,
  RecordingSink,
  RegisteredAttribute,
  Tracer,
  TracerOptions,
  UprobePlugin,
} from '@libtrace/core';
import type { ReturnProbes } from '@libtrace/native';
import type { AnyRecord } from './format/record-parts.js';
import { DescriptorSink, openFileSink, writeAll, writeNow } from './output/byte-sink.js';
import type { ByteSink } from './output/byte-sink.js';
import { builtinPackages, type BuiltinPackage } from './plugins/builtin-plugins.js';
import { builtinSources, type BuiltinSources } from './plugins/builtin-sources.js';
import { importPackage } from './plugins/import-package.js';

/** What tracing and reading need of the other packages. */
export interface Tracing {
  /** Of `@libtrace/core`. */
  createTracer(options: TracerOptions<readonly AnyPlugin[]>): Tracer<AnyRecord>;
  /** Of `@libtrace/core`. */
  createReader(options: ReaderOptions<readonly AnyPlugin[]>): Reader<AnyRecord>;
  /** @throws LibtraceError `ERR_PLUGIN_INVALID`, `ERR_PLUGIN_DUPLICATE` */
  validatePlugins(plugins: readonly unknown[]): void;
  /** What the names of attributes mean. */
  readonly attributeRegistry: Readonly<Record<string, RegisteredAttribute>>;
  /** The protocols that the command knows without being told. */
  readonly builtin: readonly BuiltinPackage[];
  /**
   * The sources of plaintext that the command knows without being told. Never rejects.
   * @param files libraries to look into whatever their names are
   */
  builtinSources(files: readonly string[]): Promise<BuiltinSources>;
  /** Of `@libtrace/core`. @throws LibtraceError `ERR_FILE_READ`, `ERR_ELF_INVALID`, `ERR_ELF_UNSUPPORTED` */
  inspectBinary(
    path: string,
    sources: readonly UprobePlugin[],
    conditions: { readonly safeReturnProbes: boolean } | undefined,
  ): readonly BinaryStatus[];
}

/** One kernel feature as `@libtrace/native` reports it. */
export interface Feature {
  /** Whether the kernel has it. */
  readonly supported: boolean;
  /** Why not. */
  readonly reason?: string | undefined;
}

/** The signals that end a trace, as `process` emits them. */
export interface SignalSource {
  /** Calls a listener when the signal comes. */
  on(signal: NodeJS.Signals, listener: () => void): unknown;
  /** Removes it. */
  off(signal: NodeJS.Signals, listener: () => void): unknown;
}

/** Everything the command touches outside itself. Tests replace parts of it. */
export interface Dependencies {
  /** Environment variables. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where Ctrl-C and its like come from. */
  readonly signals: SignalSource;
  /** Where records and summaries go. */
  readonly stdout: ByteSink;
  /** Terminal width, or undefined when stdout is not a terminal. Asked for every line. */
  readonly stdoutColumns: () => number | undefined;
  /** Whether messages go to a terminal. */
  readonly stderrIsTerminal: boolean;
  /** Whether standard input is a terminal. */
  readonly stdinIsTerminal: boolean;
  /** Writes to stderr, at once. */
  readonly writeError: (text: string) => void;
  /** Creates or empties a file. */
  readonly openFile: (path: string) => Promise<ByteSink>;
  /** Where a recording for `-` goes. */
  readonly recordingToStdout: RecordingSink;
  /** The bytes of standard input. */
  readonly stdin: () => AsyncIterable<Uint8Array>;
  /** `spawn` of node:child_process, for the command to trace. */
  readonly spawn: typeof spawn;
  /** Whether there is a process of that id. */
  readonly processExists: (pid: number) => boolean;
  /** Rejects with a {@link CliError} that says which package is missing. */
  readonly loadTracing: () => Promise<Tracing>;
  /** Loads the addon and asks it for the kernel's features by name. */
  readonly nativeFeatures: () => Promise<Readonly<Record<string, Feature>>>;
  /** Asks the addon about return probes; rejects when it could not be loaded. */
  readonly returnProbes: () => Promise<ReturnProbes>;
}

/** The real process, its streams and the installed packages. */
export function defaultDependencies(): Dependencies {
  // Node's own stdin, stdout and stderr make a pipe non-blocking, for everybody who shares it, when they are looked at.
  const stdoutIsTerminal = isatty(1);
  return {
    env: process.env,
    signals: process,
    stdout: new DescriptorSink(1, false),
    stdoutColumns: () => (stdoutIsTerminal ? process.stdout.columns || 80 : undefined),
    stderrIsTerminal: isatty(2),
    stdinIsTerminal: isatty(0),
    writeError: (text) => writeNow(2, text),
    openFile: openFileSink,
    recordingToStdout: { write: (bytes) => writeAll(1, bytes) },
    stdin: () => createReadStream('', { fd: 0, autoClose: false }),
    spawn,
    processExists: (pid) => process.platform !== 'linux' || existsSync(`/proc/${pid}`),
    loadTracing,
    nativeFeatures,
    returnProbes,
  };
}

async function loadTracing(): Promise<Tracing> {
  const core = await importPackage('@libtrace/core', () => import('@libtrace/core'));
  const { createTracer, createReader, validatePlugins, attributeRegistry, inspectBinary } = core;
  const builtin = await builtinPackages();
  return {
    createTracer,
    createReader,
    validatePlugins,
    attributeRegistry,
    builtin,
    builtinSources,
    inspectBinary,
  };
}

async function nativeFeatures(): Promise<Readonly<Record<string, Feature>>> {
  const native = await importPackage('@libtrace/native', () => import('@libtrace/native'));
  const { reasons, ...flags } = native.features();
  const reasonOf: Readonly<Record<string, string | undefined>> = reasons;
  return Object.fromEntries(
    Object.entries(flags).map(([name, supported]) => [name, { supported, reason: reasonOf[name] }]),
  );
}

async function returnProbes(): Promise<ReturnProbes> {
  const native = await importPackage('@libtrace/native', () => import('@libtrace/native'));
  return native.returnProbes();
}
