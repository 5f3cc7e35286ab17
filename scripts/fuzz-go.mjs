// SPDX-License-Identifier: Apache-2.0
// Inspects damaged programs of Go: `node scripts/fuzz-go.mjs [--inputs 1000000] [--seed 1]`. Runs from sources. Closes with
// one line: `N passed, N failed`.
import { fileURLToPath } from 'node:url';
import { fuzzInShards } from './fuzz-shards.mjs';
import { loadSource } from './load-source.mjs';

await fuzzInShards({
  script: fileURLToPath(import.meta.url),
  silenceMs: 120_000,
  async load() {
    const { fuzzGo } = await loadSource(
      `export { fuzzGo } from './packages/uprobe-go/src/pclntab-fuzz.ts';`,
    );
    return fuzzGo;
  },
  print(reports, seconds) {
    const largest = (key) => Math.max(...reports.map((report) => report[key]));
    const inputs = reports.reduce((sum, report) => sum + report.inputs, 0);
    console.log(
      `inspected ${inputs} damaged programs in ${seconds.toFixed(0)} s: the slowest took ${largest('maxMs').toFixed(1)} ms, ` +
        `the most read ${largest('maxReadRatio').toFixed(0)} times its size, ${Math.round(largest('heapBytes') / 1e6)} MB held at the end`,
    );
  },
});
