// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { inspectBinary } from '@libtrace/core';
import { describe, expect, it } from 'vitest';
import { toytls } from './index.js';

/** `make` builds it. Nothing is attached: the file is only read. */
const library = fileURLToPath(new URL('../build/libtoytls.so', import.meta.url));

describe('toytls', () => {
  it.skipIf(!existsSync(library))(
    'finds the functions of the library, and a place for every probe',
    () => {
      const [binary] = inspectBinary(library, [toytls()]);
      expect(binary?.summary).toBe('libtoytls, dynamic symbols');
      const places = binary?.probes.map(({ program, place }) => [program, place]);
      expect(places).toEqual(
        expect.arrayContaining([
          ['read_enter', 'toy_read'],
          ['call_return', 'toy_read'],
          ['write_enter', 'toy_write'],
          ['call_return', 'toy_write'],
          ['free_enter', 'toy_free'],
        ]),
      );
      expect(binary?.probes.every(({ reason }) => reason === undefined)).toBe(true);
    },
  );

  it('asks for no other file', () => {
    const file = (path: string) => ({ path, device: 1, inode: 1, isExecutable: false });
    expect(toytls().wants(file('/usr/lib/libtoytls.so.1'))).toBe(true);
    expect(toytls().wants(file('/usr/lib/libssl.so.3'))).toBe(false);
  });
});
