// SPDX-License-Identifier: Apache-2.0
// Loading, attaching, detaching and dying: what it costs, and that nothing stays behind.
import { readdirSync, writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, onTestFinished } from 'vitest';
import { expectCalls, expectedCalls } from './harness/expected-calls.js';
import {
  countKinds,
  expectFreed,
  kernelObjectsOf,
  probesOf,
  stillThere,
} from './harness/kernel-objects.js';
import { PeerClient, startServer } from './harness/peer.js';
import { live } from './harness/requirements.js';
import { viewpoint } from './harness/scenario.js';
import { StartedProgram } from './harness/started-program.js';
import { guestKernel, timeScale, until } from './harness/time-scale.js';
import { Tracing } from './harness/tracing.js';

/** Hooks of a tracer on this kernel: how many of them come in pairs differs. */
let hooks = 0;

beforeAll(async () => {
  if (process.getuid?.() !== 0) return;
  const { tracer } = Tracing.created();
  await tracer.attach();
  hooks = tracer.report().hooks.length;
  await tracer.close();
});

live('programs are small, loaded quickly, and maps are bounded', [], async () => {
  const { tracer } = await Tracing.attached();
  const { programs, hooks: attached, maps, loadMs } = tracer.report();
  const mapBytes = maps.reduce((sum, { bytes }) => sum + bytes, 0);
  const table = programs.map(({ name, instructions, processed, loadMs: ms }) => ({
    name,
    instructions,
    processed,
    loadMs: ms,
  }));
  const directory = process.env['LIBTRACE_OUTPUT_DIR'];
  if (directory !== undefined) {
    const report = { release: release(), programs: table, loadMs, mapBytes };
    writeFileSync(join(directory, 'programs.json'), `${JSON.stringify(report, null, 2)}\n`);
  }
  expect(programs.length).toBeGreaterThanOrEqual(6);
  for (const program of programs) {
    expect(program, program.name).toMatchObject({ loaded: true });
    expect(program.instructions, program.name).toBeGreaterThan(0);
    expect(program.instructions, program.name).toBeLessThan(4_096);
    expect(program.processed, program.name).toBeGreaterThan(0);
    expect(program.processed, program.name).toBeLessThan(50_000);
  }
  expect(attached.filter((hook) => !hook.attached)).toEqual([]);
  expect(attached.length).toBeGreaterThanOrEqual(7);
  expect(mapBytes).toBeGreaterThan(8 * 1024 * 1024);
  expect(mapBytes).toBeLessThan(20_000_000);
  if (guestKernel === undefined) expect(loadMs).toBeLessThan(1_000);
});

live('the first record comes within a second of attaching', [], async () => {
  const server = await startServer();
  const client = new PeerClient('first', server);
  await client.connect();
  const tracing = Tracing.created({ target: { pids: [server.pid, client.pid] } });
  onTestFinished(() => tracing.tracer.close());
  await tracing.tracer.load();
  await tracing.tracer.attach();
  const start = performance.now();
  await client.run(1, 1);
  // Without a flush: as a user sees it.
  await until('both records', () => tracing.records.length === 2);
  if (guestKernel === undefined) expect(performance.now() - start).toBeLessThan(1_000);
});

live('after detaching nothing is seen; after attaching again everything is', [], async () => {
  const server = await startServer();
  const client = new PeerClient('again', server, { connections: 2 });
  const tracing = await Tracing.attached({ target: { pids: [server.pid, client.pid] } });
  await client.connect();
  for (const first of [100, 200]) {
    await client.run(first, 10);
    const calls = expectedCalls('again', client.ports, first, 10);
    const records = await tracing.take(2 * calls.length);
    expectCalls(records, calls, viewpoint('client', [client.pid], server.port));
    expectCalls(records, calls, viewpoint('server', [server.pid], server.port));
    await tracing.expectAccounted();
    await tracing.tracer.detach();
    expect(tracing.tracer.state).toBe('detached');
    const { segmentsSeen } = tracing.tracer.stats().kernel;
    await client.run(first + 50, 10);
    expect(tracing.tracer.stats().kernel.segmentsSeen).toBe(segmentsSeen);
    expect(tracing.records).toEqual([]);
    await tracing.tracer.attach();
  }
});

/** What a tracer holds while it is attached, checked to be there. */
function heldWhileAttached(pid: number): ReadonlySet<string> {
  const held = kernelObjectsOf(pid);
  const { prog, map, link } = countKinds(held);
  expect({ prog: prog! >= hooks, map: map! > 0, link }).toEqual({
    prog: true,
    map: true,
    link: hooks,
  });
  expect(stillThere(held).length).toBe(held.size);
  expect(probesOf(pid).length).toBe(hooks);
  return held;
}

live('a closed tracer has left nothing in the kernel', ['bpftool'], async () => {
  const tracing = await Tracing.attached();
  const held = heldWhileAttached(process.pid);
  await tracing.tracer.close();
  expect([...kernelObjectsOf(process.pid)]).toEqual([]);
  await expectFreed(held);
  expect(probesOf(process.pid)).toEqual([]);
});

live('a tracer ended by SIGKILL leaves nothing in the kernel', ['bpftool'], async () => {
  const server = await startServer();
  const client = new PeerClient('killed-tracer', server);
  await client.connect();
  const script = fileURLToPath(new URL('./programs/tracer.mjs', import.meta.url));
  const tracer = new StartedProgram(process.execPath, [script, String(server.pid)]);
  onTestFinished(() => tracer.stop('SIGKILL'));
  await tracer.line();
  await client.run(1, 1);
  expect(JSON.parse(await tracer.line())).toMatchObject({ role: 'server', complete: true });
  const held = heldWhileAttached(tracer.pid);
  tracer.child.kill('SIGKILL');
  await tracer.ended();
  await expectFreed(held);
  expect(probesOf(tracer.pid)).toEqual([]);
  expect(await client.run(2, 5), 'the traced programs go on').toBe(true);
});

const cycles = guestKernel === undefined ? 1_000 : 100;
live(
  `${cycles} times attached and detached, nothing leaks`,
  [],
  async () => {
    const tracing = Tracing.created({ target: { pids: [] } });
    onTestFinished(() => tracing.tracer.close());
    const cycle = async (times: number): Promise<void> => {
      for (let i = 0; i < times; i++) {
        await tracing.tracer.attach();
        await tracing.tracer.detach();
      }
    };
    const descriptors = (): number => readdirSync('/proc/self/fd').length;
    await cycle(20);
    const [fds, memory, held] = [
      descriptors(),
      process.memoryUsage.rss(),
      countKinds(kernelObjectsOf(process.pid)),
    ];
    await cycle(cycles - 20);
    // Those of earlier tests may have gone meanwhile.
    expect(descriptors()).toBeLessThanOrEqual(fds);
    expect(countKinds(kernelObjectsOf(process.pid))).toEqual(held);
    expect(held['link']).toBe(0);
    expect(process.memoryUsage.rss() - memory).toBeLessThan(64 * 1024 * 1024);
    const server = await startServer();
    const client = new PeerClient('cycles', server);
    await client.connect();
    tracing.addPids(server.pid, client.pid);
    await tracing.tracer.attach();
    await client.run(1, 10);
    const calls = expectedCalls('cycles', client.ports, 1, 10);
    const records = await tracing.take(20);
    expectCalls(records, calls, viewpoint('client', [client.pid], server.port));
    expectCalls(records, calls, viewpoint('server', [server.pid], server.port));
  },
  180_000 * timeScale,
);

live('tables do not fill up with connections that are gone', [], async () => {
  const tracing = await Tracing.attached({ maxConnections: 64 });
  const server = await startServer();
  const client = new PeerClient('short', server);
  tracing.addPids(server.pid, client.pid);
  const calls = [];
  for (let i = 0; i < 100; i++) {
    await client.connect();
    await client.run(i, 1);
    await client.close();
    calls.push(...expectedCalls('short', client.ports, i, 1));
  }
  const records = await tracing.take(200);
  expectCalls(records, calls, viewpoint('client', [client.pid], server.port));
  expectCalls(records, calls, viewpoint('server', [server.pid], server.port));
  await tracing.expectAccounted();
  await until('they are forgotten', () => tracing.tracer.stats().pipeline.openConnections <= 6);
});
