// SPDX-License-Identifier: Apache-2.0
import type { Role } from '@libtrace/core';
import { foreignConversations } from '../foreign/index.js';
import type { CheckContext } from './context.js';
import { play } from '../run/play.js';
import type { Variation } from '../run/variation.js';
import { claimedBy } from '../confusion/claims.js';

const roles: readonly Role[] = ['server', 'client', 'unknown'];

/** The plugin recognizes its own conversations, and nobody else's; and nobody else recognizes them. */
export function checkInference(context: CheckContext): void {
  for (const fixture of context.fixtures) {
    for (const role of roles) {
      const where = `first bytes, role ${role}`;
      const run = context.run(fixture, { role }, where);
      const claims = claimedBy(run);
      if (!claims.includes(context.name)) {
        context.reportRun(fixture, { role }, where, 'its own conversation is not recognized');
      }
      if (run.verdicts.some((verdict) => verdict.kind === 'reopen')) {
        const problem = 'the parser refused so much that core took the protocol for wrong';
        context.reportRun(fixture, { role }, where, problem);
      }
      for (const other of context.others) {
        if (other.name === context.name) continue;
        const [thief] = claimedBy(play([other], fixture, { role }));
        if (thief !== undefined) {
          context.reportRun(fixture, { role }, where, `the plugin ${thief} takes it for its own`);
        }
      }
    }
  }
  checkForeign(context);
}

function checkForeign(context: CheckContext): void {
  const { name } = context;
  for (const foreign of foreignConversations) {
    if (foreign.protocol === name || context.speaks.includes(foreign.protocol)) continue;
    for (const role of roles) {
      for (const start of [undefined, { step: 1, offset: 0 }]) {
        const variation: Variation = { role, ...(start === undefined ? {} : { start }) };
        context.runs++;
        const run = play([context.make()], foreign, variation);
        if (!claimedBy(run).includes(name)) continue;
        const where = `${foreign.protocol}, role ${role}${start === undefined ? '' : ', joined late'}`;
        context.report({
          where,
          problem: `the plugin takes a conversation of ${foreign.protocol} for its own`,
          reproduce: `runFixture(plugin, foreignConversation('${foreign.name}'), { role: '${role}' })`,
        });
      }
    }
  }
}
