// SPDX-License-Identifier: Apache-2.0
// Inspects damaged programs of Go: `node scripts/fuzz-go.mjs [--inputs 1000000] [--seed 1]`. Runs from sources. Closes with
// one line: `N passed, N failed`.
import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { loadSource } from './load-source.mjs';

const self = fileURLToPath(import.meta.url);
/** Inputs that one process inspects before it reports. */
const shardInputs = 50_000;
/** A process that is silent for so long hangs. */
const silenceMs = 120_000;
/** More than this at the end means that something is kept. */
const maxHeapBytes = 256 * 1024 * 1024;

if (process.send === undefined) process.exitCode = await main();
else process.once('message', (shard) => void runShard(shard));

async function main() {
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
  const worker = async () => {
    for (let shard = shards.shift(); shard !== undefined; shard = shards.shift()) {
      reports.push(await inChild(shard));
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  return summarize(reports, (performance.now() - startMs) / 1000);
}

/** Runs a shard in a process of its own; one that dies or hangs is a finding. */
function inChild(shard) {
  return new Promise((settle) => {
    const child = fork(self, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    const silent = setTimeout(() => child.kill('SIGKILL'), silenceMs);
    let report;
    child.on('message', (message) => (report = message));
    child.on('exit', (code, signal) => {
      clearTimeout(silent);
      const lost = `seeds from ${shard.seed}: the process ended (${signal ?? code}) without a report`;
      settle(report ?? { inputs: 0, maxMs: 0, maxReadRatio: 0, heapBytes: 0, findings: [lost] });
    });
    child.send(shard);
  });
}

async function runShard({ inputs, seed }) {
  const { fuzzGo } = await loadSource(
    `export { fuzzGo } from './packages/uprobe-go/src/pclntab-fuzz.ts';`,
  );
  const report = fuzzGo(inputs, seed);
  const { heapUsed, external } = process.memoryUsage();
  process.send({ ...report, heapBytes: heapUsed + external }, () => process.disconnect());
}

function summarize(reports, seconds) {
  const largest = (key) => Math.max(...reports.map((report) => report[key]));
  const findings = reports.flatMap((report) => report.findings);
  const heapBytes = largest('heapBytes');
  if (heapBytes > maxHeapBytes) findings.push(`a process holds ${heapBytes} bytes at its end`);
  const inputs = reports.reduce((sum, report) => sum + report.inputs, 0);
  for (const finding of findings) console.log(finding);
  console.log(
    `inspected ${inputs} damaged programs in ${seconds.toFixed(0)} s: the slowest took ${largest('maxMs').toFixed(1)} ms, ` +
      `the most read ${largest('maxReadRatio').toFixed(0)} times its size, ${Math.round(heapBytes / 1e6)} MB held at the end`,
  );
  console.log(`${findings.length === 0 ? 1 : 0} passed, ${findings.length === 0 ? 0 : 1} failed`);
  return findings.length === 0 ? 0 : 1;
}
