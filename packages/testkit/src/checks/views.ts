// SPDX-License-Identifier: Apache-2.0
import { essenceOf, firstDifference } from '../judge/differences.js';
import type { Variation } from '../run/variation.js';
import type { CheckContext } from './context.js';

/** A view is valid during the call only: its memory is overwritten afterwards, and nothing may change by that. */
export function checkViews(context: CheckContext): void {
  for (const fixture of context.fixtures) {
    const ways: readonly Variation[] = [
      {},
      { merge: true },
      { chunks: 'bytes' },
      { chunks: { seed: context.seed, most: 20 } },
    ];
    for (const way of ways) {
      if (context.isEnough) return;
      const plain: Variation = { ...way, role: 'server', hint: true };
      const variation = { ...plain, poisonViews: true };
      const where = 'memory overwritten after each call';
      const { records } = context.run(fixture, variation, where);
      const difference = firstDifference(
        context.run(fixture, plain, where).records.map((record) => essenceOf(record)),
        records.map((record) => essenceOf(record)),
      );
      if (difference === undefined) continue;
      const problem = `${difference}: bytes of a view were kept instead of copied?`;
      context.reportRun(fixture, variation, where, problem);
    }
  }
}
