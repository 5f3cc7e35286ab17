// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { ProcessMatch } from './process-match.js';

const curl = { comm: 'curl', exe: '/usr/bin/curl', args: 'curl -s https://example.org/a' };

describe('ProcessMatch', () => {
  it('takes every process without an expression, and reads nothing of it', () => {
    const match = new ProcessMatch(undefined, ['openssl', 'go']);
    const sources = match.sourcesFor(() => {
      throw new Error('read');
    });
    expect([...sources]).toEqual(['openssl', 'go']);
  });

  it.each([/^curl$/, /^\/usr\/bin\/curl$/, /-s https:\/\/example\.org\/a$/])(
    'compares %s with name, executable and arguments',
    (match) => {
      expect([...new ProcessMatch(match, ['openssl']).sourcesFor(() => curl)]).toEqual(['openssl']);
    },
  );

  it('takes none that does not match', () => {
    expect(new ProcessMatch(/wget/, ['openssl']).sourcesFor(() => curl).size).toBe(0);
  });

  it('asks for each source; one without an expression looks into every process', () => {
    const match = new ProcessMatch({ openssl: /wget/, go: /curl/ }, ['openssl', 'go', 'other']);
    expect([...match.sourcesFor(() => curl)]).toEqual(['go', 'other']);
  });

  it('finds the same each time with an expression that goes on where it was', () => {
    const match = new ProcessMatch(/curl/g, ['openssl']);
    for (let i = 0; i < 3; i++) expect(match.sourcesFor(() => curl).size).toBe(1);
  });
});
