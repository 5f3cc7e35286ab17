// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { isatty } from 'node:tty';
import type { AnyPlugin, Tracer, TracerOptions } from '@libtrace/core';
import type { HttpOptions } from '@libtrace/proto-http';
import { CliError } from './cli-error.js';
import type { AnyRecord } from './format/record-parts.js';
import { DescriptorSink, openFileSink, writeNow } from './output/byte-sink.js';
import type { ByteSink } from './output/byte-sink.js';

/** What tracing needs of the other packages. */
export interface Tracing {
  createTracer(options: TracerOptions<readonly AnyPlugin[]>): Tracer<AnyRecord>;
  http(options?: HttpOptions): AnyPlugin;
}

/** One kernel feature as `@libtrace/native` reports it. */
export interface Feature {
  readonly supported: boolean;
  readonly reason?: string | undefined;
}

/** The signals that end a trace, as `process` emits them. */
export interface SignalSource {
  on(signal: NodeJS.Signals, listener: () => void): unknown;
  off(signal: NodeJS.Signals, listener: () => void): unknown;
}

/** Everything the command touches outside itself. Tests replace parts of it. */
export interface Dependencies {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signals: SignalSource;
  readonly stdout: ByteSink;
  /** Terminal width, or undefined when stdout is not a terminal. Asked for every line. */
  readonly stdoutColumns: () => number | undefined;
  readonly stderrIsTerminal: boolean;
  readonly stdinIsTerminal: boolean;
  readonly writeError: (text: string) => void;
  readonly openFile: (path: string) => Promise<ByteSink>;
  readonly spawn: typeof spawn;
  readonly processExists: (pid: number) => boolean;
  /** Rejects with a {@link CliError} that says which package is missing. */
  readonly loadTracing: () => Promise<Tracing>;
  /** Loads the addon and asks it for the kernel's features by name. */
  readonly nativeFeatures: () => Promise<Readonly<Record<string, Feature>>>;
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
    spawn,
    processExists: (pid) => process.platform !== 'linux' || existsSync(`/proc/${pid}`),
    loadTracing,
    nativeFeatures,
  };
}

async function loadTracing(): Promise<Tracing> {
  const { createTracer } = await importPackage('@libtrace/core', () => import('@libtrace/core'));
  const { http } = await importPackage(
    '@libtrace/proto-http',
    () => import('@libtrace/proto-http'),
  );
  return { createTracer, http };
}

async function nativeFeatures(): Promise<Readonly<Record<string, Feature>>> {
  const native = await importPackage('@libtrace/native', () => import('@libtrace/native'));
  const { reasons, ...flags } = native.features();
  const reasonOf: Readonly<Record<string, string | undefined>> = reasons;
  return Object.fromEntries(
    Object.entries(flags).map(([name, supported]) => [name, { supported, reason: reasonOf[name] }]),
  );
}

async function importPackage<Module>(name: string, load: () => Promise<Module>): Promise<Module> {
  try {
    return await load();
  } catch (cause) {
    throw new CliError('ERR_PACKAGE_MISSING', `The package ${name} could not be loaded.`, {
      cause,
      remedy: `install it (npm install ${name}), or in a clone of the repository: npm run setup`,
    });
  }
}
