// SPDX-License-Identifier: Apache-2.0
import type { Role, TraceRecord } from '@libtrace/core';
import type { Fixture } from '../fixture/fixture.js';
import { essenceOf, type Essence } from '../judge/differences.js';
import { timesOf, type Run } from '../run/play.js';
import type { Variation } from '../run/variation.js';
import type { CheckContext } from './context.js';

/** What an undamaged, uncut run of a fixture gives: what other runs are compared with. */
export class Reference {
  readonly #context: CheckContext;
  readonly #runs = new Map<string, Run>();

  constructor(context: CheckContext) {
    this.#context = context;
  }

  records(fixture: Fixture, role: Role, variation: Variation = {}): readonly TraceRecord[] {
    const { hint = false, thinkMs = 0 } = variation;
    const key = `${this.#context.fixtures.indexOf(fixture)} ${role} ${hint} ${thinkMs}`;
    let run = this.#runs.get(key);
    if (run === undefined) {
      run = this.#context.run(fixture, { role, hint, thinkMs }, `uncut, seen by the ${role}`);
      this.#runs.set(key, run);
    }
    return run.records;
  }

  essences(fixture: Fixture, role: Role, variation: Variation = {}): Essence[] {
    return this.records(fixture, role, variation).map((record) => essenceOf(record));
  }
}

/** A turn: the client speaks after the server did. */
export interface Turn {
  readonly step: number;
  readonly startNs: number;
}

/** The turns of a fixture, its first step among them. */
export function turnsOf(fixture: Fixture, thinkMs: number): Turn[] {
  const times = timesOf(fixture, thinkMs);
  return fixture.steps.flatMap((step, index) => {
    const before = fixture.steps[index - 1]?.from;
    const begins = index === 0 || (step.from === 'client' && before === 'server');
    return begins ? [{ step: index, startNs: times[index]! }] : [];
  });
}

/** When all must be right again after damage that ends within a step: `skip` turns later than the next one. */
export function rightFrom(
  fixture: Fixture,
  thinkMs: number,
  damagedStep: number,
  skip: number,
): number {
  const later = turnsOf(fixture, thinkMs).filter((turn) => turn.step > damagedStep);
  return later[skip]?.startNs ?? Infinity;
}
