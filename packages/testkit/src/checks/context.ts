// SPDX-License-Identifier: Apache-2.0
import type { AnyProtocol, ProtocolPlugin } from '@libtrace/core';
import type { Fixture, Sender } from '../fixture/fixture.js';
import { totalBytes } from '../fixture/fixture.js';
import type { Tolerance } from '../judge/damage-rules.js';
import { play, type Run } from '../run/play.js';
import { Random } from '../run/random.js';
import { describeVariation, type Place, type Variation } from '../run/variation.js';
import { Hang, withinTime } from '../run/watchdog.js';

/** A problem: what, where, and how to see it again. */
export interface Finding {
  /** Name of the fixture that was played, when it is about one. */
  readonly fixture?: string;
  /** How it was played: `cut before byte 17 of the client, seen by the server`. */
  readonly where: string;
  /** What is wrong, as a sentence. */
  readonly problem: string;
  /** Code that shows it again. */
  readonly reproduce: string;
}

/** How much is tried. `quick` is a few seconds a plugin, `full` some ten times that. */
export type Effort = 'quick' | 'full';

const byteBudget: Readonly<Record<Effort, number>> = { quick: 2_500_000, full: 150_000_000 };
/** What one run costs beside its bytes, in bytes. */
const runOverhead = 1500;
const runLimitMs = 20_000;

/** What every check works with. */
export class CheckContext {
  readonly make: () => AnyProtocol;
  /** Of the plugin. */
  readonly name: string;
  readonly fixtures: readonly Fixture[];
  readonly others: readonly AnyProtocol[];
  readonly speaks: readonly string[];
  readonly tolerance: Tolerance;
  readonly effort: Effort;
  readonly seed: number;
  readonly #maxFindings: number;
  readonly findings: Finding[] = [];
  /** Conversations that were played. */
  runs = 0;

  constructor(options: {
    readonly make: () => AnyProtocol;
    readonly fixtures: readonly Fixture[];
    readonly others: readonly AnyProtocol[];
    readonly speaks: readonly string[];
    readonly tolerance: Tolerance;
    readonly effort: Effort;
    readonly seed: number;
    readonly maxFindings: number;
  }) {
    this.make = options.make;
    this.name = (options.make() as ProtocolPlugin).name;
    this.fixtures = options.fixtures;
    this.others = options.others;
    this.speaks = options.speaks;
    this.tolerance = options.tolerance;
    this.effort = options.effort;
    this.seed = options.seed;
    this.#maxFindings = options.maxFindings;
  }

  /** Enough was found. */
  get isEnough(): boolean {
    return this.findings.length >= this.#maxFindings;
  }

  report(finding: Finding): void {
    if (!this.isEnough) this.findings.push(finding);
  }

  /** Makes a check, which is over when the plugin hangs. */
  async attempt(check: () => unknown): Promise<void> {
    try {
      await check();
    } catch (error) {
      if (!(error instanceof Hang)) throw error;
      if (this.findings.length === 0) {
        const problem = describeFailure(error);
        this.report({ where: 'uncut', problem, reproduce: 'runFixture(plugin, fixture)' });
      }
    }
  }

  /** Plays a fixture with a plugin of its own; what the plugin threw or violated is reported here. */
  run(fixture: Fixture, variation: Variation, where: string): Run {
    this.runs++;
    let run: Run;
    try {
      run = withinTime(runLimitMs, () => play([this.make()], fixture, variation));
    } catch (error) {
      if (error instanceof Hang) {
        this.reportRun(fixture, variation, where, describeFailure(error));
      }
      throw error;
    }
    const [failure] = run.failures;
    if (failure !== undefined) {
      this.reportRun(fixture, variation, where, describeFailure(failure));
    } else if (run.stats.bufferedBytes !== 0) {
      const problem = `${run.stats.bufferedBytes} bytes are kept after the connection ended`;
      this.reportRun(fixture, variation, where, problem);
    }
    return run;
  }

  reportRun(fixture: Fixture, variation: Variation, where: string, problem: string): void {
    const reproduce = `runFixture(plugin, fixture, ${describeVariation(variation)})`;
    this.report({ fixture: fixture.name, where, problem, reproduce });
  }

  /** How many runs of a fixture a check may make. */
  allowedRuns(fixture: Fixture): number {
    const cost = totalBytes(fixture) + runOverhead;
    return Math.max(40, Math.floor(byteBudget[this.effort] / this.fixtures.length / cost));
  }

  /**
   * Places strictly within what a sender sent: all of them, or, where these are too many, those around the ends of
   * steps and a random choice of the others.
   */
  places(fixture: Fixture, most: number, firstByteToo = false): Place[] {
    const places: Place[] = [];
    const near: Place[] = [];
    for (const from of ['client', 'server'] as const) {
      const ends = stepEnds(fixture, from);
      const length = ends[ends.length - 1] ?? 0;
      for (let at = firstByteToo ? 0 : 1; at < length; at++) places.push({ from, at });
      for (const end of [0, ...ends]) {
        for (const at of [end - 1, end + 1, end + 4]) {
          if (at > 0 && at < length) near.push({ from, at });
        }
      }
    }
    if (places.length <= most) return places;
    const random = new Random(this.seed);
    const chosen = near.length <= most / 2 ? near : [];
    while (chosen.length < most) chosen.push(random.pick(places));
    return chosen;
  }
}

/** Positions at which the steps of a sender end. */
export function stepEnds(fixture: Fixture, from: Sender): number[] {
  let at = 0;
  const ends: number[] = [];
  for (const step of fixture.steps) {
    if (step.from === from) ends.push((at += step.bytes.length + step.lost));
  }
  return ends;
}

/** What was thrown, in words; with the line of the plugin when there is a stack. */
export function describeFailure(failure: unknown): string {
  if (failure instanceof Hang) return `the plugin ${failure.message}`;
  if (!(failure instanceof Error)) return `the plugin threw ${String(failure)}`;
  if (failure.name === 'ContractViolation') return failure.message;
  const place = failure.stack
    ?.split('\n')
    .find((line) => /^\s+at /.test(line))
    ?.trim();
  return `the plugin threw ${failure.name}: ${failure.message}${place === undefined ? '' : ` (${place})`}`;
}
