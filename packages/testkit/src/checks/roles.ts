// SPDX-License-Identifier: Apache-2.0
import { essenceOf, firstDifference } from '../judge/differences.js';
import type { CheckContext } from './context.js';
import type { Reference } from './reference.js';

/** The same conversation gives the same records from the client's side, and when the role is not known. */
export function checkRoles(context: CheckContext, reference: Reference): void {
  const { perRole } = context.tolerance;
  for (const fixture of context.fixtures) {
    const expected = reference
      .records(fixture, 'server')
      .map((record) => essenceOf(record, perRole));
    for (const role of ['client', 'unknown'] as const) {
      const where = role === 'client' ? 'seen by the client' : 'role unknown';
      const { records } = context.run(fixture, { role }, where);
      const actual = records.map((record) => essenceOf(record, perRole));
      const difference = firstDifference(expected, actual);
      if (difference !== undefined) {
        const problem = `${difference} (as seen by the server)`;
        context.reportRun(fixture, { role }, where, problem);
      }
    }
  }
}
