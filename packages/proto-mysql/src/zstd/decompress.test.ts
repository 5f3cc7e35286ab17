// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decompressZstd } from './decompress.js';

interface Frame {
  readonly what: string;
  readonly size: number;
  /** Of what it decompresses to. */
  readonly sha256: string;
  readonly base64: string;
}

/** Made by zstd 1.5.4. */
const frames = JSON.parse(
  readFileSync(new URL('./frames.test-support.json', import.meta.url), 'utf8'),
) as readonly Frame[];
const input = ({ base64 }: Frame): Buffer => Buffer.from(base64, 'base64');

describe('Zstandard', () => {
  it.each(frames)('$what', (frame) => {
    const output = decompressZstd(input(frame), frame.size);
    expect(output).toHaveLength(frame.size);
    expect(createHash('sha256').update(output!).digest('hex')).toBe(frame.sha256);
  });

  it('reads raw and repeated blocks', () => {
    const header = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58]);
    const raw = Buffer.from([5 << 3, 0, 0, ...Buffer.from('hello')]);
    const repeated = Buffer.from([(4 << 3) | 2 | 1, 0, 0, 0x21]);
    expect(decompressZstd(Buffer.concat([header, raw, repeated]), 9)?.toString()).toBe('hello!!!!');
  });

  it('expands the beginning of a frame block by block', () => {
    const frame = frames.find(({ size }) => size > 131_072)!;
    const whole = decompressZstd(input(frame), frame.size)!;
    const part = decompressZstd(input(frame).subarray(0, -10), frame.size)!;
    expect(part.length).toBe(131_072);
    expect(part.equals(whole.subarray(0, part.length))).toBe(true);
    expect(decompressZstd(input(frame).subarray(0, 9), frame.size)).toHaveLength(0);
  });

  it('refuses what is more than was said, and what is no frame', () => {
    const frame = frames[0]!;
    expect(decompressZstd(input(frame), frame.size - 1)).toBeUndefined();
    expect(decompressZstd(Buffer.from('no frame'), 10)).toBeUndefined();
    expect(decompressZstd(Buffer.alloc(0), 10)).toBeUndefined();
    // a dictionary, a reserved bit, a reserved type of block
    const header = [0x28, 0xb5, 0x2f, 0xfd];
    for (const rest of [
      [0x01, 0x58, 7],
      [0x08, 0x58],
      [0x00, 0x58, 0x07, 0, 0],
    ]) {
      expect(decompressZstd(Buffer.from([...header, ...rest, 0, 0, 0]), 10)).toBeUndefined();
    }
  });

  it('does bounded work on a block that says that it has very many long sequences', () => {
    // 97,000 sequences of one code each that takes 65,539 bytes and more
    const sequences = [0xff, 0xff, 0xff, 0x54, 0, 0, 52, 1];
    const block = [0x00, ...sequences, ...Array<number>(40).fill(0xff)];
    const size = block.length;
    const header = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58, ((size << 3) & 0xff) | 4 | 1, size >> 5, 0];
    expect(decompressZstd(Buffer.from([...header, ...block]), 0xffffff)).toBeUndefined();
  });

  it('survives every change of a byte, and comes to an end', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...frames.filter(({ base64 }) => base64.length < 4000)),
        fc.array(fc.tuple(fc.nat(4000), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        (frame, changes) => {
          const data = input(frame);
          for (const [at, value] of changes) data[at % data.length] = value;
          const output = decompressZstd(data, frame.size);
          expect(output === undefined || output.length <= frame.size).toBe(true);
        },
      ),
      { numRuns: 3000 },
    );
  });
});
