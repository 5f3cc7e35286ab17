// SPDX-License-Identifier: Apache-2.0
import type { Fixture } from '../fixture/fixture.js';
import { judgeDamaged } from '../judge/judge-damaged.js';
import { Random } from '../run/random.js';
import type { Hole, Variation } from '../run/variation.js';
import { stepEnds, type CheckContext } from './context.js';
import { rightFrom, type Reference } from './reference.js';

const sizes = [1, 2, 4, 9, 33, 200];
const thinkMs = 2000;

/**
 * Bytes may be lost anywhere: nothing is guessed then, what is damaged says so, and what comes after the next turn of
 * the conversation is right again.
 */
export function checkHoles(context: CheckContext, reference: Reference): void {
  for (const fixture of context.fixtures) {
    for (const [index, hole] of holesIn(context, fixture).entries()) {
      if (context.isEnough) return;
      const role = index % 2 === 0 ? 'server' : 'client';
      // After a silence all must be right again; without one, nothing may be wrong.
      const silence = index % 3 === 0 ? 0 : thinkMs;
      const variation: Variation = { role, hint: true, thinkMs: silence, hole };
      const where =
        `${hole.length} bytes lost at byte ${hole.at} of the ${hole.from} ` +
        `(${hole.how}), seen by the ${role}`;
      const { records } = context.run(fixture, variation, where);
      const problem = judgeDamaged(
        records,
        reference.records(fixture, role, { hint: true, thinkMs: silence }),
        context.tolerance,
        silence === 0
          ? Infinity
          : rightFrom(fixture, silence, lastStepIn(fixture, hole), context.tolerance.recoverTurns),
      );
      if (problem !== undefined) context.reportRun(fixture, variation, where, problem);
    }
  }
}

function holesIn(context: CheckContext, fixture: Fixture): Hole[] {
  const most = context.allowedRuns(fixture);
  const random = new Random(context.seed + 1);
  const places = context.places(fixture, most, true);
  const perPlace = Math.max(1, Math.min(sizes.length, Math.floor(most / places.length)));
  return places.flatMap((place) => {
    const first = random.below(sizes.length);
    return Array.from({ length: perPlace }, (_, i): Hole => {
      const left = lengthOf(fixture, place.from) - place.at;
      const length = Math.min(sizes[(first + i) % sizes.length]!, left);
      return { ...place, length, how: random.below(2) === 0 ? 'limit' : 'loss' };
    });
  });
}

function lengthOf(fixture: Fixture, from: Hole['from']): number {
  return stepEnds(fixture, from).at(-1) ?? 0;
}

/** The step that holds the last byte of a hole. */
function lastStepIn(fixture: Fixture, hole: Hole): number {
  let at = 0;
  for (const [index, step] of fixture.steps.entries()) {
    if (step.from !== hole.from) continue;
    at += step.bytes.length + step.lost;
    if (at >= hole.at + hole.length) return index;
  }
  return fixture.steps.length;
}
