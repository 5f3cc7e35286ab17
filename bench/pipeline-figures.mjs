// SPDX-License-Identifier: Apache-2.0
// bench/pipeline, as figures of the table.
import { run as runPipeline } from './pipeline/pipeline-bench.mjs';

const aimPerSecond = 500_000;

/** @param {{ rounds: number, exchanges: number, log: (line: string) => void }} options */
export async function run({ rounds, exchanges, log }) {
  log(`${rounds} rounds a case`);
  const { unit, results } = await runPipeline({ rounds, exchanges: exchanges * 40 });
  const figures = Object.entries(results).map(([name, ours], index) => {
    const figure = { name: `from memory: ${name}`, unit: 'exchanges/s', ours };
    if (index > 0) return figure;
    return { ...figure, aim: `≥ ${aimPerSecond / 1000}k`, ok: ours.median >= aimPerSecond };
  });
  return { title: 'User space on one core', figures, raw: { unit, results } };
}
