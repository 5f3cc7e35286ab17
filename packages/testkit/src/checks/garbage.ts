// SPDX-License-Identifier: Apache-2.0
import { fuzzPlugin } from '../fuzz/fuzz-plugin.js';
import type { CheckContext } from './context.js';

const inputs = { quick: 20_000, full: 200_000 } as const;

/** Mutated and random conversations: no throw, no violation of the contract, no hang, no growth. */
export async function checkGarbage(context: CheckContext): Promise<void> {
  const { make, fixtures, seed, effort } = context;
  const report = await fuzzPlugin(make, { fixtures, seed, inputs: inputs[effort] });
  context.runs += report.inputs;
  for (const finding of report.findings) context.report(finding);
}
