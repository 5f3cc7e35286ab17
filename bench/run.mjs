// SPDX-License-Identifier: Apache-2.0
/**
 * The figures of this machine (bench/README.md says what each one means):
 *
 *   npm run bench -- [--only bpf,filtered,nginx,pipeline,tls,parts] [--quick] [--rounds N] [--seconds S]
 *
 * Needs root. Traces only programs that it starts itself. Prints a table a section and writes everything, raw values
 * included, to .cache/bench/latest.json. Exit status 1 when a figure falls short of its aim and --strict is given.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from '../scripts/build.mjs';
import { output, root } from './lib/build.mjs';
import { table } from './lib/figures.mjs';
import { machine } from './lib/processes.mjs';

/** Section name to its module; those marked are only run when asked for. */
const sections = {
  bpf: { module: './bpf/bpf-bench.mjs' },
  filtered: { module: './bpf/filtered-bench.mjs' },
  nginx: { module: './nginx/nginx-bench.mjs' },
  pipeline: { module: './pipeline-figures.mjs' },
  tls: { module: './tls/tls-bench.mjs' },
  parts: { module: './bpf/parts-bench.mjs', onDemand: true },
};

function choose(only) {
  if (only === undefined) return Object.keys(sections).filter((name) => !sections[name].onDemand);
  const names = only.split(',');
  const unknown = names.find((name) => !Object.hasOwn(sections, name));
  if (unknown === undefined) return names;
  console.error(`there is no section ${unknown}; there are ${Object.keys(sections).join(', ')}`);
  process.exit(2);
}

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    quick: { type: 'boolean', default: false },
    strict: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    build: { type: 'boolean', default: true },
  },
  allowNegative: true,
});
const names = choose(values.only);
if (process.getuid() !== 0 && names.some((name) => name !== 'pipeline')) {
  console.error('live tracing needs root: run it as root, or with --only pipeline');
  process.exit(2);
}
const options = {
  rounds: Number(values.rounds ?? (values.quick ? 2 : 5)),
  seconds: Number(values.seconds ?? (values.quick ? 1 : 5)),
  exchanges: values.quick ? 5_000 : 25_000,
  log: (line) => console.error(`  ${line}`),
};
if (values.build) await build();

const report = { machine: machine(), options: { ...options, log: undefined }, sections: {} };
for (const name of names) {
  console.error(`${name} …`);
  const { run } = await import(sections[name].module);
  const section = await run(options);
  report.sections[name] = section;
  console.log(`\n${table(section.title, section.figures)}\n`);
}
const { kernel, cpu, cpus, node, loadBefore } = report.machine;
console.log(`Linux ${kernel}, ${cpus} × ${cpu}, Node ${node}, load ${loadBefore} at the start`);
console.log(
  `median (lowest…highest) of ${options.rounds} rounds; "compared" is made within each round`,
);
mkdirSync(output, { recursive: true });
const file = join(output, 'latest.json');
writeFileSync(file, `${JSON.stringify(report, null, 2)}\n`);
console.error(`raw values: ${relative(root, file)}`);
const figures = Object.values(report.sections).flatMap((section) => section.figures);
const missed = figures.filter(({ ok }) => ok === false);
if (values.strict && missed.length > 0) process.exitCode = 1;
