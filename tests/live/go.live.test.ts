// SPDX-License-Identifier: Apache-2.0
// Go's own TLS: every request of net/http is one record on each side, whatever the version and however it was linked.
import { expect } from 'vitest';
import { live } from './harness/requirements.js';
import type { StartedProgram } from './harness/started-program.js';
import { expectPairs, expectTlsCalls } from './harness/tls-calls.js';
import { expectTlsAccounted } from './harness/tls-tracing.js';
import { guestKernel } from './harness/time-scale.js';
import type { Tracing } from './harness/tracing.js';
import {
  answeredBy,
  compiledPeer,
  goCalls,
  goSide,
  runGo,
  startGoClient,
  startGoServer,
  type GoServer,
  type GoVariant,
} from './programs/go/go-peers.js';
import { attachedTo, traceGo } from './programs/go/go-tracing.js';

interface Conversation {
  readonly kind: 'h1' | 'h2' | 'raw';
  readonly first: number;
  readonly count: number;
  readonly atOnce: number;
  readonly tls12?: boolean;
}

/** Requests of one kind, each of them once on both sides. */
async function converse(
  tracing: Tracing,
  server: GoServer,
  client: StartedProgram,
  { kind, first, count, atOnce }: Conversation,
): Promise<void> {
  const exchanges = await runGo(client, first, count, atOnce);
  expect(exchanges.filter(({ problem }) => problem !== undefined)).toEqual([]);
  const records = await tracing.take(2 * count);
  const version = kind === 'h2' ? '2' : '1.1';
  const calls = goCalls(exchanges);
  expectTlsCalls(records, calls, goSide('client', client, server, { version }));
  expectTlsCalls(records, calls, goSide('server', server.program, server, { version }));
  expectPairs(records, count);
}

const guestVersions = ['1.19', '1.24', '1.27'];
const versions =
  guestKernel === undefined ? ['1.19', '1.21', '1.23', '1.24', '1.25', '1.27'] : guestVersions;
const variants: readonly GoVariant[] =
  guestKernel === undefined ? ['normal', 'stripped', 'pie'] : ['stripped', 'pie'];

for (const version of versions) {
  live(
    `Go ${version}: HTTP/1.1 and HTTP/2, ${variants.join(', ')}`,
    [`go ${version}`],
    async () => {
      const tracing = await traceGo();
      const servers: GoServer[] = [];
      for (const variant of variants) {
        const path = await compiledPeer(version, variant);
        const server = await startGoServer(path);
        servers.push(server);
        const [h1, h2] = [
          await startGoClient(path, server, 'h1'),
          await startGoClient(path, server, 'h2'),
        ];
        await attachedTo(tracing, server.pid, h1.pid, h2.pid);
        await converse(tracing, server, h1, { kind: 'h1', first: 1, count: 100, atOnce: 8 });
        await converse(tracing, server, h2, { kind: 'h2', first: 101, count: 100, atOnce: 20 });
        for (const client of [h1, h2]) await client.ask('close');
        expect(await answeredBy(server)).toEqual({ requests: 200, wrong: 0 });
      }
      await expectTlsAccounted(tracing);
      expect(await tracing.takeRest()).toEqual([]);
      const { binaries, programs } = tracing.tracer.report();
      expect(binaries.map(({ path, source, attached }) => [path, source, attached]).sort()).toEqual(
        servers.map(({ path }) => [path, 'go', true]).sort(),
      );
      const own = programs.filter(({ name }) => name.startsWith('go/'));
      expect(own.length).toBeGreaterThan(0);
      const limits = own.map(({ loaded, instructions, processed }) => [
        loaded,
        instructions < 4_096,
        processed < 50_000,
      ]);
      expect(limits).toEqual(own.map(() => [true, true, true]));
    },
  );
}

const newest = versions.at(-1)!;

live('buffers on the stack, which moves while Read waits', [`go ${newest}`], async () => {
  const path = await compiledPeer(newest);
  const server = await startGoServer(path);
  const client = await startGoClient(path, server, 'raw');
  const tracing = await traceGo();
  await attachedTo(tracing, server.pid, client.pid);
  await converse(tracing, server, client, { kind: 'raw', first: 1, count: 400, atOnce: 40 });
  await client.ask('close');
  await expectTlsAccounted(tracing);
});

live('TLS 1.2', [`go ${newest}`], async () => {
  const path = await compiledPeer(newest, 'stripped');
  const server = await startGoServer(path, 'tls12');
  const client = await startGoClient(path, server, 'h1', 'tls12');
  const tracing = await traceGo();
  await attachedTo(tracing, server.pid, client.pid);
  await converse(tracing, server, client, { kind: 'h1', first: 1, count: 100, atOnce: 4 });
  await client.ask('close');
  await expectTlsAccounted(tracing);
});

live('a program that starts while it is waited for', [`go ${newest}`], async () => {
  const path = await compiledPeer(newest);
  const server = await startGoServer(path);
  const tracing = await traceGo({ uprobes: { files: [path] } });
  await attachedTo(tracing, server.pid);
  const client = await startGoClient(path, server, 'h2');
  tracing.addPids(client.pid);
  await converse(tracing, server, client, { kind: 'h2', first: 1, count: 60, atOnce: 6 });
  await expectTlsAccounted(tracing);
});

live('connections that are older than the tracing of them', [`go ${newest}`], async () => {
  const path = await compiledPeer(newest);
  const server = await startGoServer(path);
  const client = await startGoClient(path, server, 'h1');
  await runGo(client, 1, 10, 1);
  const tracing = await traceGo();
  await attachedTo(tracing, server.pid, client.pid);
  // Both ends are in a Read that began before the probes were there.
  const exchanges = await runGo(client, 11, 40, 1);
  expect(new Set(exchanges.map(({ port }) => port)).size).toBe(1);
  const records = await tracing.take(80);
  const calls = goCalls(exchanges);
  for (const [role, program] of [
    ['client', client],
    ['server', server.program],
  ] as const) {
    expectTlsCalls(records, calls, goSide(role, program, server, { handshake: false }));
  }
  expectPairs(records, 40);
  await expectTlsAccounted(tracing);
});
