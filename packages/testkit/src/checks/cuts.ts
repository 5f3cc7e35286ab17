// SPDX-License-Identifier: Apache-2.0
import type { Fixture } from '../fixture/fixture.js';
import { essenceOf, firstDifference } from '../judge/differences.js';
import { judgeDamaged } from '../judge/judge-damaged.js';
import type { Variation } from '../run/variation.js';
import type { CheckContext } from './context.js';
import type { Reference } from './reference.js';

/** Segments may end anywhere: the records must be the same for every place of a cut. */
export function checkCuts(context: CheckContext, reference: Reference): void {
  for (const fixture of context.fixtures) {
    const places = context.places(fixture, context.allowedRuns(fixture));
    for (const [index, place] of places.entries()) {
      if (context.isEnough) return;
      const role = index % 2 === 0 ? 'server' : 'client';
      const where = `cut before byte ${place.at} of the ${place.from}, seen by the ${role}`;
      playEqual(context, reference, fixture, { role, hint: true, cuts: [place] }, where);
    }
  }
}

/** However the bytes are divided into segments, the records must be the same. */
export function checkChunks(context: CheckContext, reference: Reference): void {
  for (const fixture of context.fixtures) {
    for (const role of ['server', 'client'] as const) {
      const variation = { role, hint: true, chunks: 'bytes' } as const;
      playEqual(context, reference, fixture, variation, `byte by byte, seen by the ${role}`);
      playEqual(
        context,
        reference,
        fixture,
        { role, hint: true, merge: true },
        `merged, seen by the ${role}`,
      );
    }
    const rounds = Math.min(context.allowedRuns(fixture), 400);
    for (let round = 0; round < rounds && !context.isEnough; round++) {
      const role = round % 2 === 0 ? 'server' : 'client';
      const chunks = { seed: context.seed + round, most: [2, 5, 17, 100, 1000][round % 5]! };
      const where = `chunks of up to ${chunks.most} bytes, seen by the ${role}`;
      playEqual(context, reference, fixture, { role, hint: true, chunks }, where);
      // Without the kernel's hint the first messages may be missed, but nothing may be wrong.
      const unhinted: Variation = { role, chunks };
      const { records } = context.run(fixture, unhinted, where);
      const truth = reference.records(fixture, role);
      const problem = judgeDamaged(records, truth, context.tolerance);
      if (problem !== undefined) context.reportRun(fixture, unhinted, where, problem);
    }
  }
}

function playEqual(
  context: CheckContext,
  reference: Reference,
  fixture: Fixture,
  variation: Variation,
  where: string,
): void {
  const role = variation.role ?? 'server';
  const { records } = context.run(fixture, variation, where);
  // A message that was cut where tracing begins need not be found; what is found must be right.
  const problem = fixture.midstream
    ? judgeDamaged(records, reference.records(fixture, role, { hint: true }), context.tolerance)
    : firstDifference(
        reference.essences(fixture, role, { hint: true }),
        records.map((record) => essenceOf(record)),
        variation.merge,
      );
  if (problem !== undefined) context.reportRun(fixture, variation, where, problem);
}
