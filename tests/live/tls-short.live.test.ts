// SPDX-License-Identifier: Apache-2.0
// Programs that live for milliseconds. Their files are copied anew for each test: no tracer has ever looked into them.
import { realpathSync } from 'node:fs';
import type { TraceRecord } from '@libtrace/core';
import { expect, onTestFinished } from 'vitest';
import { assertPrivate } from './harness/assert-private.js';
import { PrivatePrograms, type PrivateProgram } from './harness/private-programs.js';
import { live, liveOnHost, programPath } from './harness/requirements.js';
import { StartedProgram } from './harness/started-program.js';
import { expectPairs, expectTlsCalls, type TlsCall } from './harness/tls-calls.js';
import { curlCalls, curlCommand } from './harness/tls-curl.js';
import { startTlsNginx, type TlsNginx } from './harness/tls-servers.js';
import { expectTlsAccounted, tlsPlugins, traceTlsOfShell } from './harness/tls-tracing.js';
import { guestKernel, timeScale, until } from './harness/time-scale.js';
import { Tracing } from './harness/tracing.js';

const quoted = (words: readonly string[]): string =>
  words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');

/** Copies that no tracer has looked into. */
function neverProbed(): PrivatePrograms {
  const programs = PrivatePrograms.fresh();
  onTestFinished(() => programs.remove());
  return programs;
}

/** A shell that runs curl so many times, one after the other, as soon as it is released. */
class CurlSeries {
  readonly shell: StartedProgram;
  readonly paths: readonly string[];
  readonly #server: TlsNginx;

  constructor(curl: PrivateProgram, server: TlsNginx, count: number) {
    this.#server = server;
    this.paths = Array.from({ length: count }, (_, i) => `/ok?${i + 1}`);
    const commands = this.paths.map((path) => quoted(curlCommand(curl, server.port, [path])));
    this.shell = new StartedProgram('/bin/sh', ['-c', `read go\n${commands.join('\n')}`]);
    onTestFinished(() => this.shell.stop('SIGKILL'));
  }

  /** What curl and nginx say of the calls. */
  async run(): Promise<readonly TlsCall[]> {
    this.shell.release();
    const output = await this.shell.output();
    const { paths } = this;
    await until('nginx has logged them', () => this.#server.log().length === paths.length);
    return curlCalls(output, paths, this.#server.log());
  }
}

const side = (records: readonly TraceRecord[], role: string): TraceRecord[] =>
  records.filter((record) => record.role === role);

/** Every call has a record on both sides, and every curl is a process of its own. */
function expectAll(
  records: readonly TraceRecord[],
  calls: readonly TlsCall[],
  { shell, server, exe }: { shell: StartedProgram; server: TlsNginx; exe: string },
): void {
  const curls = side(records, 'client').map(({ process }) => process);
  expect(new Set(curls.map(({ pid }) => pid)).size).toBe(calls.length);
  expect(curls.every(({ ppid }) => ppid === shell.pid)).toBe(true);
  const pids = curls.map(({ pid }) => pid);
  const common = { serverPort: server.port };
  expectTlsCalls(records, calls, { ...common, role: 'client', pids, comm: 'curl', exe });
  expectTlsCalls(records, calls, { ...common, role: 'server', pids: server.workers });
  expectPairs(records, calls.length);
}

const needed = ['openssl', 'curl', 'nginx'];

live(
  '100 curl processes one after the other, whose files were named',
  needed,
  async () => {
    const server = await startTlsNginx({ programs: neverProbed() });
    assertPrivate(...server.pids);
    const curlFiles = neverProbed();
    const curl = curlFiles.program('curl');
    const series = new CurlSeries(curl, server, 100);
    const files = [curl.path, `${curlFiles.libraries}/libssl.so.3`];
    const pids = [...server.pids, series.shell.pid];
    const tracing = await traceTlsOfShell(pids, { uprobes: { files } });
    const calls = await series.run();
    const records = await tracing.take(200);
    expectAll(records, calls, { shell: series.shell, server, exe: curl.path });
    await expectTlsAccounted(tracing);
  },
  60_000 * timeScale,
);

/** Emulated machines are slow. */
const count = guestKernel === undefined ? 100 : 30;

/** Until probes are in a file that appears at a path of which the tracer has never heard. */
const UNSEEN_NS = 1e9 * timeScale;

liveOnHost(
  `${count} curl processes one after the other, whose files nobody has heard of`,
  needed,
  async () => {
    const server = await startTlsNginx({ programs: neverProbed() });
    assertPrivate(...server.pids);
    const curl = neverProbed().program('curl');
    const series = new CurlSeries(curl, server, count);
    const tracing = await traceTlsOfShell([...server.pids, series.shell.pid]);
    const calls = await series.run();
    const records = await tracing.take(2 * count);

    // The server was there before: it has all of them, and knows when each came.
    const served = side(records, 'server');
    expectTlsCalls(served, calls, {
      role: 'server',
      pids: server.workers,
      serverPort: server.port,
    });
    const startOf = new Map(served.map((r) => [r.connection.client.port, r.startNs]));
    // The first ones may be over before the kernel has put a probe into a file that is new to it.
    const whole = side(records, 'client').filter(({ complete }) => complete);
    const seen = new Set(whole.map(({ connection }) => connection.client.port));
    const unseen = calls.filter(({ clientPort }) => !seen.has(clientPort));
    expect(unseen, 'only the first ones').toEqual(calls.slice(0, unseen.length));
    const first = startOf.get(calls[0]!.clientPort)!;
    for (const { clientPort, path } of unseen) {
      expect(startOf.get(clientPort)! - first, path).toBeLessThan(UNSEEN_NS);
    }
    expectAll(
      [...whole, ...served.filter(({ connection }) => seen.has(connection.client.port))],
      calls.slice(unseen.length),
      { shell: series.shell, server, exe: curl.path },
    );
    // What was not seen is not lost silently: part of it, or that something was said.
    const partly = side(records, 'client').filter(({ complete }) => !complete);
    const { pipeline } = await expectTlsAccounted(tracing);
    const shown = new Set(partly.map(({ connection }) => connection.client.port));
    const hidden = unseen.filter(({ clientPort }) => !shown.has(clientPort));
    expect(pipeline.encryptedConnections, 'those that stayed encrypted').toBe(hidden.length);
  },
  60_000 * timeScale,
);

// Probes in installed files interrupt whatever else the machine runs: only where it is there for these tests alone.
if (process.env['LIBTRACE_OWN_MACHINE'] === '1') {
  live(
    `${count} installed curl processes one after the other, from the first`,
    needed,
    async () => {
      const server = await startTlsNginx({ programs: 'installed' });
      const curl = { path: realpathSync(programPath('curl')!), env: {} };
      const series = new CurlSeries(curl, server, count);
      const probeOnly = process.env['LIBTRACE_PROBE_ONLY'];
      delete process.env['LIBTRACE_PROBE_ONLY'];
      onTestFinished(() => {
        if (probeOnly !== undefined) process.env['LIBTRACE_PROBE_ONLY'] = probeOnly;
      });
      const tracing = await Tracing.attached({
        plugins: tlsPlugins(),
        ringBytes: 32 * 1024 * 1024,
        target: { comms: ['curl', 'nginx'] },
      });
      const calls = await series.run();
      const records = await tracing.take(2 * count);
      expectAll(records, calls, { shell: series.shell, server, exe: curl.path });
      await expectTlsAccounted(tracing);
    },
    60_000 * timeScale,
  );
}
