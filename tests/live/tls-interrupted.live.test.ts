// SPDX-License-Identifier: Apache-2.0
// Probes that are taken out and placed again while programs go on, and tables without room: what was not seen is missing,
// and nothing is taken for what it is not.
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmdirSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TraceRecord } from '@libtrace/core';
import { http } from '@libtrace/proto-http';
import { openssl } from '@libtrace/uprobe-openssl';
import { expect, onTestFinished } from 'vitest';
import { PrivatePrograms, privateRoot } from './harness/private-programs.js';
import { live, liveOnHost } from './harness/requirements.js';
import { callsTold, expectTlsCalls, pathOf } from './harness/tls-calls.js';
import { NodeClient, startNodeServer } from './harness/tls-peers.js';
import { expectTlsAccounted, traceTls } from './harness/tls-tracing.js';
import { timeScale, until } from './harness/time-scale.js';
import type { Tracing } from './harness/tracing.js';
import { compiledPeer, runGo, startGoClient, startGoServer } from './programs/go/go-peers.js';
import { attachedTo, traceGo } from './programs/go/go-tracing.js';

const header = ({ attributes }: TraceRecord, name: string): string | undefined =>
  (attributes[name] as readonly string[] | undefined)?.join();

/** A record of a request and a response is of a pair that belongs together. */
function expectNoneMixed(records: readonly TraceRecord[]): void {
  const mixed = records.filter((record) => {
    const n = pathOf(record).split('/').pop();
    const told = [n, header(record, 'http.response.header.x-id')];
    return told.every((each) => each !== undefined && each !== 'undefined') && told[0] !== told[1];
  });
  expect(mixed.map((each) => [pathOf(each), header(each, 'http.response.header.x-id')])).toEqual(
    [],
  );
}

const plain = http({ requestHeaders: ['x-n'], responseHeaders: ['x-id'] });
const source = openssl();

/** Lets a tracer see nothing above TLS for a moment. */
const interruptions: Readonly<Record<string, (tracing: Tracing) => Promise<void>>> = {
  'the source is switched off and on': async ({ tracer }) => {
    await tracer.setPlugins([plain]);
    await sleep(200);
    await tracer.setPlugins([plain, source]);
  },
  'the rights of the program file change': async ({ tracer }) => {
    const { path } = PrivatePrograms.shared().program('node');
    const placed = (): boolean =>
      tracer.report().binaries.some((each) => each.path === path && each.attached);
    chmodSync(path, 0o700);
    chmodSync(path, 0o755);
    await until('its probes are out', () => !placed());
    await until('its probes are back', placed);
  },
};

for (const [i, [how, interrupt]] of Object.entries(interruptions).entries()) {
  (i === 0 ? live : liveOnHost)(`calls go on, and ${how}`, ['openssl'], async () => {
    const server = await startNodeServer('server');
    const client = await NodeClient.started();
    await client.use(server.port, 'keep');
    const tracing = await traceTls([...server.pids, client.pid], { plugins: [plain, source] });
    await client.run(1, 20);
    expect(await tracing.take(40)).toHaveLength(40);
    // Answers come all the time, each on another connection, and a request follows each.
    const apartMs = 50 * Math.min(timeScale, 5);
    const calls = client.run(1_001, 100, 20, `/wait${apartMs}`);
    await sleep(4 * apartMs);
    await interrupt(tracing);
    await calls;
    const during = await tracing.takeRest();
    expectNoneMixed(during);
    expect(during.some(({ complete }) => !complete)).toBe(true);

    const after = callsTold(await client.run(101, 100, 4));
    const records = await tracing.take(200);
    const side = { serverPort: server.port };
    expectTlsCalls(records, after, { ...side, role: 'client', pids: [client.pid] });
    expectTlsCalls(records, after, { ...side, role: 'server', pids: server.pids });
    const { segmentsLost } = tracing.tracer.stats().kernel;
    expect(segmentsLost).toMatchObject({ ring: 0, connections: 0, internal: 0 });
  });
}

live('a Go program whose calls wait while the tracer is detached', ['go 1.27'], async () => {
  const path = await compiledPeer('1.27');
  const server = await startGoServer(path);
  const client = await startGoClient(path, server, 'h1');
  const tracing = await traceGo();
  await attachedTo(tracing, server.pid, client.pid);
  await runGo(client, 1, 40, 4);
  expect(await tracing.take(80)).toHaveLength(80);
  await tracing.tracer.detach();
  await runGo(client, 101, 40, 4);
  await tracing.tracer.attach();
  await attachedTo(tracing, server.pid, client.pid);
  await runGo(client, 201, 40, 4);
  const records = await tracing.takeRest();
  expectNoneMixed(records);
  const numbers = records.flatMap((each) => header(each, 'http.request.header.x-n') ?? []);
  expect(numbers.filter((n) => Number(n) < 201)).toEqual([]);
  // At most the first call of each connection lacks a side.
  expect(records.filter(({ complete }) => complete).length).toBeGreaterThanOrEqual(2 * 40 - 8);
});

liveOnHost('more connections than the table has room for', ['openssl'], async () => {
  const server = await startNodeServer('server');
  const client = await NodeClient.started();
  await client.use(server.port, 'keep');
  const tracing = await traceTls([...server.pids, client.pid], { maxConnections: 64 });
  let open = 0;
  for (let round = 0; round < 6; round++) {
    await client.run(1 + round * 300, 300, 100);
    expectNoneMixed(await tracing.takeRest());
    const { kernel, pipeline } = tracing.tracer.stats();
    expect(kernel.segmentsLost.connections + kernel.connectionsForgotten).toBeGreaterThan(0);
    if (round > 0) expect(pipeline.openConnections).toBeLessThan(open + 100);
    open = pipeline.openConnections;
  }
});

live(
  'a program of a cgroup that ran before the tracer',
  ['openssl'],
  async () => {
    const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n');
    const mount = mounts
      .map((line) => line.split(' '))
      .find(([, , type]) => type === 'cgroup2')![1]!;
    const directory = mkdtempSync(join(mount, 'libtrace-live-'));
    onTestFinished(async () => {
      await until('the cgroup is empty', () => {
        try {
          rmdirSync(join(directory, 'inner'));
          rmdirSync(directory);
          return true;
        } catch {
          return false;
        }
      });
    });
    mkdirSync(join(directory, 'inner'));
    const server = await startNodeServer('server');
    onTestFinished(() => server.program.stop('SIGKILL'));
    const client = await NodeClient.started();
    await client.use(server.port, 'single');
    const [pid] = server.pids;
    writeFileSync(join(directory, 'inner', 'cgroup.procs'), String(pid));
    process.env['LIBTRACE_PROBE_ONLY'] = privateRoot();
    const tracing = await traceTls([], { target: { cgroups: [directory] } });
    expect(tracing.tracer.report().binaries).toMatchObject([{ source: 'openssl', processes: 1 }]);
    const calls = callsTold(await client.run(1, 20));
    const records = await tracing.take(20);
    expectTlsCalls(records, calls, { role: 'server', pids: server.pids, serverPort: server.port });
    expect(records).toHaveLength(20);
    await expectTlsAccounted(tracing);
  },
  60_000 * timeScale,
);
