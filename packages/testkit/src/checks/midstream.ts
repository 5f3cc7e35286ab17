// SPDX-License-Identifier: Apache-2.0
import type { Role } from '@libtrace/core';
import type { Fixture } from '../fixture/fixture.js';
import { judgeDamaged } from '../judge/judge-damaged.js';
import { Random } from '../run/random.js';
import type { Variation } from '../run/variation.js';
import type { CheckContext } from './context.js';
import { rightFrom, turnsOf, type Reference } from './reference.js';

const thinkMs = 2000;
const roles: readonly Role[] = ['server', 'client', 'unknown'];

/**
 * Tracing may begin when a connection exists already: at a message, or in the middle of one. The kernel names the
 * protocol of such a connection only with a segment that its rules match, so only turns are hinted.
 */
export function checkMidstream(context: CheckContext, reference: Reference): void {
  for (const fixture of context.fixtures) {
    const starts = fixture.steps.map((_, step) => ({ step, offset: 0 })).slice(1);
    const random = new Random(context.seed);
    const rounds = Math.min(context.allowedRuns(fixture), 20 * fixture.steps.length);
    for (let round = 0; round < rounds; round++) {
      const step = random.below(fixture.steps.length);
      const { length } = fixture.steps[step]!.bytes;
      if (length > 1) starts.push({ step, offset: random.between(1, length - 1) });
    }
    for (const [index, start] of starts.entries()) {
      if (context.isEnough) return;
      joinAt(context, reference, fixture, {
        role: roles[index % roles.length]!,
        thinkMs: random.below(2) === 0 ? thinkMs : 0,
        start,
      });
    }
    for (const { step } of turnsOf(fixture, thinkMs).slice(1)) {
      for (const role of roles) {
        const start = { step, offset: 0 };
        joinAt(context, reference, fixture, { role, hint: true, thinkMs, start });
      }
    }
  }
}

function joinAt(
  context: CheckContext,
  reference: Reference,
  fixture: Fixture,
  variation: Variation & { readonly start: NonNullable<Variation['start']> },
): void {
  const { start, role = 'server', hint, thinkMs: silence = 0 } = variation;
  const { from } = fixture.steps[start.step]!;
  const place =
    start.offset === 0 ? `step ${start.step}` : `byte ${start.offset} of step ${start.step}`;
  const where = `tracing begins at ${place} (of the ${from}), role ${role}`;
  const { records } = context.run(fixture, variation, where);
  // What begins with a turn is seen from its start, and is right when the kernel knows the protocol.
  const isTurn = start.offset === 0 && turnsOf(fixture, silence).some((t) => t.step === start.step);
  const damaged = isTurn ? start.step - 1 : start.step;
  const expected =
    hint === true && role !== 'unknown' && silence > 0
      ? rightFrom(fixture, silence, damaged, context.tolerance.recoverTurns)
      : Infinity;
  const truth = reference.records(fixture, 'server', { hint: true, thinkMs: silence });
  const seen =
    role === 'client'
      ? reference.records(fixture, 'client', { hint: true, thinkMs: silence })
      : truth;
  const problem = judgeDamaged(records, seen, context.tolerance, expected);
  if (problem !== undefined) context.reportRun(fixture, variation, where, problem);
}
