// SPDX-License-Identifier: Apache-2.0
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { AnyProtocol, ProtocolPlugin } from '@libtrace/core';
import { describeFailure, type Finding } from '../checks/context.js';
import type { Fixture } from '../fixture/fixture.js';
import { cpuMs } from '../run/cpu-time.js';
import { heapInUse } from '../run/heap.js';
import { Hang, withinTime } from '../run/watchdog.js';
import { FuzzDriver } from './fuzz-driver.js';
import { FuzzInputs, type FuzzInput } from './fuzz-input.js';
import { keep, minimize } from './minimize.js';

/** What {@link fuzzPlugin} is told. */
export interface FuzzOptions {
  /** Real conversations to start from: the better they cover the protocol, the deeper the fuzzing goes. */
  readonly fixtures: readonly Fixture[];
  /** Connections to play. Default 20,000. */
  readonly inputs?: number;
  /** Seed of the first input; the next ones follow. Default 1. */
  readonly seed?: number;
  /** One input (a few hundred bytes) may take this long. Default 250 ms. */
  readonly maxMs?: number;
  /** What the plugin may keep when all connections have ended. Default 8 MiB. */
  readonly maxGrowthBytes?: number;
  /** Called after each thousand inputs with how many were played. */
  readonly onProgress?: (inputs: number) => void;
}

/** What fuzzing gave. */
export interface FuzzReport {
  /** Name of the plugin. */
  readonly plugin: string;
  /** Connections that were played. */
  readonly inputs: number;
  /** Of a processor. */
  readonly seconds: number;
  /** Of the slowest input; a pause of the machine is in it. */
  readonly maxMs: number;
  /** Growth of the heap between the first tenth and the end, after garbage collection. */
  readonly growthBytes: number;
  /** Records that came out: how deep the inputs went. */
  readonly records: number;
  /** Empty: nothing was found. At most three. */
  readonly findings: readonly Finding[];
}

const batch = 1000;
const hangMs = 5000;
const maxFindings = 3;
/** Inputs that are still played after something was found. */
const afterFinding = 2000;

/**
 * Feeds a plugin mutated and random conversations, cut and with holes, and looks for what it must never do: throw,
 * violate its contract, hang, or grow. Every input has a seed that makes it again.
 *
 * ```ts
 * const report = await fuzzPlugin(memcached, { fixtures, inputs: 1_000_000 });
 * if (report.findings.length > 0) throw new Error(report.findings[0].problem);
 * ```
 */
export function fuzzPlugin(factory: () => AnyProtocol, options: FuzzOptions): Promise<FuzzReport> {
  return new Fuzzing(factory, options).run();
}

class Fuzzing {
  readonly #factory: () => AnyProtocol;
  readonly #options: Required<Omit<FuzzOptions, 'onProgress'>>;
  readonly #onProgress: FuzzOptions['onProgress'];
  readonly #inputs: FuzzInputs;
  readonly #findings: Finding[] = [];
  readonly #problems = new Set<string>();
  readonly #plugin: ProtocolPlugin;
  readonly #driver: FuzzDriver;
  #seed: number;
  #maxMs = 0;
  #foundAt = Infinity;

  constructor(factory: () => AnyProtocol, options: FuzzOptions) {
    this.#factory = factory;
    this.#onProgress = options.onProgress;
    this.#options = {
      fixtures: options.fixtures,
      inputs: options.inputs ?? 20_000,
      seed: options.seed ?? 1,
      maxMs: options.maxMs ?? 250,
      maxGrowthBytes: options.maxGrowthBytes ?? 8 * 1024 * 1024,
    };
    this.#seed = this.#options.seed;
    this.#plugin = factory() as ProtocolPlugin;
    this.#driver = new FuzzDriver(this.#plugin);
    this.#inputs = new FuzzInputs(this.#plugin, options.fixtures);
  }

  async run(): Promise<FuzzReport> {
    const { inputs, seed } = this.#options;
    const startMs = cpuMs();
    let end = seed + inputs;
    const warmEnd = seed + Math.max(batch, Math.ceil(inputs / 10));
    let heapBytes = -1;
    while (this.#seed < end && this.#findings.length < maxFindings) {
      if (heapBytes < 0 && this.#seed >= warmEnd) heapBytes = await heapInUse();
      if (!this.#runBatch(Math.min(end, this.#seed + batch))) break;
      await nextTurn();
      this.#onProgress?.(this.#seed - seed);
      if (this.#findings.length > 0) end = Math.min(end, this.#foundAt + afterFinding);
    }
    const growthBytes = heapBytes < 0 ? 0 : (await heapInUse()) - heapBytes;
    this.#checkKept(growthBytes);
    return {
      plugin: this.#plugin.name,
      inputs: this.#seed - seed,
      seconds: (cpuMs() - startMs) / 1000,
      maxMs: this.#maxMs,
      growthBytes,
      records: this.#driver.records,
      findings: this.#findings,
    };
  }

  /** False when the plugin hung: it is of no use any more. */
  #runBatch(end: number): boolean {
    try {
      withinTime(hangMs, () => {
        for (; this.#seed < end && this.#findings.length < maxFindings; this.#seed++)
          this.#runOne();
      });
      return true;
    } catch (error) {
      if (!(error instanceof Hang)) throw error;
      const input = keep(this.#inputs.make(this.#seed));
      this.#report(error, input, this.#seed);
      return false;
    }
  }

  #runOne(): void {
    const input = this.#inputs.make(this.#seed);
    const startMs = performance.now();
    const failure = this.#driver.run(input);
    const ms = performance.now() - startMs;
    if (ms > this.#maxMs) this.#maxMs = ms;
    if (failure !== undefined) this.#reduce(failure, input);
    else if (ms > this.#options.maxMs) this.#confirmSlow(ms);
  }

  /** A slow input is one that is slow three times: garbage collection takes time too. */
  #confirmSlow(firstMs: number): void {
    let leastMs = firstMs;
    for (let i = 0; i < 2; i++) {
      const input = this.#inputs.make(this.#seed);
      const startMs = cpuMs();
      this.#driver.run(input);
      leastMs = Math.min(leastMs, cpuMs() - startMs);
    }
    if (leastMs <= this.#options.maxMs) return;
    const problem = new Error(`took ${leastMs.toFixed(0)} ms, ${this.#options.maxMs} are allowed`);
    this.#report(problem, keep(this.#inputs.make(this.#seed)), this.#seed);
  }

  #reduce(failure: unknown, input: FuzzInput): void {
    const wanted = describeFailure(failure);
    if (this.#problems.has(wanted)) return;
    this.#problems.add(wanted);
    const smallest = minimize(input, (candidate) => {
      const again = new FuzzDriver(this.#factory()).run(candidate);
      return again !== undefined && describeFailure(again) === wanted;
    });
    this.#report(failure, smallest, this.#seed);
  }

  #report(failure: unknown, input: FuzzInput, seed: number): void {
    const bytes = input.steps.map(
      ({ from, bytes: sent, lost }) =>
        `${from} ${sent.toString('hex')}${lost > 0 ? ` +${lost} lost` : ''}`,
    );
    this.#foundAt = Math.min(this.#foundAt, seed);
    this.#findings.push({
      where: `fuzz input ${seed} (role ${input.role}${input.hint ? ', hinted' : ''}${input.midstream ? ', midstream' : ''}): ${bytes.join('; ')}`,
      problem: describeFailure(failure),
      reproduce: `fuzzPlugin(factory, { fixtures, seed: ${seed}, inputs: 1 })`,
    });
  }

  #checkKept(growthBytes: number): void {
    const { bufferedBytes } = this.#driver;
    const { inputs, seed, maxGrowthBytes } = this.#options;
    const where = `after ${this.#seed - seed} fuzz inputs`;
    const reproduce = `fuzzPlugin(factory, { fixtures, seed: ${seed}, inputs: ${inputs} })`;
    if (growthBytes > maxGrowthBytes) {
      const problem = `the heap grew by ${growthBytes} bytes though every connection ended: something is kept`;
      this.#findings.push({ where, problem, reproduce });
    }
    if (bufferedBytes !== 0 && this.#findings.length === 0) {
      const problem = `${bufferedBytes} bytes of connections that ended are still buffered`;
      this.#findings.push({ where, problem, reproduce });
    }
  }
}
