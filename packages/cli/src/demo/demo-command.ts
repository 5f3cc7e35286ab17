// SPDX-License-Identifier: Apache-2.0
import { platform } from 'node:os';
import { CliError, exitStatus } from '../cli-error.js';
import type { Dependencies, Tracing } from '../dependencies.js';
import { collectFacts, mayTrace } from '../doctor/machine-facts.js';
import type { AnyRecord } from '../format/record-parts.js';
import { plural } from '../format/units.js';
import { Reporter } from '../output/reporter.js';
import { demoClientFile, demoServerFile } from '../package-files.js';
import { StopWatch } from '../trace/stop.js';
import type { OutputFormat } from '../trace/trace-options.js';
import { compareCalls } from './compare-calls.js';
import { DemoChild } from './demo-children.js';
import type { MadeCall } from './demo-children.js';

/** Options of `libtrace demo`. */
export interface DemoFlags {
  readonly format: OutputFormat;
  readonly color: boolean;
}

const limitMs = 13_000;
const shownDifferences = 8;

/**
 * `libtrace demo`: starts a small HTTP service and a client of it, traces both, and checks what it saw against what the
 * client says it did.
 */
export async function demoCommand(flags: DemoFlags, deps: Dependencies): Promise<number> {
  requireRights();
  const tracing = await deps.loadTracing();
  const watch = new StopWatch(deps.signals, () => 'stop');
  watch.stopAfter(limitMs);
  const server = new DemoChild(demoServerFile, 'server', deps);
  const client = new DemoChild(demoClientFile, 'client', deps);
  try {
    return await Promise.race([
      runDemo(flags, deps, tracing, watch, server, client),
      watch.stopped.then((reason) => {
        if (reason.kind === 'signal') return exitStatus.interrupted;
        if (reason.kind === 'output') return exitStatus.ok;
        throw new CliError('ERR_DEMO', 'The demo did not end in time.', {
          remedy: 'see what this machine allows: libtrace doctor',
        });
      }),
    ]);
  } finally {
    watch.dispose();
    await Promise.all([server.end(), client.end()]);
  }
}

function requireRights(): void {
  if (platform() !== 'linux' || mayTrace(collectFacts())) return;
  throw new CliError('ERR_KERNEL_PERMISSION', 'Tracing needs root, or CAP_BPF and CAP_PERFMON.', {
    remedy: 'sudo npm start in the repository, or sudo libtrace demo',
  });
}

async function runDemo(
  flags: DemoFlags,
  deps: Dependencies,
  tracing: Tracing,
  watch: StopWatch,
  server: DemoChild,
  client: DemoChild,
): Promise<number> {
  const [{ port }] = await Promise.all([server.next('ready'), client.next('ready')]);
  const records: AnyRecord[] = [];
  const reporter = new Reporter(
    { ...flags, file: undefined, onOutputError: () => watch.stop({ kind: 'output' }) },
    deps,
  );
  const http = tracing.builtin.find(({ name }) => name === '@libtrace/proto-http')!;
  const tracer = tracing.createTracer({
    plugins: [http.create({})],
    target: { pids: [server.pid, client.pid] },
  });
  try {
    tracer.on('record', (record) => {
      records.push(record);
      reporter.record(record);
    });
    await tracer.attach();
    const begun = performance.now();
    deps.writeError(
      `A small shop on 127.0.0.1:${port ?? 0} and a client of it: two plain Node programs.\n` +
        `libtrace: ready — tracing http of shop/${server.pid} and client/${client.pid}\n`,
    );
    client.send({ port });
    const { calls } = await client.next('done');
    const elapsedMs = performance.now() - begun;
    await tracer.detach();
    await reporter.finish(tracer.stats(), elapsedMs, ['http']);
    const status = report(calls, records, server.pid, client.pid, reporter);
    await reporter.drain();
    return status;
  } finally {
    await tracer.close();
  }
}

function report(
  calls: readonly MadeCall[],
  records: readonly AnyRecord[],
  serverPid: number,
  clientPid: number,
  reporter: Reporter,
): number {
  const made = records.filter(
    ({ process, role }) => process.pid === clientPid && role === 'client',
  );
  const served = records.filter(
    ({ process, role }) => process.pid === serverPid && role === 'server',
  );
  const sides = [
    ['client', compareCalls(calls, made)],
    ['server', compareCalls(calls, served)],
  ] as const;
  const seen = sides.map(([side, { matching }]) => `${matching} seen on the ${side}'s side`);
  reporter.say(`${plural(calls.length, 'call')} made, ${seen.join(', ')}\n`);
  const differences = sides.flatMap(([side, comparison]) =>
    comparison.differences.map((text) => `${side}: ${text}`),
  );
  const others = records.length - made.length - served.length;
  if (others > 0) differences.push(`${plural(others, 'record')} of neither side`);
  if (differences.length === 0) return exitStatus.ok;
  throw new CliError('ERR_DEMO', 'What was seen is not what was done.', {
    cause: new Error(differences.slice(0, shownDifferences).join('; ')),
    remedy: 'see what this machine allows: libtrace doctor',
  });
}
