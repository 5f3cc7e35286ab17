// SPDX-License-Identifier: Apache-2.0
import { mismatches } from '../judge/differences.js';
import type { CheckContext } from './context.js';

/** The fixtures give the records that their author expects; what they hold is of the declared types. */
export function checkRecords(context: CheckContext): void {
  for (const fixture of context.fixtures) {
    const { records } = context.run(fixture, {}, 'uncut');
    const report = (problem: string): void =>
      context.reportRun(fixture, {}, 'uncut, seen by the server', problem);
    const expected = fixture.records;
    if (expected === undefined) {
      if (records.length === 0) report('no record: is the protocol not recognized?');
      continue;
    }
    if (records.length !== expected.length) {
      report(
        `${records.length} records, expected ${expected.length}: got ${records.map((each) => each.operation).join(', ')}`,
      );
    }
    for (const [index, wanted] of expected.entries()) {
      const record = records[index];
      if (record === undefined) break;
      const [problem] = mismatches(wanted, record);
      if (problem !== undefined) report(`record ${index} (${record.operation}): ${problem}`);
    }
  }
}
