// SPDX-License-Identifier: Apache-2.0
// TLS of Node, which has OpenSSL in its executable and hands it bytes through memory: the library never sees a socket.
import { copyFileSync, realpathSync, renameSync } from 'node:fs';
import { connect } from 'node:tls';
import type { TraceRecord } from '@libtrace/core';
import { expect, onTestFinished } from 'vitest';
import { assertPrivate } from './harness/assert-private.js';
import { PrivatePrograms } from './harness/private-programs.js';
import { guestKernel } from './harness/time-scale.js';
import { live, liveOnHost } from './harness/requirements.js';
import { callsTold, expectPairs, expectTlsCalls, type Told } from './harness/tls-calls.js';
import {
  NodeClient,
  startNodeProxy,
  startNodeServer,
  startSniRouter,
} from './harness/tls-peers.js';
import { expectTlsAccounted, traceTls, traceTlsOfShell } from './harness/tls-tracing.js';

const of = (records: readonly TraceRecord[], pid: number): TraceRecord[] =>
  records.filter((record) => record.process.pid === pid);

const ports = (told: readonly Told[]): number => new Set(told.map(([, , , port]) => port)).size;

/** Says hello as TLS does, and waits for the end. */
function helloTo(port: number): Promise<void> {
  const socket = connect({ host: '127.0.0.1', port, servername: 'public.test' });
  socket.on('error', () => undefined);
  return new Promise((resolve) => socket.on('close', () => resolve()));
}

for (const version of guestKernel === undefined ? (['1.2', '1.3'] as const) : (['1.3'] as const)) {
  live(`https: 200 calls over one connection, TLS ${version}`, ['openssl'], async () => {
    const server = await startNodeServer('server');
    const client = await NodeClient.started(version);
    const tracing = await traceTls([...server.pids, client.pid]);
    await client.use(server.port, 'keep');
    const told = await client.run(1, 200);
    expect([told.length, ports(told), told[0]![4]]).toEqual([200, 1, version]);
    const records = await tracing.take(400);
    const calls = callsTold(told);
    expectTlsCalls(records, calls, { role: 'client', pids: [client.pid], serverPort: server.port });
    expectTlsCalls(records, calls, { role: 'server', pids: server.pids, serverPort: server.port });
    expectPairs(records, 200);
    await expectTlsAccounted(tracing);
  });
}

liveOnHost('https: 200 calls over 200 connections', ['openssl'], async () => {
  const server = await startNodeServer('server');
  const client = await NodeClient.started();
  const tracing = await traceTls([...server.pids, client.pid]);
  await client.use(server.port, 'single');
  const told = await client.run(1, 200);
  expect(told.length).toBe(200);
  // Most have a port of their own: on a slow machine the kernel gives one a second time.
  expect(ports(told)).toBeGreaterThan(150);
  const records = await tracing.take(400);
  const calls = callsTold(told);
  expectTlsCalls(records, calls, { role: 'client', pids: [client.pid], serverPort: server.port });
  expectTlsCalls(records, calls, { role: 'server', pids: server.pids, serverPort: server.port });
  expectPairs(records, 200);
  const { pipeline } = await expectTlsAccounted(tracing);
  expect(pipeline.plaintextConnections).toBe(400);
});

live('https: 50 new connections at once, each record has its own socket', ['openssl'], async () => {
  const server = await startNodeServer('server');
  const client = await NodeClient.started();
  const tracing = await traceTls([...server.pids, client.pid]);
  await client.use(server.port, 'single');
  for (const round of [1, 2, 3]) {
    const told = await client.run(1, 50, 50, `/round${round}`);
    expect([told.length, ports(told)]).toEqual([50, 50]);
    const records = await tracing.take(100);
    const calls = callsTold(told, `/round${round}`);
    expectTlsCalls(records, calls, { role: 'client', pids: [client.pid], serverPort: server.port });
    expectTlsCalls(records, calls, { role: 'server', pids: server.pids, serverPort: server.port });
    expectPairs(records, 50);
  }
  await client.use(server.port, 'keep');
  const told = await client.run(1, 200, 50, '/kept');
  expect([told.length, ports(told) > 1]).toEqual([200, true]);
  const records = await tracing.take(400);
  const calls = callsTold(told, '/kept');
  expectTlsCalls(records, calls, { role: 'client', pids: [client.pid], serverPort: server.port });
  expectTlsCalls(records, calls, { role: 'server', pids: server.pids, serverPort: server.port });
  expectPairs(records, 200);
  await expectTlsAccounted(tracing);
});

live('HTTP/2 over TLS: 200 streams, 20 at once', ['openssl'], async () => {
  const server = await startNodeServer('server2');
  const client = await NodeClient.started();
  const tracing = await traceTls([...server.pids, client.pid]);
  await client.openHttp2(server.port);
  const told = await client.runHttp2(1, 200, 20);
  expect([told.length, ports(told)]).toEqual([200, 1]);
  const records = await tracing.take(400);
  const calls = callsTold(told);
  const common = { serverPort: server.port, version: '2' };
  expectTlsCalls(records, calls, { ...common, role: 'client', pids: [client.pid] });
  expectTlsCalls(records, calls, { ...common, role: 'server', pids: server.pids });
  expectPairs(records, 200);
  for (const { attributes } of records) {
    expect(attributes).toMatchObject({ 'url.scheme': 'https', 'server.address': 'tls.test' });
  }
  await client.closeHttp2();
  await expectTlsAccounted(tracing);
});

live('connections that are older than the tracer', ['openssl'], async () => {
  const server = await startNodeServer('server');
  const client = await NodeClient.started();
  await client.use(server.port, 'keep');
  const before = await client.run(1, 10, 5, '/before');
  const tracing = await traceTls([...server.pids, client.pid]);
  // One after the other: the agent takes a connection that is idle, an old one.
  const told = await client.run(11, 100, 1, '/after');
  const old = new Set(before.map(([, , , port]) => port));
  expect(told.filter(([, , , port]) => !old.has(port))).toEqual([]);
  const records = await tracing.take(200);
  const calls = callsTold(told, '/after');
  const common = { serverPort: server.port, handshake: false };
  expectTlsCalls(records, calls, { ...common, role: 'client', pids: [client.pid] });
  expectTlsCalls(records, calls, { ...common, role: 'server', pids: server.pids });
  expectPairs(records, 100);
  const many = await client.run(200, 100, 5, '/many');
  expect(many.filter(([, , , port]) => !old.has(port))).toEqual([]);
  const more = await tracing.take(200);
  expectTlsCalls(more, callsTold(many, '/many'), { ...common, role: 'client', pids: [client.pid] });
  expectTlsCalls(more, callsTold(many, '/many'), { ...common, role: 'server', pids: server.pids });
  await expectTlsAccounted(tracing);
});

live('a proxy with TLS on one side, and a server without any', ['openssl'], async () => {
  const backend = await startNodeServer('plain');
  const proxy = await startNodeProxy(backend.port);
  const client = await NodeClient.started();
  const pids = [...backend.pids, ...proxy.pids, client.pid];
  const tracing = await traceTls(pids);
  await client.use(proxy.port, 'keep');
  const told = await client.run(1, 100, 4);
  const records = await tracing.take(400);
  expect(records).toHaveLength(400);
  const calls = callsTold(told);
  const outer = { serverPort: proxy.port };
  expectTlsCalls(of(records, client.pid), calls, { ...outer, role: 'client', pids: [client.pid] });
  const ofProxy = of(records, proxy.pids[0]!);
  expectTlsCalls(ofProxy, calls, { ...outer, role: 'server', pids: proxy.pids });
  // The other side of the proxy is as it was without a source of plaintext.
  const behind = ofProxy.filter(({ role }) => role === 'client');
  const backendRecords = of(records, backend.pids[0]!);
  expect(backendRecords.every(({ role }) => role === 'server')).toBe(true);
  expectPairs([...behind, ...backendRecords], 100);
  for (const record of [...behind, ...backendRecords]) {
    expect(record).toMatchObject({ source: 'syscall', complete: true, missing: [] });
    expect(record.connection).toMatchObject({ transport: 'tcp', server: { port: backend.port } });
    expect(record.connection.tls).toBeUndefined();
  }
  await expectTlsAccounted(tracing);
});

live('a router that reads what others encrypted, and has TLS of its own', ['openssl'], async () => {
  const server = await startNodeServer('server');
  const router = await startSniRouter(server.port);
  const tracing = await traceTls([...router.pids]);
  for (let n = 1; n <= 5; n++) await helloTo(router.port);
  const records = await tracing.take(5);
  expect(records.map(({ attributes }) => attributes['url.path'])).toEqual([
    ...['/n/1', '/n/2', '/n/3', '/n/4', '/n/5'],
  ]);
  for (const record of records) {
    expect(record).toMatchObject({
      complete: true,
      role: 'client',
      connection: { server: { port: server.port }, tls: { version: '1.3' } },
    });
  }
  await expectTlsAccounted(tracing);
});

live('a program whose file was replaced while it ran', ['openssl'], async () => {
  const programs = PrivatePrograms.fresh();
  onTestFinished(() => programs.remove());
  const server = await startNodeServer('server', programs);
  const { path } = programs.program('node');
  copyFileSync(path, `${path}.new`);
  renameSync(`${path}.new`, path);
  const client = await NodeClient.started();
  // The copy that runs is private still, but has no path by which that can be asserted.
  const tracing = await traceTlsOfShell(server.pids);
  await client.use(server.port, 'keep');
  const told = await client.run(1, 20);
  const records = await tracing.take(20);
  const calls = callsTold(told);
  const side = { role: 'server' as const, pids: server.pids, serverPort: server.port };
  expectTlsCalls(records, calls, { ...side, exe: realpathSync(path) });
  expect(records).toHaveLength(20);
});

liveOnHost('a process that speaks HTTP without TLS is as it was', ['openssl'], async () => {
  const server = await startNodeServer('plain');
  const client = await NodeClient.started();
  const tracing = await traceTls([...server.pids, client.pid]);
  await client.use(server.port, 'keep', true);
  const told = await client.run(1, 200, 4);
  const records = await tracing.take(400);
  const common = { serverPort: server.port, source: 'syscall' };
  const calls = callsTold(told);
  expectTlsCalls(records, calls, { ...common, role: 'client', pids: [client.pid] });
  expectTlsCalls(records, calls, { ...common, role: 'server', pids: server.pids });
  const { pipeline } = await expectTlsAccounted(tracing);
  expect(pipeline.plaintextConnections).toBe(0);
});

liveOnHost(
  'processes that are no targets use the probed file undisturbed and unseen',
  ['openssl'],
  async () => {
    const [server, other] = [await startNodeServer('server'), await startNodeServer('server')];
    const [client, stranger] = [await NodeClient.started(), await NodeClient.started()];
    assertPrivate(...other.pids, stranger.pid);
    const tracing = await traceTls([...server.pids, client.pid]);
    await client.use(server.port, 'keep');
    await stranger.use(other.port, 'keep');
    const [told, unseen] = await Promise.all([client.run(1, 100, 4), stranger.run(1001, 200, 4)]);
    expect(unseen.map(([n, status, bytes]) => [n, status, bytes])).toEqual(
      Array.from({ length: 200 }, (_, i) => 1001 + i).map((n) => [
        n,
        n % 10 === 0 ? 404 : 200,
        (n * 37) % 1000,
      ]),
    );
    const records = await tracing.take(200);
    const calls = callsTold(told);
    expectTlsCalls(records, calls, { role: 'client', pids: [client.pid], serverPort: server.port });
    expectTlsCalls(records, calls, { role: 'server', pids: server.pids, serverPort: server.port });
    const { pipeline } = await expectTlsAccounted(tracing);
    expect(pipeline.openConnections).toBeLessThanOrEqual(20);
  },
);
