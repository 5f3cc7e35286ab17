// SPDX-License-Identifier: Apache-2.0
// Fuzzes every protocol plugin, on all processors: `node scripts/fuzz.mjs [--inputs 1000000] [--seed 1] [--plugin http]`.
// Needs built packages. Prints a table and what was found; closes with one line: `N passed, N failed` (plugins).
import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { formatFinding, fuzzPlugin } from '@libtrace/testkit';
import { pluginsWithFixtures } from './plugins-with-fixtures.mjs';

const self = fileURLToPath(import.meta.url);
/** Inputs that one process plays before the next one takes over. */
const shardInputs = 125_000;
/** A process that is silent for so long hangs where the fuzzer's own watchdog does not reach. */
const silenceMs = 120_000;

if (process.send === undefined) process.exitCode = await main();
else process.once('message', (shard) => void runShard(shard));

async function main() {
  const { values } = parseArgs({
    options: {
      inputs: { type: 'string', default: '1000000' },
      seed: { type: 'string', default: '1' },
      plugin: { type: 'string', multiple: true },
    },
  });
  const [inputs, seed] = [values.inputs, values.seed].map(Number);
  if (!Number.isSafeInteger(inputs) || inputs < 1) throw new TypeError('--inputs must be a count');
  if (!Number.isSafeInteger(seed)) throw new TypeError('--seed must be an integer');
  const plugins = await pluginsWithFixtures();
  const names = values.plugin ?? plugins.map(({ name }) => name);
  for (const name of names) {
    const known = plugins.find((each) => each.name === name);
    if (known === undefined) throw new TypeError(`there is no plugin ${name}`);
  }
  const results = new Map(names.map((name) => [name, emptyResult()]));
  const shards = names.flatMap((name) => shardsOf(name, inputs, seed));
  const startMs = performance.now();
  await Promise.all(Array.from({ length: availableParallelism() }, () => runNext(shards, results)));
  console.table(Object.fromEntries([...results].map(([name, result]) => [name, rowOf(result)])));
  for (const [name, { findings }] of results) {
    for (const finding of findings) console.log(`\n${name}: ${finding}`);
  }
  const failed = [...results.values()].filter(({ findings }) => findings.length > 0).length;
  const seconds = ((performance.now() - startMs) / 1000).toFixed(0);
  console.log(`fuzzed ${names.join(', ')} in ${seconds} s`);
  console.log(`${results.size - failed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

function shardsOf(plugin, inputs, seed) {
  const shards = [];
  for (let done = 0; done < inputs; done += shardInputs) {
    shards.push({ plugin, seed: seed + done, inputs: Math.min(shardInputs, inputs - done) });
  }
  return shards;
}

async function runNext(shards, results) {
  for (let shard = shards.shift(); shard !== undefined; shard = shards.shift()) {
    const result = results.get(shard.plugin);
    if (result.findings.length < 3) add(result, await inChild(shard));
  }
}

/** Runs a shard in a process of its own; a process that dies or hangs is a finding. */
function inChild(shard) {
  return new Promise((resolve) => {
    const child = fork(self, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    let last = 0;
    let silent;
    const listen = () => {
      clearTimeout(silent);
      silent = setTimeout(() => child.kill('SIGKILL'), silenceMs);
    };
    let report;
    child.on('message', (message) => {
      listen();
      if (typeof message === 'number') last = message;
      else report = message;
    });
    child.on('exit', (code, signal) => {
      clearTimeout(silent);
      resolve(report ?? lostReport(shard, last, signal ?? code));
    });
    listen();
    child.send(shard);
  });
}

function lostReport({ seed, inputs }, last, how) {
  const finding = {
    where: `fuzz inputs ${seed + last} to ${seed + Math.min(inputs, last + 1000)}`,
    problem: `the process ended (${how}) without a report: it hung, or ran out of memory`,
    reproduce: `node scripts/fuzz.mjs --seed ${seed + last} --inputs 1000`,
  };
  return { inputs: last, seconds: 0, maxMs: 0, growthBytes: 0, records: 0, findings: [finding] };
}

async function runShard({ plugin, seed, inputs }) {
  const { factory, fixtures } = (await pluginsWithFixtures()).find(({ name }) => name === plugin);
  const onProgress = (count) => process.send(count);
  const report = await fuzzPlugin(factory, { fixtures, seed, inputs, onProgress });
  process.send(report, () => process.disconnect());
}

function emptyResult() {
  return { inputs: 0, seconds: 0, maxMs: 0, growthBytes: 0, records: 0, findings: [] };
}

function add(result, report) {
  result.inputs += report.inputs;
  result.seconds += report.seconds;
  result.records += report.records;
  result.maxMs = Math.max(result.maxMs, report.maxMs);
  result.growthBytes = Math.max(result.growthBytes, report.growthBytes);
  result.findings.push(...report.findings.map(formatFinding));
}

function rowOf({ inputs, seconds, maxMs, growthBytes, records, findings }) {
  return {
    inputs,
    'cpu s': Number(seconds.toFixed(1)),
    'inputs/s': Math.round(inputs / seconds),
    'max ms': Number(maxMs.toFixed(1)),
    'growth KB': Math.round(growthBytes / 1000),
    records,
    findings: findings.length,
  };
}
