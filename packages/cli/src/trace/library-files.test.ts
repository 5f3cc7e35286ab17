// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { BinaryRef, UprobePlugin } from '@libtrace/core';
import { afterAll, describe, expect, it } from 'vitest';
import { libraryFiles } from './library-files.js';

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'libtrace-libraries-')));
afterAll(() => rmSync(folder, { recursive: true }));
mkdirSync(join(folder, 'lib'));
for (const name of ['libssl.so.3.1', 'libz.so.1', 'libssl.txt']) {
  writeFileSync(join(folder, 'lib', name), '');
}
symlinkSync('libssl.so.3.1', join(folder, 'lib/libssl.so.3'));
symlinkSync('nowhere', join(folder, 'lib/libssl.so.2'));

function source(wants: (binary: BinaryRef) => boolean): UprobePlugin {
  return { name: 'x', wants } as UprobePlugin;
}
const libssl = source(({ path }) => basename(path).startsWith('libssl'));
const library = join(folder, 'lib/libssl.so.3.1');

describe('libraryFiles', () => {
  it('finds what a source wants, each file once, by its own name', () => {
    const env = {
      LD_LIBRARY_PATH: `/no/such/folder:${join(folder, 'lib')}:${join(folder, 'lib')}`,
    };
    expect(libraryFiles(env, [source(() => false), libssl])).toEqual([library]);
  });

  it('finds nothing without the variable or without sources', () => {
    expect(libraryFiles({}, [libssl])).toEqual([]);
    expect(libraryFiles({ LD_LIBRARY_PATH: '' }, [libssl])).toEqual([]);
    expect(libraryFiles({ LD_LIBRARY_PATH: join(folder, 'lib') }, [])).toEqual([]);
  });

  it('does without what a source throws', () => {
    const broken = source(() => {
      throw new Error('broken');
    });
    expect(libraryFiles({ LD_LIBRARY_PATH: join(folder, 'lib') }, [broken])).toEqual([]);
  });
});
