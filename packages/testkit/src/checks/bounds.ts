// SPDX-License-Identifier: Apache-2.0
import { Pipeline, type Segment } from '@libtrace/core';
import { totalBytes, type Fixture, type Sender, type Step } from '../fixture/fixture.js';
import { cpuMs } from '../run/cpu-time.js';
import { heapInUse } from '../run/heap.js';
import { connectionOf } from '../run/play.js';
import { Random } from '../run/random.js';
import { Hang, withinTime } from '../run/watchdog.js';
import type { CheckContext } from './context.js';

const repeats = { quick: 12_000, full: 60_000 } as const;
/** Messages after which bounded structures are full. */
const warmUp = 5000;
const keptPerMessage = 32;
const keptAlways = 300_000;
const trickleBytes = 16 * 1024;
const trickleMs = 1500;
const trickleBatch = 256;
const fillerBytes = 16 * 1024;
const hangMs = 60_000;
const floodBytes = 4 * 1024 * 1024;
const floodKept = 12 * 1024 * 1024;
const somebody = { pid: 102, ppid: 1, comm: 'server', exe: '/usr/bin/server', cgroup: '/' };

/** One connection that goes on for ever, in ways that are not fair: what is kept of it, and the time it takes, is bounded. */
export async function checkBounds(context: CheckContext): Promise<void> {
  // The longest conversations have the most to keep.
  const longest = [...context.fixtures].sort((one, other) => totalBytes(other) - totalBytes(one));
  for (const fixture of longest.slice(0, context.effort === 'quick' ? 2 : 6)) {
    if (fixture.steps.length === 0 || context.isEnough) continue;
    for (const [who, what] of [
      ['client', 'requests that are never answered'],
      ['server', 'responses that nobody asked for'],
      ['both', 'exchanges'],
    ] as const) {
      await watch(context, fixture, `an endless connection: ${what}`, () =>
        repeat(context, fixture, who, what),
      );
    }
    for (const [index, step] of fixture.steps.entries()) {
      if (fixture.steps.findIndex((each) => each.from === step.from) !== index) continue;
      const where = `an endless message of the ${step.from}`;
      await watch(context, fixture, where, () => flood(context, fixture, index, where));
      await watch(context, fixture, `${where}, byte by byte`, () =>
        trickle(context, fixture, index),
      );
    }
  }
}

async function watch(
  context: CheckContext,
  fixture: Fixture,
  where: string,
  call: () => void | Promise<void>,
): Promise<void> {
  if (context.isEnough) return;
  context.runs++;
  try {
    await call();
  } catch (error) {
    if (!(error instanceof Hang)) throw error;
    const problem = `the plugin ${error.message}`;
    context.report({ fixture: fixture.name, where, problem, reproduce: again });
  }
}

const again = "checkPlugin(plugin, { fixtures, only: ['bounds'] })";

/** The last messages of a fixture again and again, of one side or of both. */
async function repeat(
  context: CheckContext,
  fixture: Fixture,
  who: Sender | 'both',
  what: string,
): Promise<void> {
  const line = new Line(context, fixture);
  line.send(fixture.steps);
  const last = fixture.steps.findLastIndex(
    (step, index) => step.from === 'client' && fixture.steps[index - 1]?.from !== 'client',
  );
  const steps = fixture.steps
    .slice(Math.max(0, last))
    .filter((step) => who === 'both' || step.from === who);
  const bytes = steps.reduce((sum, step) => sum + step.bytes.length, 0);
  if (steps.length === 0) return;
  const total = Math.max(
    warmUp * 2,
    Math.min(repeats[context.effort], Math.floor(40e6 / (bytes + 200))),
  );
  line.send(steps, warmUp);
  const before = await heapInUse();
  line.send(steps, total - warmUp);
  const growth = (await heapInUse()) - before;
  const messages = (total - warmUp) * steps.length;
  if (growth > keptAlways + messages * keptPerMessage) {
    context.report({
      fixture: fixture.name,
      where: `an endless connection: ${what}`,
      problem: `${Math.round(growth / messages)} bytes are kept of each of ${messages} messages, without bound`,
      reproduce: again,
    });
  }
  line.finish();
}

/** A message that begins as in the fixture and never ends: what is kept of it is bounded. */
async function flood(
  context: CheckContext,
  fixture: Fixture,
  index: number,
  where: string,
): Promise<void> {
  const line = new Line(context, fixture);
  const step = beginTo(line, fixture, index);
  const before = await heapInUse();
  const chunks = fillers(context.seed).map((bytes) => ({ from: step.from, bytes, lost: 0 }));
  line.send(chunks, floodBytes / (fillerBytes * chunks.length));
  const growth = (await heapInUse()) - before;
  if (growth > floodKept) {
    const problem = `${growth} bytes are kept of a message of ${floodBytes}`;
    context.report({ fixture: fixture.name, where, problem, reproduce: again });
  }
  line.finish();
}

/** The same in segments of one byte: reading it must not begin anew with each. */
function trickle(context: CheckContext, fixture: Fixture, index: number): void {
  for (const filler of fillers(context.seed)) {
    const line = new Line(context, fixture);
    const step = beginTo(line, fixture, index);
    const startMs = cpuMs();
    let ms = 0;
    for (let i = 0; i < trickleBytes && ms <= trickleMs; i += trickleBatch) {
      const batch = Array.from({ length: trickleBatch }, (_, j): Step => {
        const at = (i + j) % filler.length;
        return { from: step.from, bytes: filler.subarray(at, at + 1), lost: 0 };
      });
      line.send(batch);
      ms = cpuMs() - startMs;
    }
    line.finish();
    if (ms <= trickleMs) continue;
    context.report({
      fixture: fixture.name,
      where: `an endless message of the ${step.from}, byte by byte`,
      problem: `${trickleBytes} bytes take more than ${trickleMs} ms: it is read from its start for each byte`,
      reproduce: again,
    });
    return;
  }
}

/** Sends what comes before a step, and half of the step. */
function beginTo(line: Line, fixture: Fixture, index: number): Step {
  line.send(fixture.steps.slice(0, index));
  const step = fixture.steps[index]!;
  const half = step.bytes.subarray(0, Math.ceil(step.bytes.length / 2));
  line.send([{ ...step, bytes: half, lost: 0 }]);
  return step;
}

function fillers(seed: number): Buffer[] {
  const random = new Random(seed);
  const noise = Buffer.alloc(fillerBytes);
  for (let i = 0; i < noise.length; i++) noise[i] = random.below(256);
  return [
    Buffer.alloc(fillerBytes, 'a'),
    Buffer.alloc(fillerBytes),
    Buffer.alloc(fillerBytes, '0'),
    noise,
  ];
}

/** A connection that stays open, of which the records are thrown away. */
class Line {
  readonly #pipeline: Pipeline;
  readonly #hint: string;
  readonly #sent = { client: 0, server: 0 };
  #nowNs = 1e9;

  constructor(context: CheckContext, fixture: Fixture) {
    const plugin = context.make();
    this.#hint = context.name;
    this.#pipeline = new Pipeline({
      plugins: [plugin],
      source: 'recording',
      wallClockOffsetNs: 0n,
      onRecord: () => undefined,
    });
    this.#pipeline.open(connectionOf(fixture, 'server', false));
  }

  /** @throws Hang when the plugin does not return. */
  send(steps: readonly Step[], times = 1): void {
    withinTime(hangMs, () => {
      for (let i = 0; i < times; i++) for (const step of steps) this.#sendOne(step);
    });
  }

  #sendOne({ from, bytes, lost }: Step): void {
    const length = bytes.length + lost;
    if (length === 0) return;
    this.#nowNs += 1000;
    const segment: Segment = {
      direction: from === 'client' ? 'in' : 'out',
      position: this.#sent[from],
      length,
      captured: bytes.length,
      data: bytes,
      dataStart: 0,
      holeReason: lost > 0 ? 'limit' : undefined,
      oppositePosition: this.#sent[from === 'client' ? 'server' : 'client'],
      startNs: this.#nowNs,
      endNs: this.#nowNs,
      tid: somebody.pid,
      process: somebody,
    };
    this.#sent[from] += length;
    this.#pipeline.segment(1, segment, this.#hint);
  }

  finish(): void {
    this.#pipeline.finish(this.#nowNs);
  }
}
