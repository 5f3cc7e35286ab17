// SPDX-License-Identifier: Apache-2.0
// What fuzzing scripts share: many inputs, spread over processes that die, hang or grow without harm to the run.
import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';

/** Inputs that one process takes before it reports. */
const shardInputs = 50_000;
/** More than this at the end means that something is kept. */
const maxHeapBytes = 256 * 1024 * 1024;

/**
 * @template {{ findings: readonly string[] }} Report
 * @typedef {object} Fuzzing
 * @property {string} script the file that calls: it is run again for each shard
 * @property {number} silenceMs a process that is silent for so long hangs
 * @property {() => Promise<(inputs: number, seed: number) => Report>} load
 * @property {(reports: readonly (Report & { heapBytes: number })[], seconds: number) => void} print
 */

/**
 * Takes `--inputs` (default 1,000,000) and `--seed` (1), prints the findings, and closes with `N passed, N failed`, which
 * the exit status follows.
 *
 * @template {{ findings: readonly string[] }} Report
 * @param {Fuzzing<Report>} fuzzing
 */
export async function fuzzInShards(fuzzing) {
  if (process.send === undefined) process.exitCode = await main(fuzzing);
  else process.once('message', (shard) => void runShard(fuzzing, shard));
}

async function main({ script, silenceMs, print }) {
  const { values } = parseArgs({
    options: {
      inputs: { type: 'string', default: '1000000' },
      seed: { type: 'string', default: '1' },
    },
  });
  const [inputs, seed] = [values.inputs, values.seed].map(Number);
  if (!Number.isSafeInteger(inputs) || inputs < 1) throw new TypeError('--inputs must be a count');
  if (!Number.isSafeInteger(seed)) throw new TypeError('--seed must be an integer');
  const shards = [];
  for (let done = 0; done < inputs; done += shardInputs) {
    shards.push({ seed: seed + done, inputs: Math.min(shardInputs, inputs - done) });
  }
  const startMs = performance.now();
  const reports = [];
  const findings = [];
  const worker = async () => {
    for (let shard = shards.shift(); shard !== undefined; shard = shards.shift()) {
      const report = await inChild(script, silenceMs, shard);
      if (typeof report === 'string') findings.push(report);
      else reports.push(report);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  for (const report of reports) {
    findings.push(...report.findings);
    if (report.heapBytes > maxHeapBytes)
      findings.push(`a process holds ${report.heapBytes} bytes at its end`);
  }
  if (reports.length > 0) print(reports, (performance.now() - startMs) / 1000);
  for (const finding of findings) console.log(finding);
  console.log(`${findings.length === 0 ? 1 : 0} passed, ${findings.length === 0 ? 0 : 1} failed`);
  return findings.length === 0 ? 0 : 1;
}

/** Runs a shard in a process of its own: its report, or what became of one that died or hung. */
function inChild(script, silenceMs, shard) {
  return new Promise((settle) => {
    const child = fork(script, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    const silent = setTimeout(() => child.kill('SIGKILL'), silenceMs);
    let report;
    child.on('message', (message) => (report = message));
    child.on('exit', (code, signal) => {
      clearTimeout(silent);
      const last = shard.seed + shard.inputs - 1;
      settle(
        report ??
          `seeds ${shard.seed} to ${last}: the process ended (${signal ?? code}) without a report`,
      );
    });
    child.send(shard);
  });
}

async function runShard({ load }, { inputs, seed }) {
  const fuzz = await load();
  const report = fuzz(inputs, seed);
  const { heapUsed, external } = process.memoryUsage();
  process.send({ ...report, heapBytes: heapUsed + external }, () => process.disconnect());
}
