// SPDX-License-Identifier: Apache-2.0
import { expect, it } from 'vitest';
import { fuzzElf } from './elf-fuzz.js';

const inputs = 20_000;

it('reads damaged program files without an error of another kind, and in time', () => {
  const report = fuzzElf(inputs, 1);
  expect(report.findings).toEqual([]);
  expect(report.inputs).toBe(inputs);
  // Not only heads that are refused: much of it is read, and much is found.
  expect(report.opened).toBeGreaterThan(inputs / 2);
  expect(report.found.symbols).toBeGreaterThan(inputs);
  expect(report.found.members).toBeGreaterThan(inputs / 20);
  expect(report.found.probes).toBeGreaterThan(inputs / 20);
}, 300_000);
