// SPDX-License-Identifier: Apache-2.0
import { expect, it } from 'vitest';
import { fuzzGo } from './pclntab-fuzz.js';

it(
  'inspects 20,000 damaged programs without an exception, a hang, or reading without end',
  { timeout: 60_000 },
  () => {
    const { inputs, outcomes, findings } = fuzzGo(20_000, 1);
    expect(findings).toEqual([]);
    expect(inputs).toBe(20_000);
    // Some are hardly damaged, some badly: a fuzzer that only ever sees one of these finds nothing.
    expect(outcomes.plan).toBeGreaterThan(1000);
    expect(outcomes.reason).toBeGreaterThan(1000);
    expect(outcomes.nothing).toBeGreaterThan(100);
  },
);
