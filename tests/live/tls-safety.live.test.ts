// SPDX-License-Identifier: Apache-2.0
// What is probed goes on as if it were not: when the tracer dies in the middle of anything, and in a sandbox.
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished } from 'vitest';
import { assertPrivate } from './harness/assert-private.js';
import { expectFreed, kernelObjectsOf } from './harness/kernel-objects.js';
import { PrivatePrograms } from './harness/private-programs.js';
import { changedCode } from './harness/probed-code.js';
import { live } from './harness/requirements.js';
import { StartedProgram } from './harness/started-program.js';
import { callsTold, expectPairs, expectTlsCalls, type Told } from './harness/tls-calls.js';
import { curlCalls, curlCommand } from './harness/tls-curl.js';
import {
  NodeClient,
  startForbidden,
  startNodeServer,
  startPythonClient,
  startPythonServer,
  startTracer,
} from './harness/tls-peers.js';
import { startTlsNginx, type TlsNginx } from './harness/tls-servers.js';
import { expectTlsAccounted, traceTls } from './harness/tls-tracing.js';
import { guestKernel, timeScale, until } from './harness/time-scale.js';

/** What programs/tls-peer.mjs answers. */
const answer = (n: number): readonly [number, number, number] => [
  n,
  n % 10 === 0 ? 404 : 200,
  (n * 37) % 1000,
];

/** Calls without end; each is checked. */
class Traffic {
  calls = 0;
  #stopped = false;
  readonly #loops: Promise<void>[] = [];

  loop(round: () => Promise<number>): void {
    const run = async (): Promise<void> => {
      while (!this.#stopped) {
        const made = await round();
        this.calls += made;
        await sleep(10);
      }
    };
    const loop = run();
    loop.catch(() => (this.#stopped = true));
    this.#loops.push(loop);
  }

  /** @throws what was wrong in a round */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#loops);
  }
}

function nodeRound(client: NodeClient): () => Promise<number> {
  let first = 1;
  return async () => {
    const told = await client.run(first, 20, 4);
    const numbers = Array.from({ length: 20 }, (_, i) => first + i);
    expect(told.map(([n, status, bytes]) => [n, status, bytes])).toEqual(numbers.map(answer));
    first += 20;
    return 20;
  };
}

function curlRound(server: TlsNginx): () => Promise<number> {
  const curl = PrivatePrograms.shared().program('curl');
  let round = 0;
  return async () => {
    const paths = [`/ok?${++round}`, `/f/7?${round}`, `/f/20?${round}`];
    const [path, ...args] = curlCommand(curl, server.port, paths);
    const program = new StartedProgram(path!, args);
    const output = await program.output();
    expect([program.child.exitCode, program.child.signalCode, program.errors]).toEqual([
      0,
      null,
      '',
    ]);
    const logged = await until('nginx has logged them', () => {
      const lines = server.log().filter((line) => line.includes(`?${round} `));
      return lines.length === paths.length && lines;
    });
    const sizes = curlCalls(output, paths, logged).map((call) => call.responseBody);
    expect(sizes).toEqual([4, 7 * 7 * 150 + 1, 20 * 20 * 150 + 1]);
    return paths.length;
  };
}

const kills = guestKernel === undefined ? 100 : 10;

live(
  `the tracer is killed ${kills} times, programs run on unharmed`,
  ['openssl', 'curl', 'nginx', 'bpftool'],
  async () => {
    const nginx = await startTlsNginx();
    const server = await startNodeServer('server');
    const [kept, single] = [await NodeClient.started(), await NodeClient.started()];
    const pids = [...nginx.pids, ...server.pids, kept.pid, single.pid];
    assertPrivate(...pids);
    await kept.use(server.port, 'keep');
    await single.use(server.port, 'single');
    const changes = (): string[] => pids.flatMap(changedCode);
    expect(changes(), 'before any tracer').toEqual([]);

    // One that lives: how long it takes, and that its probes can be told from the code.
    const start = performance.now();
    const living = startTracer(pids);
    onTestFinished(() => living.stop('SIGKILL'));
    await living.line();
    const takes = performance.now() - start;
    expect(changes().length, 'probes in place').toBeGreaterThan(10);
    const held = kernelObjectsOf(living.pid);
    living.child.kill('SIGKILL');
    await living.ended();

    const traffic = new Traffic();
    traffic.loop(nodeRound(kept));
    traffic.loop(nodeRound(single));
    traffic.loop(curlRound(nginx));
    for (let i = 0; i < kills; i++) {
      const tracer = startTracer(pids);
      // Anywhere from its start to after it is attached, evenly, in no order.
      await sleep((1.2 * takes * ((i * 61) % kills)) / kills);
      tracer.child.kill('SIGKILL');
      await tracer.ended();
    }
    const { calls } = traffic;
    await until('they go on', () => traffic.calls > calls + 100, 20_000).catch(() => undefined);
    await traffic.stop();
    expect(traffic.calls - calls, 'calls since then').toBeGreaterThan(100);
    await until('no probe is left', () => changes().length === 0, 5_000).catch(() => undefined);
    expect(changes(), 'probes left').toEqual([]);
    await expectFreed(held);
  },
  900_000 * timeScale,
);

live('programs that a seccomp filter would kill are probed', ['openssl', 'python3'], async () => {
  const forbidden = startForbidden();
  await forbidden.ended();
  expect(forbidden.child.signalCode, 'the filter works').toBe('SIGSYS');

  const server = await startPythonServer({ seccomp: true });
  const client = await startPythonClient('client', { seccomp: true });
  const pids = [...server.pids, client.pid];
  for (const pid of pids)
    expect(readFileSync(`/proc/${pid}/status`, 'latin1')).toMatch(/^Seccomp:\s*2$/m);
  const tracing = await traceTls(pids);
  const told = await client.ask<Told[]>(`run ${server.port} 1 200 5`);
  const records = await tracing.take(400);
  const calls = callsTold(told);
  expectTlsCalls(records, calls, { role: 'client', pids: [client.pid], serverPort: server.port });
  expectTlsCalls(records, calls, { role: 'server', pids: server.pids, serverPort: server.port });
  expectPairs(records, 200);
  await expectTlsAccounted(tracing);
  await client.stop();
  expect([client.child.exitCode, client.child.signalCode]).toEqual([0, null]);
  await server.program.stop();
  expect([server.program.child.exitCode, server.program.child.signalCode]).toEqual([0, null]);
});
