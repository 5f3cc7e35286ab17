// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { installedLibraries } from './installed-libraries.js';

it('finds the libraries that a source wants, each once, and nothing else', () => {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'libtrace-installed-')));
  onTestFinished(() => rmSync(root, { recursive: true }));
  mkdirSync(join(root, 'lib'));
  for (const name of ['libssl.so.3.0.1', 'libssl.a', 'libz.so.1', 'libsslx.so']) {
    writeFileSync(join(root, 'lib', name), '');
  }
  symlinkSync('libssl.so.3.0.1', join(root, 'lib/libssl.so.3'));
  symlinkSync('nothing', join(root, 'lib/libssl.so.9'));
  symlinkSync('lib', join(root, 'lib64'));
  const sources = [
    { name: 'a', wants: ({ path }: { path: string }) => path.includes('/libssl.so') },
  ];
  const directories = ['lib', 'lib64', 'absent'].map((name) => join(root, name));
  expect(installedLibraries(sources, directories)).toEqual([join(root, 'lib/libssl.so.3.0.1')]);
});
