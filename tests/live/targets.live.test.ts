// SPDX-License-Identifier: Apache-2.0
// Who is traced, and who is not.
import { randomBytes } from 'node:crypto';
import { copyFileSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { join } from 'node:path';
import type { TraceRecord } from '@libtrace/core';
import { expect, inject, onTestFinished } from 'vitest';
import { expectCalls, expectedCalls } from './harness/expected-calls.js';
import { PeerClient, peerPath, startServer } from './harness/peer.js';
import { live } from './harness/requirements.js';
import { viewpoint } from './harness/scenario.js';
import { StartedProgram } from './harness/started-program.js';
import { guestKernel, until } from './harness/time-scale.js';
import { Tracing } from './harness/tracing.js';

const roles = (records: readonly TraceRecord[]): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const { role } of records) counts[role] = (counts[role] ?? 0) + 1;
  return counts;
};

live('descendants of a traced process, through fork and exec', [], async () => {
  const server = await startServer();
  const shell = new StartedProgram('/bin/sh', [
    ...['-c', 'read go; (sh -c \'"$@"; exit $?\' inner "$@"); exit $?', 'sh'],
    ...[peerPath(), 'client', 'scenario=child', `port=${server.port}`],
  ]);
  onTestFinished(() => shell.stop());
  const tracing = await Tracing.attached({ target: { pids: [shell.pid] } });
  shell.release();
  const { ports } = await shell.ask<{ ports: number[] }>('connect');
  await shell.ask('run 1 10');
  const records = await tracing.take(10);
  const pids = [...new Set(records.map((record) => record.process.pid))];
  expect(pids).toHaveLength(1);
  expect(pids[0]).not.toBe(shell.pid);
  expectCalls(
    records,
    expectedCalls('child', ports, 1, 10),
    viewpoint('client', pids, server.port),
  );
  expect(roles(records)).toEqual({ client: 10 });
  await tracing.expectAccounted();
});

live(
  'a command name: of processes that run already, and of those that start later',
  [],
  async () => {
    const comm = `lt-${randomBytes(5).toString('hex')}`;
    const named = join(inject('directory'), comm);
    copyFileSync(peerPath(), named);
    const server = await startServer({}, 'server', named);
    const tracing = await Tracing.attached({ target: { comms: [comm] } });
    const later = new PeerClient('later', server, {}, 'client', named);
    const other = new PeerClient('other', server);
    for (const client of [later, other]) {
      await client.connect();
      await client.run(1, 10);
    }
    const records = await tracing.take(30);
    const from = { comm, exe: named };
    const own = (name: string): TraceRecord[] =>
      records.filter((r) => String(r.attributes['url.path']).startsWith(`/s/${name}/`));
    const calls = expectedCalls('later', later.ports, 1, 10);
    expectCalls(own('later'), calls, { ...viewpoint('client', [later.pid], server.port), ...from });
    expectCalls(own('later'), calls, {
      ...viewpoint('server', [server.pid], server.port),
      ...from,
    });
    expect(roles(own('other'))).toEqual({ server: 10 });
    await tracing.expectAccounted();
  },
);

live('a cgroup', [], async () => {
  const mount = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' '))
    .find(([, , type]) => type === 'cgroup2')?.[1];
  expect(mount, 'where cgroup v2 is mounted').toBeDefined();
  const name = `libtrace-live-${randomBytes(5).toString('hex')}`;
  const outer = join(mount!, name);
  const inner = join(outer, 'inner');
  mkdirSync(inner, { recursive: true });
  onTestFinished(async () => {
    for (const directory of [inner, outer]) {
      await until(`${directory} is empty`, () => {
        try {
          rmdirSync(directory);
          return true;
        } catch {
          return false;
        }
      });
    }
  });
  const server = await startServer();
  const inside = new PeerClient('inside', server);
  const outside = new PeerClient('outside', server);
  onTestFinished(() => inside.program.stop());
  writeFileSync(join(inner, 'cgroup.procs'), String(inside.pid));
  const tracing = await Tracing.attached({ target: { cgroups: [outer] } });
  for (const client of [inside, outside]) {
    await client.connect();
    await client.run(1, 10);
  }
  const records = await tracing.take(10);
  expectCalls(
    records,
    expectedCalls('inside', inside.ports, 1, 10),
    viewpoint('client', [inside.pid], server.port),
  );
  expect(roles(records)).toEqual({ client: 10 });
  for (const record of records) expect(record.process.cgroup.endsWith(`/${name}/inner`)).toBe(true);
  await tracing.expectAccounted();
});

live('a port narrows what is seen of the processes', [], async () => {
  const servers = [
    await startServer(),
    await startServer(),
    await startServer({ address: `unix:@${randomBytes(6).toString('hex')}` }),
  ];
  const wanted = servers[1]!;
  const tracing = await Tracing.attached({
    target: { pids: servers.map(({ pid }) => pid), ports: [wanted.port] },
  });
  const path = servers[2]!.program.child.spawnargs
    .find((arg) => arg.startsWith('address='))!
    .slice(8);
  const clients = [
    new PeerClient('port-0', servers[0]!),
    new PeerClient('port-1', wanted),
    new PeerClient('port-2', servers[2]!, { address: path }),
  ];
  tracing.addPids(...clients.map(({ pid }) => pid));
  for (const client of clients) {
    await client.connect();
    await client.run(1, 10);
  }
  const records = await tracing.take(20);
  const calls = expectedCalls('port-1', clients[1]!.ports, 1, 10);
  expectCalls(records, calls, viewpoint('client', [clients[1]!.pid], wanted.port));
  expectCalls(records, calls, viewpoint('server', [wanted.pid], wanted.port));
  await tracing.expectAccounted();
});

live('the tracer does not trace itself', [], async () => {
  const server = await startServer();
  const tracing = await Tracing.attached({ target: { pids: [process.pid, server.pid] } });
  for (let n = 1; n <= 5; n++) {
    await new Promise<void>((resolve, reject) => {
      get(`http://127.0.0.1:${server.port}/s/self/${n}`, { headers: { 'X-Id': n } }, (response) => {
        response.resume().on('end', () => resolve());
      }).on('error', reject);
    });
  }
  const records = await tracing.take(5);
  expect(roles(records)).toEqual({ server: 5 });
  expect(new Set(records.map((record) => record.process.pid))).toEqual(new Set([server.pid]));
  await tracing.expectAccounted();
});

live('two tracers at once', [], async () => {
  const server = await startServer();
  const client = new PeerClient('two', server);
  const target = { pids: [server.pid, client.pid] };
  const tracings = [await Tracing.attached({ target }), await Tracing.attached({ target })];
  await client.connect();
  await client.run(1, 50);
  const calls = expectedCalls('two', client.ports, 1, 50);
  for (const tracing of tracings) {
    const records = await tracing.take(100);
    expectCalls(records, calls, viewpoint('client', [client.pid], server.port));
    expectCalls(records, calls, viewpoint('server', [server.pid], server.port));
    await tracing.expectAccounted();
  }
});

// System-wide capture belongs in a virtual machine.
if (guestKernel !== undefined) {
  live('every process of the machine', [], async () => {
    const tracing = await Tracing.attached({ target: { all: true } });
    const server = await startServer();
    const client = new PeerClient('all', server);
    await client.connect();
    await client.run(1, 20);
    const calls = expectedCalls('all', client.ports, 1, 20);
    const records = await tracing.take(40);
    expectCalls(records, calls, viewpoint('client', [client.pid], server.port));
    expectCalls(records, calls, viewpoint('server', [server.pid], server.port));
    await tracing.expectAccounted();
  });
}
