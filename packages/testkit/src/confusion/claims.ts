// SPDX-License-Identifier: Apache-2.0
import type { Run } from '../run/play.js';

/** The plugins that took a connection for theirs, by name: by inference, or by a record. */
export function claimedBy(run: Run): string[] {
  const names = new Set(run.records.map((record) => record.protocol));
  for (const verdict of run.verdicts) {
    if (verdict.kind === 'protocol') names.add(verdict.name);
  }
  return [...names];
}
