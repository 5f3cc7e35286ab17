// SPDX-License-Identifier: Apache-2.0
// Reads damaged program files with core's ELF reader, DWARF reader and planner of probes:
// `node scripts/fuzz-elf.mjs [--inputs 1000000] [--seed 1]`. Runs from sources; needs gcc and objcopy. Prints counts and what
// was found; closes with one line: `N passed, N failed`.
import { fileURLToPath } from 'node:url';
import { fuzzInShards } from './fuzz-shards.mjs';
import { loadSource } from './load-source.mjs';

await fuzzInShards({
  script: fileURLToPath(import.meta.url),
  silenceMs: 300_000,
  async load() {
    const { fuzzElf } = await loadSource(
      `export { fuzzElf } from './packages/core/src/elf/elf-fuzz.ts';`,
    );
    return fuzzElf;
  },
  print(reports, seconds) {
    const sum = (pick) => reports.reduce((total, report) => total + pick(report), 0);
    const largest = (key) => Math.max(...reports.map((report) => report[key]));
    const codes = [...new Set(reports.flatMap(({ errors }) => Object.keys(errors)))].sort();
    console.table({
      files: sum(({ inputs }) => inputs),
      opened: sum(({ opened }) => opened),
      'symbols found': sum(({ found }) => found.symbols),
      'probes planned': sum(({ found }) => found.probes),
      'members found': sum(({ found }) => found.members),
      ...Object.fromEntries(codes.map((code) => [code, sum(({ errors }) => errors[code] ?? 0)])),
      'longest, ms': Number(largest('maxMs').toFixed(1)),
      'held at the end, MB': Math.round(largest('heapBytes') / 1e6),
      seconds: Math.round(seconds),
    });
  },
});
