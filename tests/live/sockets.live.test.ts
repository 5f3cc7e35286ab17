// SPDX-License-Identifier: Apache-2.0
// Which kind of socket, who holds it and when it was opened makes no difference to the records.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { expect, inject } from 'vitest';
import { expectCalls, expectedCall, expectedCalls } from './harness/expected-calls.js';
import { PeerClient, startPair, startServer } from './harness/peer.js';
import { live } from './harness/requirements.js';
import { play, viewpoint } from './harness/scenario.js';
import { until } from './harness/time-scale.js';
import { Tracing } from './harness/tracing.js';

live('IPv6', [], async () => {
  await play(await Tracing.attached(), {
    name: 'ipv6',
    count: 20,
    client: { connections: 2 },
    server: { address: '::1' },
  });
});

live('unix sockets: by path, abstract, and a socketpair', [], async () => {
  const tracing = await Tracing.attached();
  for (const [name, path] of [
    ['unix-path', join(inject('directory'), 'live.sock')],
    ['unix-abstract', `@libtrace-${randomBytes(6).toString('hex')}`],
  ] as const) {
    const server = { address: `unix:${path}` };
    await play(tracing, { name, count: 20, client: { connections: 2 }, server });
  }
  const pair = await startPair('unix-pair');
  tracing.addPids(pair.pid);
  await pair.program.ask('run 1 20');
  const calls = expectedCalls('unix-pair', [0], 1, 20);
  const records = await tracing.take(40);
  expectCalls(records, calls, viewpoint('client', [pair.pid], 0, 'unix:'));
  expectCalls(records, calls, viewpoint('server', pair.workers, 0, 'unix:'));
  await tracing.expectAccounted();
});

live('connections that were opened and used before the tracer attached', [], async () => {
  const server = await startServer();
  const client = new PeerClient('older', server, { connections: 4 });
  await client.connect();
  await client.run(1, 5);
  const tracing = await Tracing.attached({ target: { pids: [server.pid, client.pid] } });
  await client.run(101, 10);
  await client.run(201, 10);
  await client.close();
  const calls = [
    ...expectedCalls('older', client.ports, 101, 10),
    ...expectedCalls('older', client.ports, 201, 10),
  ];
  const records = await tracing.take(2 * calls.length);
  expectCalls(records, calls, viewpoint('client', [client.pid], server.port));
  expectCalls(records, calls, viewpoint('server', [server.pid], server.port));
  await tracing.expectAccounted();
});

live(
  'connections that were opened before the tracer attached, and pipeline once one call was seen',
  [],
  async () => {
    const server = await startServer();
    const client = new PeerClient('older-pipe', server, { connections: 2, pipeline: 10 });
    await client.connect();
    const tracing = await Tracing.attached({ target: { pids: [server.pid, client.pid] } });
    await client.run(1, 1);
    await client.run(101, 30);
    const calls = [
      ...expectedCalls('older-pipe', client.ports, 1, 1),
      ...expectedCalls('older-pipe', client.ports, 101, 30),
    ];
    const records = await tracing.take(2 * calls.length);
    expectCalls(records, calls, viewpoint('client', [client.pid], server.port));
    expectCalls(records, calls, viewpoint('server', [server.pid], server.port));
    await tracing.expectAccounted();
  },
);

live('a prefork server: four workers accept on one socket', [], async () => {
  const tracing = await Tracing.attached();
  const scenario = {
    name: 'prefork',
    count: 25,
    client: { connections: 4 },
    server: { workers: 4 },
  };
  const { workers } = await play(tracing, scenario);
  expect(workers).toHaveLength(4);
});

live('each of four workers is named as the process of its calls', [], async () => {
  const tracing = await Tracing.attached();
  const server = await startServer({ workers: 4 });
  const client = new PeerClient('workers', server, { connections: 4 });
  tracing.addPids(server.pid);
  await client.connect();
  await client.run(1, 5);
  const records = await tracing.take(20);
  const pids = new Set(records.map((record) => record.process.pid));
  // Every worker serves the one connection that it accepted.
  expect([...pids].sort()).toEqual([...server.workers].sort());
  expect(
    new Set(records.map((record) => `${record.process.pid}-${record.connection.id}`)).size,
  ).toBe(4);
  await tracing.expectAccounted();
});

live('responses through a duplicate of the descriptor', [], async () => {
  const server = { answer: 'dup' as const };
  await play(await Tracing.attached(), {
    name: 'dup',
    count: 20,
    client: { connections: 2 },
    server,
  });
});

live('responses by another process, to which the descriptor was passed', [], async () => {
  const server = { answer: 'pass' as const };
  await play(await Tracing.attached(), {
    name: 'pass',
    count: 20,
    client: { connections: 2 },
    server,
  });
});

live('a client that closes its half before the response', [], async () => {
  const tracing = await Tracing.attached();
  for (const count of [1, 10]) {
    const client = { halfClose: 1, pipeline: count } as const;
    await play(tracing, { name: `half-${count}`, count, client, server: { halfClose: 1 } });
  }
});

live('a server that is killed in the middle of a response', [], async () => {
  const tracing = await Tracing.attached();
  const size = 40_001;
  const server = await startServer({ dieAt: 5, size });
  const client = new PeerClient('killed', server, { size });
  tracing.addPids(server.pid, client.pid);
  await client.connect();
  expect(await client.run(1, 8)).toBe(false);
  const calls = expectedCalls('killed', client.ports, 1, 5, {}, { size });
  const last = calls[4]!;
  const unsent = Math.floor(size / 2);
  calls[4] = {
    ...last,
    responseBytes: last.responseBytes - unsent,
    responseBody: size - unsent,
    missing: ['response.body', 'response.size'],
  };
  const records = await tracing.take(10);
  expectCalls(records, calls, viewpoint('client', [client.pid], server.port));
  expectCalls(records, calls, viewpoint('server', [server.pid], server.port));
  await tracing.expectAccounted();
});

live('requests that are never answered are reported when the connection ends', [], async () => {
  const tracing = await Tracing.attached();
  const server = await startServer();
  const client = new PeerClient('unanswered', server, {});
  server.program.child.kill('SIGSTOP');
  tracing.addPids(client.pid);
  await client.connect();
  const order = 'run 1 1\n';
  const { requestBytes } = expectedCall('unanswered', 1);
  client.program.child.stdin!.write(order);
  await until('the request was sent', () => {
    const { bytesDelivered } = tracing.tracer.stats().kernel;
    return bytesDelivered >= order.length + requestBytes;
  });
  server.program.child.kill('SIGKILL');
  const [record] = await tracing.take(1);
  expect(record).toMatchObject({
    role: 'client',
    operation: 'GET',
    status: 'unanswered',
    missing: ['response'],
    responseBytes: 0,
    requestBytes,
  });
  await tracing.expectAccounted();
});
