// SPDX-License-Identifier: Apache-2.0
import { deflateSync } from 'node:zlib';
import { ByteView } from '@libtrace/core/plugin';
import { describe, expect, it } from 'vitest';
import { Expander, isCompressedData } from './expand.js';

const text = Buffer.from('the name of item number 17, '.repeat(200));
const deflated = deflateSync(text);

describe('expanding', () => {
  it('expands what is whole, and the beginning of what is not', () => {
    const expander = new Expander();
    expect(expander.expand(deflated, true, text.length)?.equals(text)).toBe(true);
    const noise = Buffer.from(Array.from({ length: 5000 }, (_, i) => (i * i * 7919) >> 3));
    const part = deflateSync(noise);
    const expanded = expander.expand(part.subarray(0, 1000), false, noise.length);
    expect(expanded!.length).toBeGreaterThan(500);
    expect(expanded!.equals(noise.subarray(0, expanded!.length))).toBe(true);
  });

  it('refuses what is not what it says', () => {
    const expander = new Expander();
    expect(expander.expand(deflated, true, text.length - 1)).toBeUndefined();
    expect(expander.expand(deflated, true, text.length + 1)).toBeUndefined();
    expect(expander.expand(Buffer.from('no zlib stream'), true, 100)).toBeUndefined();
    expect(expander.expand(Buffer.alloc(2), true, 100)).toBeUndefined();
    // 12 bytes cannot stand for 16 MiB
    expect(expander.expand(deflated.subarray(0, 12), true, 0xffffff)).toBeUndefined();
  });

  it('expands no more than is fair', () => {
    const bomb = deflateSync(Buffer.alloc(0xffffff));
    const expander = new Expander();
    let expanded = 0;
    for (let i = 0; i < 100; i++) {
      if (expander.expand(bomb, true, 0xffffff) !== undefined) expanded++;
    }
    expect(expanded).toBeGreaterThanOrEqual(3);
    expect(expanded).toBeLessThan(12);
  });

  it('knows what is compressed by its first bytes', () => {
    const view = new ByteView();
    const isCompressed = (data: Uint8Array): boolean => {
      view.reset(Buffer.from(data), 0, data.length, 0, false, 0);
      return isCompressedData(view, 0);
    };
    expect([1, 6, 9].map((level) => isCompressed(deflateSync(text, { level })))).toEqual([
      true,
      true,
      true,
    ]);
    expect(isCompressed(Buffer.of(0x28, 0xb5, 0x2f, 0xfd))).toBe(true);
    expect(isCompressed(Buffer.from('select'))).toBe(false);
    expect(isCompressed(Buffer.of(0x28, 0xb5))).toBe(false);
  });
});
