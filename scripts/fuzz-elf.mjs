// SPDX-License-Identifier: Apache-2.0
// Reads damaged program files with core's ELF reader, DWARF reader and planner of probes:
// `node scripts/fuzz-elf.mjs [--inputs 1000000] [--seed 1]`. Runs from sources; needs gcc and objcopy. Prints counts and what
// was found; closes with one line: `N passed, N failed`.
import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { loadSource } from './load-source.mjs';

const self = fileURLToPath(import.meta.url);
/** Files that one process reads before it reports. */
const shardInputs = 50_000;
/** A process that is silent for so long hangs. */
const silenceMs = 300_000;
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
      settle(report ?? lostReport(shard, signal ?? code));
    });
    child.send(shard);
  });
}

function lostReport({ seed, inputs }, how) {
  const finding = `seeds ${seed} to ${seed + inputs - 1}: the process ended (${how}) without a report`;
  const found = { symbols: 0, probes: 0, members: 0 };
  return { inputs: 0, opened: 0, found, errors: {}, maxMs: 0, heapBytes: 0, findings: [finding] };
}

async function runShard({ inputs, seed }) {
  const { fuzzElf } = await loadSource(
    `export { fuzzElf } from './packages/core/src/elf/elf-fuzz.ts';`,
  );
  const report = fuzzElf(inputs, seed);
  const { heapUsed, external } = process.memoryUsage();
  process.send({ ...report, heapBytes: heapUsed + external }, () => process.disconnect());
}

function summarize(reports, seconds) {
  const sum = (pick) => reports.reduce((total, report) => total + pick(report), 0);
  const largest = (key) => Math.max(...reports.map((report) => report[key]));
  const findings = reports.flatMap((report) => report.findings);
  const heapBytes = largest('heapBytes');
  if (heapBytes > maxHeapBytes) findings.push(`a process holds ${heapBytes} bytes at its end`);
  const codes = [...new Set(reports.flatMap(({ errors }) => Object.keys(errors)))].sort();
  console.table({
    files: sum(({ inputs }) => inputs),
    opened: sum(({ opened }) => opened),
    'symbols found': sum(({ found }) => found.symbols),
    'probes planned': sum(({ found }) => found.probes),
    'members found': sum(({ found }) => found.members),
    ...Object.fromEntries(codes.map((code) => [code, sum(({ errors }) => errors[code] ?? 0)])),
    'longest, ms': Number(largest('maxMs').toFixed(1)),
    'held at the end, MB': Math.round(heapBytes / 1e6),
    seconds: Math.round(seconds),
  });
  for (const finding of findings) console.log(finding);
  console.log(`${findings.length === 0 ? 1 : 0} passed, ${findings.length === 0 ? 0 : 1} failed`);
  return findings.length === 0 ? 0 : 1;
}
