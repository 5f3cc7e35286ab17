// SPDX-License-Identifier: Apache-2.0
import type { AnyPlugin, Reader } from '@libtrace/core';
import { CliError, describeFailure, exitStatus } from '../cli-error.js';
import type { Dependencies, Tracing } from '../dependencies.js';
import type { AnyRecord } from '../format/record-parts.js';
import type { ByteSink } from '../output/byte-sink.js';
import { openOutput } from '../output/open-output.js';
import { Reporter } from '../output/reporter.js';
import { choosePlugins, type ChosenPlugins } from '../plugins/choose-plugins.js';
import type { PluginFlags } from '../plugins/plugin-flags.js';
import { statusOfEnd } from '../trace/gate.js';
import { StopWatch } from '../trace/stop.js';
import type { StopReason } from '../trace/stop.js';
import type { OutputFormat } from '../trace/trace-options.js';

/** Options of `libtrace read` as commander hands them over. */
export interface ReadFlags extends PluginFlags {
  readonly format: OutputFormat;
  readonly output?: string;
  readonly maxRecords?: number;
  readonly color: boolean;
}

const shownWarnings = 5;

/** `libtrace read`: shows the calls in a recording or packet capture. Needs neither Linux nor rights nor the addon. */
export async function readCommand(
  file: string,
  flags: ReadFlags,
  deps: Dependencies,
): Promise<number> {
  const tracing = await deps.loadTracing();
  const plugins = await choosePlugins(flags, tracing);
  const output = await openOutput(flags.output, deps);
  const watch = new StopWatch(deps.signals, () => 'stop');
  try {
    return await read(file, flags, deps, tracing, plugins, output, watch);
  } finally {
    watch.dispose();
    await output?.close();
  }
}

async function read(
  file: string,
  flags: ReadFlags,
  deps: Dependencies,
  tracing: Tracing,
  plugins: ChosenPlugins,
  output: ByteSink | undefined,
  watch: StopWatch,
): Promise<number> {
  const abort = new AbortController();
  void watch.stopped.then(() => abort.abort());
  const reader = tracing.createReader({
    plugins: plugins.loaded.map(({ plugin }): AnyPlugin => plugin),
    file: file === '-' ? deps.stdin() : file,
    decodeAs: plugins.decodeAs,
    signal: abort.signal,
    onPluginFailure: warner(deps),
  });
  let outputError: Error | undefined;
  const { format, color } = flags;
  const onOutputError = (error: Error): void => {
    outputError = error;
    watch.stop({ kind: 'output' });
  };
  const reporter = new Reporter({ format, color, file: output, onOutputError }, deps);
  const end = await show(reader, reporter, plugins, flags, watch);
  if (outputError !== undefined) return endOfOutput(outputError);
  await reporter.finishFile(reader.stats(), plugins.protocols);
  if (end instanceof Error) throw end;
  return end === undefined ? exitStatus.ok : statusOfEnd({ code: null, signal: end });
}

/** Says what failed in a plugin, but not for ever. */
function warner(deps: Dependencies): (plugin: string, error: unknown) => void {
  const debug = deps.env['LIBTRACE_DEBUG'] === '1';
  let warnings = 0;
  return (_plugin, error) => {
    if (++warnings > shownWarnings) return;
    deps.writeError(describeFailure(error, debug).text.replace(/^error/, 'warning'));
  };
}

/** Shows records until the file or the output ends; returns the error or the signal that ended it earlier. */
async function show(
  reader: Reader<AnyRecord>,
  reporter: Reporter,
  plugins: ChosenPlugins,
  flags: ReadFlags,
  watch: StopWatch,
): Promise<Error | NodeJS.Signals | undefined> {
  let stopped: StopReason | undefined;
  void watch.stopped.then((reason) => (stopped = reason));
  let shown = 0;
  try {
    for await (const record of reader) {
      if (!plugins.shows(record)) continue;
      reporter.record(record);
      shown += 1;
      if (shown === flags.maxRecords) break;
      if (reporter.isBehind) await Promise.race([reporter.drain(), watch.stopped]);
    }
    const reason = stopped;
    return reason?.kind === 'signal' ? reason.signal : undefined;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

function endOfOutput(error: Error): number {
  const code = (error as NodeJS.ErrnoException).code ?? 'ERR_OUTPUT';
  if (code === 'EPIPE') return exitStatus.ok;
  throw new CliError(code, `Writing the output failed: ${error.message}`, {
    remedy: 'check the disk or device that the output goes to',
  });
}
