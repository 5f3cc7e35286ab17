// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { ToldVerdicts } from './told-verdicts.js';

const http = { kind: 'protocol', name: 'http' } as const;

function setUp() {
  const told: unknown[] = [];
  return { told, verdicts: new ToldVerdicts((id, verdict) => told.push([id, verdict.kind])) };
}

describe('ToldVerdicts', () => {
  it('tells a verdict again when segments keep coming without it', () => {
    const { told, verdicts } = setUp();
    verdicts.tell(1, http, 0);
    verdicts.unnamed(1, 1e6);
    expect(told).toHaveLength(1);
    verdicts.unnamed(1, 20e6);
    verdicts.unnamed(1, 21e6);
    expect(told).toEqual([
      [1, 'protocol'],
      [1, 'protocol'],
    ]);
    verdicts.unnamed(1, 40e6);
    expect(told).toHaveLength(3);
  });

  it('forgets it with the connection, and when another verdict takes its place', () => {
    const { told, verdicts } = setUp();
    verdicts.tell(1, http, 0);
    verdicts.tell(1, { kind: 'reopen' }, 1);
    verdicts.tell(2, http, 0);
    verdicts.closed(2);
    for (const id of [1, 2, 3]) verdicts.unnamed(id, 1e9);
    expect(told).toEqual([
      [1, 'protocol'],
      [1, 'reopen'],
      [2, 'protocol'],
    ]);
  });
});
