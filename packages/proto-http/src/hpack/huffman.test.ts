// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeHuffman } from './huffman.js';
import { encodeHuffman, huffmanCodes } from './encoder.test-support.js';

describe('decodeHuffman', () => {
  it('has the codes of RFC 7541, Appendix B', () => {
    const samples: readonly (readonly [symbol: number, code: number, length: number])[] = [
      [0, 0x1ff8, 13],
      [1, 0x7fffd8, 23],
      [9, 0xffffea, 24],
      [10, 0x3ffffffc, 30],
      [32, 0x14, 6],
      [48, 0, 5],
      [92, 0x7fff0, 19],
      [122, 0x7b, 7],
      [127, 0xffffffc, 28],
      [128, 0xfffe6, 20],
      [199, 0x1ffffec, 25],
      [203, 0x7ffffde, 27],
      [254, 0x7fffff0, 27],
      [255, 0x3ffffee, 26],
      [256, 0x3fffffff, 30],
    ];
    const codes = huffmanCodes();
    for (const [symbol, code, length] of samples) {
      expect([symbol, codes[symbol]]).toEqual([symbol, { code, length }]);
    }
    // every string is the beginning of something: the code is full
    const sum = codes.reduce((total, { length }) => total + 2 ** -length, 0);
    expect(sum).toBe(1);
  });

  it('decodes what was encoded', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const text = Buffer.from(bytes).toString('latin1');
        const coded = encodeHuffman(text);
        const around = Buffer.concat([Buffer.from('ff', 'hex'), coded, Buffer.from('ff', 'hex')]);
        expect(decodeHuffman(around, 1, 1 + coded.length)).toBe(text);
      }),
    );
  });

  it('decodes strings that are longer than its scratch memory', () => {
    const text = 'abc0 '.repeat(10_000);
    const coded = encodeHuffman(text);
    expect(decodeHuffman(coded, 0, coded.length)).toBe(text);
  });

  it('refuses the end-of-string symbol and a padding of 8 bits', () => {
    expect(decodeHuffman(Buffer.from('ffffffff', 'hex'), 0, 4)).toBeUndefined();
    expect(decodeHuffman(Buffer.from('ff', 'hex'), 0, 1)).toBeUndefined();
    expect(decodeHuffman(Buffer.from('07ff', 'hex'), 0, 2)).toBeUndefined();
    expect(decodeHuffman(Buffer.from('07', 'hex'), 0, 1)).toBe('0');
    expect(decodeHuffman(Buffer.alloc(0), 0, 0)).toBe('');
  });
});
