// SPDX-License-Identifier: Apache-2.0
// Programs that use libssl with sockets of its own: nginx, curl; Python, with and without a socket.
import type { TraceRecord } from '@libtrace/core';
import { expect } from 'vitest';
import { PrivatePrograms } from './harness/private-programs.js';
import { live, liveOnHost } from './harness/requirements.js';
import { StartedProgram } from './harness/started-program.js';
import { callsTold, expectPairs, expectTlsCalls, type Told } from './harness/tls-calls.js';
import { curlCalls, curlCommand } from './harness/tls-curl.js';
import {
  NodeClient,
  startNodeServer,
  startBatchedClient,
  startPythonClient,
  startPythonServer,
} from './harness/tls-peers.js';
import { FILES, startTlsNginx, type TlsNginx } from './harness/tls-servers.js';
import { expectTlsAccounted, traceTls, traceTlsOfShell } from './harness/tls-tracing.js';
import { guestKernel, until } from './harness/time-scale.js';

const files = [...Array.from({ length: FILES }, (_, i) => `/f/${i + 1}`), '/f/none'];

/** A client of nginx that waits to begin, and can be traced by then. */
function heldCurl(
  server: TlsNginx,
  paths: readonly string[],
  ...options: string[]
): StartedProgram {
  const curl = PrivatePrograms.shared().program('curl');
  return StartedProgram.held(curlCommand(curl, server.port, paths, options));
}

const curlSide = (server: TlsNginx, pids: readonly number[]) => ({
  role: 'client' as const,
  pids,
  serverPort: server.port,
  comm: 'curl',
  exe: PrivatePrograms.shared().program('curl').path,
});

const logged = (server: TlsNginx, count: number): Promise<unknown> =>
  until('nginx has logged them', () => server.log().length === count);

for (const [workers, tls] of [
  [1, '--tls-max 1.2'],
  [1, '--tlsv1.3'],
  [2, '--tlsv1.3'],
] as const) {
  (workers === 2 ? live : liveOnHost)(
    `curl ${tls} and nginx with ${workers} workers`,
    ['openssl', 'curl', 'nginx'],
    async () => {
      const server = await startTlsNginx({ workers });
      const curls = [1, 2, 3, 4].map((k) =>
        heldCurl(
          server,
          files.map((path) => `${path}?${k}`),
          ...tls.split(' '),
        ),
      );
      const tracing = await traceTlsOfShell([...server.pids, ...curls.map(({ pid }) => pid)]);
      const outputs: string[] = [];
      for (const curl of curls) {
        curl.release();
        outputs.push(await curl.output());
      }
      await logged(server, 4 * files.length);
      const calls = outputs.flatMap((output, k) =>
        curlCalls(
          output,
          files.map((path) => `${path}?${k + 1}`),
          server.log(),
        ),
      );
      // OpenSSL has names of its own before TLS 1.3.
      const cipher = tls.includes('1.2') ? 'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384' : undefined;
      const expected = calls.map((call) => ({
        ...call,
        tls: { ...call.tls!, cipher: cipher ?? call.tls!.cipher },
      }));
      const records = await tracing.take(2 * calls.length);
      const pids = curls.map(({ pid }) => pid);
      expectTlsCalls(records, expected, curlSide(server, pids));
      expectTlsCalls(records, expected, {
        role: 'server',
        pids: server.workers,
        serverPort: server.port,
      });
      expectPairs(records, calls.length);
      await expectTlsAccounted(tracing);
    },
  );
}

live('curl and nginx with HTTP/2 over TLS', ['openssl', 'curl', 'nginx'], async () => {
  const server = await startTlsNginx({ http2: true });
  const curl = heldCurl(server, files, '--http2', '--parallel', '--parallel-max', '5');
  const tracing = await traceTlsOfShell([...server.pids, curl.pid]);
  curl.release();
  await curl.ended();
  await logged(server, files.length);
  const records = await tracing.take(2 * files.length);
  expectPairs(records, files.length);
  for (const record of records) {
    expect(record).toMatchObject({
      source: 'openssl',
      complete: true,
      connection: { transport: 'tls', server: { port: server.port }, tls: { version: '1.3' } },
      attributes: { 'network.protocol.version': '2', 'url.scheme': 'https' },
    });
  }
  const paths = (role: string): string[] =>
    records.filter((r) => r.role === role).map((r) => String(r.attributes['url.path']));
  expect(paths('client').sort()).toEqual([...files].sort());
  expect(paths('server').sort()).toEqual([...files].sort());
  await expectTlsAccounted(tracing);
});

live(
  'a curl and an nginx that were in the middle of it',
  ['openssl', 'curl', 'nginx'],
  async () => {
    const server = await startTlsNginx();
    // Fast enough that calls are made while probes are placed, and so many that some are left when all are there.
    const [count, rate] = guestKernel === undefined ? [1_500, '500/s'] : [300, '10/s'];
    const paths = Array.from({ length: count }, (_, i) => `/ok?${i + 1}`);
    const curl = heldCurl(server, paths, '--rate', rate);
    curl.release();
    await until('it has begun', () => server.log().length >= 5);
    const tracing = await traceTls([...server.pids, curl.pid]);
    const before = server.log().length;
    const output = await curl.output();
    await logged(server, paths.length);
    const calls = curlCalls(output, paths, server.log());
    expect(before).toBeLessThan(count - 10);
    const taken = await tracing.take(2 * (paths.length - before));
    const isSure = (record: TraceRecord): boolean =>
      Number(record.attributes['url.query']) > before + 1;
    const records = taken.filter(isSure);
    const after = calls.slice(before + 1);
    const side = { serverPort: server.port, handshake: false };
    expectTlsCalls(records, after, { ...curlSide(server, [curl.pid]), ...side });
    expectTlsCalls(records, after, { ...side, role: 'server', pids: server.workers });
    expectPairs(records, after.length);
    // Calls that were in progress when their probes were placed are counted as lost.
    const { kernel, pipeline } = await tracing.expectAccounted(false);
    expect(kernel.segmentsLost).toMatchObject({ ring: 0, connections: 0 });
    expect(pipeline.unboundConnections).toBe(0);
  },
);

for (const kind of ['client', 'memory-client'] as const) {
  (kind === 'client' ? live : liveOnHost)(
    `Python's ssl: server and ${kind}, 200 calls over 10 connections`,
    ['openssl', 'python3'],
    async () => {
      const server = await startPythonServer();
      const client = await startPythonClient(kind);
      const tracing = await traceTls([...server.pids, client.pid]);
      const told = await client.ask<Told[]>(`run ${server.port} 1 200 10`);
      expect(new Set(told.map(([, , , port]) => port)).size).toBe(10);
      const records = await tracing.take(400);
      const calls = callsTold(told);
      expectTlsCalls(records, calls, {
        role: 'client',
        pids: [client.pid],
        serverPort: server.port,
      });
      expectTlsCalls(records, calls, {
        role: 'server',
        pids: server.pids,
        serverPort: server.port,
      });
      expectPairs(records, 200);
      await expectTlsAccounted(tracing);
    },
  );
}

liveOnHost('Node and Python with each other', ['openssl', 'python3'], async () => {
  const [pythonServer, nodeServer] = [await startPythonServer(), await startNodeServer('server')];
  const [pythonClient, nodeClient] = [
    await startPythonClient('client'),
    await NodeClient.started(),
  ];
  const pids = [...pythonServer.pids, ...nodeServer.pids, pythonClient.pid, nodeClient.pid];
  const tracing = await traceTls(pids);
  await nodeClient.use(pythonServer.port, 'keep');
  const fromNode = await nodeClient.run(1, 100, 5);
  const first = await tracing.take(200);
  const fromPython = await pythonClient.ask<Told[]>(`run ${nodeServer.port} 1 100 5`);
  const second = await tracing.take(200);
  for (const [told, records, client, server] of [
    [fromNode, first, nodeClient.pid, pythonServer],
    [fromPython, second, pythonClient.pid, nodeServer],
  ] as const) {
    const calls = callsTold(told);
    expectTlsCalls(records, calls, { role: 'client', pids: [client], serverPort: server.port });
    expectTlsCalls(records, calls, { role: 'server', pids: server.pids, serverPort: server.port });
    expectPairs(records, 100);
  }
  await expectTlsAccounted(tracing);
});

live(
  'two connections whose calls interleave are never taken for each other',
  ['openssl', 'python3'],
  async () => {
    const server = await startPythonServer();
    const client = await startBatchedClient();
    const tracing = await traceTls([client.pid]);
    const told = new Map(await client.ask<[number, number][]>(`${server.port}`));
    const records = await tracing.take(told.size);
    const seen = records.map(({ attributes, connection }) => {
      const n = Number(String(attributes['url.path']).split('/').pop());
      return { n, port: connection.client.port, told: told.get(n) };
    });
    expect(new Set(seen.map(({ n }) => n))).toEqual(new Set(told.keys()));
    // Without an address at worst: never with that of the other one.
    expect(seen.filter(({ port, told: own }) => port !== 0 && port !== own)).toEqual([]);
    expect(seen.filter(({ n }) => n > 6).map(({ port }) => port)).toEqual(
      seen.filter(({ n }) => n > 6).map(({ told: own }) => own),
    );
  },
);
