// SPDX-License-Identifier: Apache-2.0
// In-kernel inference: rules compiled for the kernel answer as the interpreter does, and connections are named by them.
import type { TraceRecord } from '@libtrace/core';
import { http } from '@libtrace/proto-http';
import { expect, onTestFinished } from 'vitest';
import {
  Random,
  randomPlugins,
  randomWindow,
} from '../../packages/core/src/inference/compile/random-rules.test-support.js';
import {
  specifiedAnswer,
  type Answer,
} from '../../packages/core/src/inference/compile/window-case.test-support.js';
import { windowLayout } from '../../packages/core/src/kernel/window-layout.js';
import { CompiledRules } from './harness/compiled-rules.js';
import { installedPlugins } from './harness/installed-plugins.js';
import { openings } from './harness/openings.js';
import { ProtocolHints } from './harness/protocol-hints.js';
import { live } from './harness/requirements.js';
import { guestKernel, timeScale } from './harness/time-scale.js';
import { toy, ToyServer } from './harness/toy-protocol.js';
import { Tracing } from './harness/tracing.js';

/** Emulated kernels are slow: less of everything there. */
const share = guestKernel === undefined ? 1 : 0.1;

type Numbered = Parameters<CompiledRules['load']>[0];

const numbered = (plugins: readonly { readonly name: string }[]): Numbered =>
  plugins.map((plugin, i) => ({ plugin, number: i + 1 })) as unknown as Numbered;

function kindOf({ answer, suspect }: Answer): string {
  if (answer === windowLayout.tlsAnswer) return 'tls';
  if (answer > 0) return 'certain';
  return suspect ? 'likely' : 'none';
}

/** Compares both back ends over random windows; returns how often each kind of answer was given. */
function compare(rules: CompiledRules, plugins: Numbered, random: Random, windows: number) {
  const kinds: Record<string, number> = {};
  const only = plugins.map(({ plugin }) => plugin);
  for (let i = 0; i < windows; i++) {
    const window = randomWindow(random, only, openings);
    const expected = specifiedAnswer(plugins, window, windowLayout);
    const answer = rules.answer(window);
    if (answer.answer !== expected.answer || answer.suspect !== expected.suspect) {
      const { bytes, ...rest } = window;
      const shown = { bytes: bytes.toString('hex'), ...rest };
      expect({ plugins: JSON.stringify(only), ...shown, answer }).toEqual({ answer: expected });
    }
    kinds[kindOf(expected)] = (kinds[kindOf(expected)] ?? 0) + 1;
  }
  return kinds;
}

live(
  'kernel and interpreter agree on the rules of all installed plugins',
  [],
  () => {
    const rules = new CompiledRules();
    onTestFinished(() => rules.close());
    const plugins = numbered(installedPlugins());
    const windows = 100_000 * share;
    const kinds: Record<string, number> = {};
    const began = performance.now();
    for (const options of [{}, { maxInstructions: 1_500 }]) {
      for (const program of rules.load(plugins, options)) {
        expect(program.instructions).toBeLessThan(4_096);
        expect(program.processed).toBeLessThan(50_000);
      }
      const counted = compare(rules, plugins, new Random(7), windows / 2);
      for (const [kind, count] of Object.entries(counted)) kinds[kind] = (kinds[kind] ?? 0) + count;
    }
    const seconds = (performance.now() - began) / 1000;
    console.log(`${windows} windows in ${seconds.toFixed(1)} s: ${JSON.stringify(kinds)}`);
    for (const kind of ['certain', 'none', 'tls'])
      expect(kinds[kind], kind).toBeGreaterThan(windows / 200);
  },
  60_000 * timeScale,
);

live(
  'kernel and interpreter agree on random rules',
  [],
  () => {
    const rules = new CompiledRules();
    onTestFinished(() => rules.close());
    const random = new Random(20261120);
    const sets = 500 * share;
    const each = 200;
    const kinds: Record<string, number> = {};
    const began = performance.now();
    for (let i = 0; i < sets; i++) {
      const plugins = numbered(randomPlugins(random));
      const maxInstructions = random.pick([3900, 700]);
      for (const program of rules.load(plugins, { maxInstructions })) {
        expect(program.instructions).toBeLessThan(4_096);
        expect(program.processed).toBeLessThan(50_000);
      }
      const counted = compare(rules, plugins, random, each);
      for (const [kind, count] of Object.entries(counted)) kinds[kind] = (kinds[kind] ?? 0) + count;
    }
    const seconds = (performance.now() - began) / 1000;
    console.log(`${sets * each} windows in ${seconds.toFixed(1)} s: ${JSON.stringify(kinds)}`);
    for (const kind of ['certain', 'likely', 'none', 'tls'])
      expect(kinds[kind], kind).toBeGreaterThan((sets * each) / 200);
  },
  60_000 * timeScale,
);

const isRules = ({ name }: { readonly name: string }) => /^infer_\d+$/.test(name);
const operations = (records: readonly TraceRecord[]) => records.map(({ operation }) => operation);

live('an HTTP server that reads byte by byte is recognized', ['python3'], async () => {
  const tracing = await Tracing.attached();
  const server = await ToyServer.started('http');
  tracing.addPids(server.pid);
  const client = await server.connect();
  for (let i = 1; i <= 5; i++) await client.http(`/bytes/${i}`);
  const records = await tracing.take(5);
  expect(
    records.map(({ role, attributes }) => `${role} ${String(attributes['url.path'])}`),
  ).toEqual(Array.from({ length: 5 }, (_, i) => `server /bytes/${i + 1}`));
  await tracing.expectAccounted();
});

live('a server that reads header and body by a call each is recognized', ['python3'], async () => {
  const tracing = await Tracing.attached({ plugins: [http(), toy()] });
  const server = await ToyServer.started(0);
  tracing.addPids(server.pid);
  const client = await server.connect();
  const calls = await client.calls('first', 20);
  const records = await tracing.take(20);
  expect(operations(records)).toEqual(calls);
  expect(records.every(({ complete, role }) => complete && role === 'server')).toBe(true);
  await tracing.expectAccounted();
});

/** Joined midstream, and silent before it says anything that a rule knows: only the kernel can wake it. */
async function silent(strength: 'certain' | 'likely') {
  const server = await ToyServer.started(40_000);
  const client = await server.connect();
  const tracing = await Tracing.attached({
    plugins: [http(), toy({ strength })],
    target: { pids: [server.pid] },
  });
  await client.makeNoise();
  await tracing.tracer.flush();
  return { client, tracing };
}

live(
  'the kernel names a silent connection, by a header of the call before',
  ['python3'],
  async () => {
    const { client, tracing } = await silent('certain');
    const before = tracing.tracer.stats().kernel;
    const calls = await client.calls('woken', 20);
    const records = await tracing.take(20);
    // The header of the first call was not delivered any more, the rest is.
    expect(operations(records)).toEqual(expect.arrayContaining(calls.slice(1)));
    const after = tracing.tracer.stats().kernel;
    expect(after.segmentsLost.ignored - before.segmentsLost.ignored).toBe(1);
    await tracing.expectAccounted();
  },
);

live('a likely match revives a silent connection until it is confirmed', ['python3'], async () => {
  const { client, tracing } = await silent('likely');
  const before = tracing.tracer.stats().kernel;
  const calls = await client.calls('revived', 20);
  const records = await tracing.take(19);
  expect(operations(records)).toEqual(expect.arrayContaining(calls.slice(2)));
  const after = tracing.tracer.stats().kernel;
  expect(after.segmentsLost.ignored - before.segmentsLost.ignored).toBe(1);
  await tracing.expectAccounted();
});

live('rules that the kernel does not take are left to user space, and said so', [], async () => {
  const texts = Array.from({ length: 2000 }, (_, i) => `text number ${i}`);
  const large = toy({ name: 'large' });
  const plugin = {
    ...large,
    inference: {
      rules: [{ says: 'request', when: { kind: 'bytes', at: 4, anyOf: ['Q', ...texts] } }],
    },
  } as typeof large;
  const tracing = await Tracing.attached({ plugins: [plugin] });
  const { hooks, programs } = tracing.tracer.report();
  expect(programs.filter(isRules)).toEqual([]);
  expect(hooks.filter(({ attached }) => !attached)).toMatchObject([
    { program: 'infer_0', optional: true },
  ]);
  const reason = hooks.find(({ attached }) => !attached)?.reason ?? '';
  expect(reason).toContain('plugin large: inference.rules[0] is too large');
  const server = await ToyServer.started(0);
  tracing.addPids(server.pid);
  const client = await server.connect();
  await client.calls('alone', 5);
  expect(operations(await tracing.take(5))).toContain('alone-5');
});

/** Rules that match nothing, and need a program of their own. */
function bulky(name: string): ReturnType<typeof toy> {
  const anyOf = Array.from({ length: 250 }, (_, i) => `${name} ${i} is not said`);
  const rules = [{ says: 'either', when: { kind: 'bytes', at: 0, anyOf } }];
  return { ...toy({ name }), inference: { rules } } as unknown as ReturnType<typeof toy>;
}

live('rules of several programs are a chain', ['python3'], async () => {
  const plugins = [bulky('one'), bulky('two'), bulky('three'), toy()];
  const tracing = await Tracing.attached({ plugins });
  const chain = tracing.tracer.report().programs.filter(isRules);
  expect(chain.length).toBeGreaterThanOrEqual(3);
  for (const program of chain) {
    expect(program.instructions).toBeLessThan(4_096);
    expect(program.processed).toBeGreaterThan(0);
    expect(program.processed).toBeLessThan(50_000);
  }
  const server = await ToyServer.started(0);
  tracing.addPids(server.pid);
  const client = await server.connect();
  const calls = await client.calls('chain', 20);
  expect(operations(await tracing.take(20))).toEqual(calls);
  await tracing.expectAccounted();
});

live(
  'the kernel forgets a name with its plugin, and never uses its number again',
  ['python3'],
  async () => {
    const server = await ToyServer.started(0);
    const hints = new ProtocolHints(server.pid, [http(), toy()]);
    const client = await server.connect();
    const named = async () => {
      await client.calls('named', 2);
      return hints.take();
    };
    // Header, rest, response: the rest is the first that says something.
    expect(await named()).toEqual(['-', ...Array<string>(5).fill('toy')]);
    hints.setPlugins([toy(), http()]);
    expect(await named()).toEqual(Array(6).fill('toy'));
    hints.setPlugins([http()]);
    expect(await named()).toEqual(Array(6).fill('-'));
    hints.setPlugins([toy({ name: 'other' }), http()]);
    expect(await named()).toEqual(['-', ...Array<string>(5).fill('other')]);
    hints.setPlugins([toy(), http()]);
    expect(await named()).toEqual(['-', ...Array<string>(5).fill('toy')]);
  },
);

live('plugins are replaced while hooks are attached', ['python3'], async () => {
  const tracing = await Tracing.attached({ plugins: [http()] });
  const [web, server] = [await ToyServer.started('http'), await ToyServer.started(0)];
  tracing.addPids(web.pid, server.pid);
  const [browser, client] = [await web.connect(), await server.connect()];
  const said = async (count: number, calls: Promise<unknown>) => {
    await calls;
    const records = await tracing.take(count);
    return records.map(({ protocol, operation }) => `${protocol} ${operation}`);
  };
  const all = (protocol: string, name: string) =>
    Array.from({ length: 20 }, (_, i) => `${protocol} ${name}-${i + 1}`);

  expect(await said(1, browser.http('/1'))).toEqual(['http GET']);
  expect(await said(0, client.calls('unknown', 20))).toEqual([]);

  // A connection that no plugin wanted is looked at again.
  await tracing.tracer.setPlugins([http(), toy()]);
  expect(await said(20, client.calls('known', 20))).toEqual(all('toy', 'known'));
  expect(await said(1, browser.http('/2'))).toEqual(['http GET']);

  // One whose protocol is gone is not; its number is no other protocol's.
  await tracing.tracer.setPlugins([http()]);
  expect(await said(0, client.calls('gone', 20))).toEqual([]);
  await tracing.tracer.setPlugins([toy({ name: 'other' }), http()]);
  // What was kept of the calls before is theirs too.
  const kept = await said(0, Promise.resolve());
  expect(kept.every((record) => record.startsWith('other gone-'))).toBe(true);
  expect(await said(20, client.calls('again', 20))).toEqual(all('other', 'again'));
  expect(await said(1, browser.http('/3'))).toEqual(['http GET']);
  const { hooks, programs } = tracing.tracer.report();
  expect(hooks.filter(({ attached }) => !attached)).toEqual([]);
  expect(programs.filter(isRules)).toHaveLength(1);
  await tracing.expectAccounted();
});

live('no call is missed while plugins are replaced again and again', ['python3'], async () => {
  const plugins = [http(), toy()];
  const tracing = await Tracing.attached({ plugins });
  const server = await ToyServer.started(0);
  tracing.addPids(server.pid);
  let isDone = false;
  const calling = (async () => {
    const calls: string[] = [];
    for (let i = 0; i < 10 * share; i++) {
      const client = await server.connect();
      calls.push(...(await client.calls(`busy-${i}`, 20)));
    }
    isDone = true;
    return calls;
  })();
  let swaps = 0;
  while (!isDone) {
    // The same plugins, at other places and with others between them: chains of one program and of several.
    const others = swaps % 3 === 0 ? [] : [bulky('one'), bulky('two')].slice(0, swaps % 3);
    await tracing.tracer.setPlugins(
      swaps % 2 === 0 ? [...others, ...plugins] : [...plugins, ...others],
    );
    expect(tracing.tracer.report().hooks.filter(({ attached }) => !attached)).toEqual([]);
    swaps++;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const calls = await calling;
  const records = await tracing.take(calls.length);
  expect(swaps).toBeGreaterThan(3);
  expect(operations(records).sort()).toEqual(calls.sort());
  expect(records.every(({ complete, protocol }) => complete && protocol === 'toy')).toBe(true);
  const { segmentsLost } = (await tracing.expectAccounted()).kernel;
  expect(segmentsLost.ignored).toBe(0);
});
