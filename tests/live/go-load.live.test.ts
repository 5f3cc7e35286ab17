// SPDX-License-Identifier: Apache-2.0
// Go programs under load, and under tracers that die: goroutines wander between threads, stacks move, nothing is lost and
// nothing breaks.
import { setTimeout as sleep } from 'node:timers/promises';
import type { TraceRecord } from '@libtrace/core';
import { expect, onTestFinished } from 'vitest';
import { assertPrivate } from './harness/assert-private.js';
import { expectFreed, kernelObjectsOf } from './harness/kernel-objects.js';
import { changedCode } from './harness/probed-code.js';
import { live, liveOnHost } from './harness/requirements.js';
import type { StartedProgram } from './harness/started-program.js';
import { startTracer } from './harness/tls-peers.js';
import { expectTlsAccounted } from './harness/tls-tracing.js';
import { guestKernel, timeScale, until } from './harness/time-scale.js';
import {
  answeredBy,
  compiledPeer,
  goRequestSize,
  goResponseSize,
  goStatus,
  runGo,
  startGoClient,
  startGoServer,
  type GoLoad,
} from './programs/go/go-peers.js';
import { attachedTo, traceGo } from './programs/go/go-tracing.js';

const CLIENT = 1;
const SERVER = 2;

/** What records say of the requests that load.go makes: `/load/GOROUTINE/N`. */
class Tally {
  readonly #seen = new Map<string, number>();
  readonly problems: string[] = [];
  records = 0;

  add(record: TraceRecord): void {
    this.records++;
    const { attributes, role, source, complete } = record;
    const path = String(attributes['url.path']);
    const n = Number(path.split('/').pop());
    const bit = role === 'client' ? CLIENT : SERVER;
    const before = this.#seen.get(path) ?? 0;
    if ((before & bit) !== 0) this.#note(`${path} twice as ${role}`);
    this.#seen.set(path, before | bit);
    const ids = ['http.request.header.x-n', 'http.response.header.x-id'].map((name) =>
      String(attributes[name]),
    );
    const sizes = ['http.request.body.size', 'http.response.body.size'].map((name) =>
      Number(attributes[name]),
    );
    const { client, server } = record.connection;
    if (client.port === 0 || server.port === 0) this.#note(`${path} ${role}: without its socket`);
    const found = [source, complete, attributes['http.response.status_code'], ...ids, ...sizes];
    const wanted = ['go', true, goStatus(n), `${n}`, `${n}`, goRequestSize(n), goResponseSize(n)];
    if (found.join() !== wanted.join()) {
      this.#note(`${path} ${role}: ${found.join()} [${record.missing.join()}]`);
    }
  }

  /** Every request of the load was seen on both sides, and there was no other. */
  compare({ done }: GoLoad): void {
    for (const [k, count] of done.entries()) {
      for (let n = 1; n <= count; n++) {
        const path = `/load/${k}/${n}`;
        const sides = this.#seen.get(path) ?? 0;
        this.#seen.delete(path);
        if ((sides & CLIENT) === 0) this.#note(`${path} not seen as client`);
        if ((sides & SERVER) === 0) this.#note(`${path} not seen as server`);
      }
    }
    for (const path of this.#seen.keys()) this.#note(`${path} was not made`);
  }

  #note(problem: string): void {
    if (this.problems.length < 12) this.problems.push(problem);
  }
}

async function underLoad(version: string, goroutines: number, seconds: number): Promise<void> {
  const path = await compiledPeer(version, 'stripped');
  const server = await startGoServer(path);
  const client = await startGoClient(path, server, 'load');
  const tracing = await traceGo({ ringBytes: 64 * 1024 * 1024, maxConnections: 32_768 });
  await attachedTo(tracing, server.pid, client.pid);

  const tally = new Tally();
  client.child.stdin!.write(`load ${goroutines} ${seconds}\n`);
  let load: GoLoad | undefined;
  const ended = client.line((seconds + 60) * 1000).then((line) => {
    load = JSON.parse(line) as GoLoad;
  });
  // Taken as they come: there are too many to keep.
  while (load === undefined) {
    await Promise.race([ended, sleep(200)]);
    for (const record of await tracing.take(0)) tally.add(record);
  }
  const made = load.done.reduce((sum, count) => sum + count, 0);
  for (const record of await tracing.take(2 * made - tally.records)) tally.add(record);
  for (const record of await tracing.takeRest()) tally.add(record);
  expect(load.problems, 'what the client met').toEqual([]);
  expect(made).toBeGreaterThan(goroutines);
  expect(await answeredBy(server)).toEqual({ requests: made, wrong: 0 });
  tally.compare(load);
  expect(tally.problems).toEqual([]);
  expect(tally.records).toBe(2 * made);
  await expectTlsAccounted(tracing);
  for (const program of [client, server.program]) {
    await program.stop();
    expect([program.child.exitCode, program.child.signalCode]).toEqual([0, null]);
  }
}

const [goroutines, seconds] = guestKernel === undefined ? [1_000, 60] : [40, 60];
live(
  `${goroutines} goroutines for ${seconds} s, GOGC=5`,
  ['go 1.27'],
  () => underLoad('1.27', goroutines, seconds),
  (seconds + 120) * 1000,
);

if (guestKernel === undefined) {
  live('200 goroutines of Go 1.19 for 10 s', ['go 1.19'], () => underLoad('1.19', 200, 10), 60_000);
}

/** Requests without end; each is checked by the client itself. */
class Traffic {
  requests = 0;
  readonly problems: unknown[] = [];
  #stopped = false;
  readonly #loops: Promise<void>[] = [];

  add(client: StartedProgram): void {
    const loop = async (): Promise<void> => {
      while (!this.#stopped) {
        const exchanges = await runGo(client, 1, 50, 10);
        this.problems.push(...exchanges.filter(({ problem }) => problem !== undefined));
        this.requests += exchanges.length;
      }
    };
    this.#loops.push(loop().catch((error: unknown) => void this.problems.push(error)));
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#loops);
  }
}

const kills = 100;

liveOnHost(
  `the tracer is killed ${kills} times, Go programs run on unharmed`,
  ['go 1.27', 'bpftool'],
  async () => {
    const path = await compiledPeer('1.27');
    const server = await startGoServer(path);
    const clients = [
      await startGoClient(path, server, 'h1'),
      await startGoClient(path, server, 'h2'),
      await startGoClient(path, server, 'raw'),
    ];
    const pids = [server.pid, ...clients.map(({ pid }) => pid)];
    assertPrivate(...pids);
    const changes = (): string[] => pids.flatMap(changedCode);
    expect(changes(), 'before any tracer').toEqual([]);

    // One that lives: how long it takes, and that its probes can be told from the code.
    const start = performance.now();
    const living = startTracer(pids, 'go');
    onTestFinished(() => living.stop('SIGKILL'));
    await living.line();
    await until('probes in place', () => changes().length > 4 * pids.length, 20_000);
    const takes = performance.now() - start;
    const held = kernelObjectsOf(living.pid);
    living.child.kill('SIGKILL');
    await living.ended();

    const traffic = new Traffic();
    clients.forEach((client) => traffic.add(client));
    for (let i = 0; i < kills; i++) {
      const tracer = startTracer(pids, 'go');
      // Anywhere from its start to well after it is attached, evenly, in no order.
      await sleep((1.5 * takes * ((i * 61) % kills)) / kills);
      tracer.child.kill('SIGKILL');
      await tracer.ended();
    }
    const { requests } = traffic;
    await until('they go on', () => traffic.requests > requests + 200, 20_000);
    await traffic.stop();
    expect(traffic.problems).toEqual([]);
    expect((await answeredBy(server)).wrong).toBe(0);
    await until('no probe is left', () => changes().length === 0).catch(() => undefined);
    expect(changes(), 'probes left').toEqual([]);
    await expectFreed(held);
  },
  900_000 * timeScale,
);
