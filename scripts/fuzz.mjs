// SPDX-License-Identifier: Apache-2.0
// Tries every protocol plugin on all processors: the conformance suite in full (every cut, every hole), then mutated and random
// conversations: `node scripts/fuzz.mjs [--inputs 1000000] [--suite full|quick] [--seed 1] [--plugin http]`. Needs built packages. Prints a table and
// what was found; closes with one line: `N passed, N failed` (plugins).
import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { checkPlugin, checks, formatFinding, fuzzPlugin } from '@libtrace/testkit';
import { pluginsWithFixtures } from './plugins-with-fixtures.mjs';

const self = fileURLToPath(import.meta.url);
/** Parts of the suite that take long; the rest runs together. Fuzzing takes the place of `garbage`. */
const longChecks = ['cuts', 'chunks', 'midstream', 'holes', 'bounds'];
/** Inputs that one process plays before the next one takes over. */
const shardInputs = 125_000;
/** Shards of a plugin with so many findings are not begun any more. */
const maxFindings = 10;
/** A process that is silent for so long hangs where the fuzzer's own watchdog does not reach. */
const silenceMs = 300_000;

if (process.send === undefined) process.exitCode = await main();
else process.once('message', (shard) => void runShard(shard));

async function main() {
  const { values } = parseArgs({
    options: {
      inputs: { type: 'string', default: '1000000' },
      seed: { type: 'string', default: '1' },
      suite: { type: 'string', default: 'full' },
      plugin: { type: 'string', multiple: true },
    },
  });
  const [inputs, seed] = [values.inputs, values.seed].map(Number);
  if (!Number.isSafeInteger(inputs) || inputs < 1) throw new TypeError('--inputs must be a count');
  if (!Number.isSafeInteger(seed)) throw new TypeError('--seed must be an integer');
  if (!['quick', 'full'].includes(values.suite)) throw new TypeError('--suite is quick or full');
  const plugins = await pluginsWithFixtures();
  const names = values.plugin ?? plugins.map(({ name }) => name);
  for (const name of names) {
    const known = plugins.find((each) => each.name === name);
    if (known === undefined) throw new TypeError(`there is no plugin ${name}`);
  }
  const results = new Map(names.map((name) => [name, emptyResult()]));
  const shards = names.flatMap((name) => shardsOf(name, inputs, seed, values.suite));
  const startMs = performance.now();
  await Promise.all(Array.from({ length: availableParallelism() }, () => runNext(shards, results)));
  console.table(Object.fromEntries([...results].map(([name, result]) => [name, rowOf(result)])));
  for (const { name, rules } of plugins) {
    for (const [check, why] of Object.entries(rules.except ?? {})) {
      if (names.includes(name)) console.log(`${name}: check ${check} is not made: ${why}`);
    }
  }
  for (const [name, { findings }] of results) {
    for (const finding of findings) console.log(`\n${name}: ${finding}`);
  }
  const failed = [...results.values()].filter(({ findings }) => findings.length > 0).length;
  const seconds = ((performance.now() - startMs) / 1000).toFixed(0);
  console.log(`fuzzed ${names.join(', ')} in ${seconds} s`);
  console.log(`${results.size - failed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

function shardsOf(plugin, inputs, seed, effort) {
  const others = Object.keys(checks).filter((name) => ![...longChecks, 'garbage'].includes(name));
  const shards = [...longChecks.map((name) => [name]), others].map((only) => ({
    plugin,
    only,
    effort,
  }));
  for (let done = 0; done < inputs; done += shardInputs) {
    shards.push({ plugin, seed: seed + done, inputs: Math.min(shardInputs, inputs - done) });
  }
  return shards;
}

async function runNext(shards, results) {
  for (let shard = shards.shift(); shard !== undefined; shard = shards.shift()) {
    const result = results.get(shard.plugin);
    if (result.findings.length < maxFindings) add(result, await inChild(shard));
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

function lostReport(shard, last, how) {
  const { seed, inputs, only } = shard;
  const finding = {
    where: only
      ? `checks ${only}`
      : `fuzz inputs ${seed + last} to ${seed + Math.min(inputs, last + 1000)}`,
    problem: `the process ended (${how}) without a report: it hung, or ran out of memory`,
    reproduce: `node scripts/fuzz.mjs --plugin ${shard.plugin}${only ? '' : ` --seed ${seed + last} --inputs 1000`}`,
  };
  return { ...emptyResult(), inputs: last, findings: [finding] };
}

async function runShard({ plugin, seed, inputs, only, effort }) {
  const plugins = await pluginsWithFixtures();
  const { factory, fixtures, rules } = plugins.find(({ name }) => name === plugin);
  const onProgress = (count) => process.send(count);
  const report = only
    ? await runSuite({ factory, fixtures, rules, only, effort, plugins, onProgress })
    : await fuzzPlugin(factory, { fixtures, seed, inputs, onProgress });
  process.send(report, () => process.disconnect());
}

/** Some checks of the suite, as a report of the fuzzer. */
async function runSuite({ factory, fixtures, rules, only, effort, plugins, onProgress }) {
  const others = plugins.map((each) => each.factory());
  const alive = setInterval(() => onProgress(0), 1000);
  const report = await checkPlugin(factory, { fixtures, others, ...rules, effort, only });
  clearInterval(alive);
  const findings = report.checks.flatMap((check) => check.findings);
  const runs = report.checks.reduce((sum, check) => sum + check.runs, 0);
  return { ...emptyResult(), runs, findings };
}

function emptyResult() {
  return { runs: 0, inputs: 0, seconds: 0, maxMs: 0, growthBytes: 0, records: 0, findings: [] };
}

function add(result, report) {
  result.runs += report.runs ?? 0;
  result.inputs += report.inputs;
  result.seconds += report.seconds;
  result.records += report.records;
  result.maxMs = Math.max(result.maxMs, report.maxMs);
  result.growthBytes = Math.max(result.growthBytes, report.growthBytes);
  result.findings.push(...report.findings.map(formatFinding));
}

function rowOf({ runs, inputs, seconds, maxMs, growthBytes, records, findings }) {
  return {
    'suite runs': runs,
    inputs,
    'cpu s': Number(seconds.toFixed(1)),
    'inputs/s': Math.round(inputs / seconds),
    'max ms': Number(maxMs.toFixed(1)),
    'growth KB': Math.round(growthBytes / 1000),
    records,
    findings: findings.length,
  };
}
