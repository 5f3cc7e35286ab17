// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { decompressZstd } from './decompress.js';

const sizes = [0, 1, 5, 50, 300, 1000, 5000, 20000, 131072, 140000, 700000];
function text(n: number): Buffer {
  let s = '';
  let x = 1;
  while (s.length < n) {
    x = (x * 1103515245 + 12345) & 0x7fffffff;
    s += 'INSERT INTO t' + (x % 37) + ' VALUES (' + x + ", 'row " + (x % 1000) + "'); ";
  }
  return Buffer.from(s.slice(0, n));
}
function rnd(n: number): Buffer {
  const b = Buffer.alloc(n);
  let x = 7;
  for (let i = 0; i < n; i++) {
    x = (Math.imul(x, 1103515245) + 12345) >>> 0;
    b[i] = x >>> 24;
  }
  return b;
}
function skew(n: number): Buffer {
  const b = rnd(n);
  for (let i = 0; i < n; i++) b[i] = b[i]! < 128 ? 97 : b[i]! < 200 ? 98 : b[i]!;
  return b;
}
describe('z', () => {
  for (const [name, f] of [
    ['text', text],
    ['rnd', rnd],
    ['skew', skew],
    ['zero', (n: number) => Buffer.alloc(n)],
  ] as const)
    for (const level of ['1', '3', '9', '19', '--ultra -22', '--fast=5'])
      it(
        name + level,
        () => {
          for (const n of sizes) {
            const d = f(n);
            const c = execFileSync(
              'zstd',
              ['-q', '-c', ...level.split(' ').map((x) => (x.startsWith('-') ? x : '-' + x))],
              { input: d, maxBuffer: 1e9 },
            );
            const o = decompressZstd(c, n);
            expect(o && o.equals(d), name + level + n).toBe(true);
          }
        },
        60000,
      );
});
