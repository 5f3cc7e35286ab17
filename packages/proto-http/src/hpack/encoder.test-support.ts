// SPDX-License-Identifier: Apache-2.0
// The other half of HPACK, for tests: written down from RFC 7541, not derived from the decoder.
import { huffmanLengths } from './huffman-lengths.js';

export interface HuffmanCode {
  readonly code: number;
  readonly length: number;
}

let codes: HuffmanCode[] | undefined;

/** Codes by symbol. */
export function huffmanCodes(): readonly HuffmanCode[] {
  if (codes !== undefined) return codes;
  const bySymbol: HuffmanCode[] = [];
  let code = 0;
  let codeLength = 0;
  for (let length = 5; length <= 30; length++) {
    for (let symbol = 0; symbol < huffmanLengths.length; symbol++) {
      if (huffmanLengths[symbol] !== length) continue;
      code *= 2 ** (length - codeLength);
      codeLength = length;
      bySymbol[symbol] = { code: code++, length };
    }
  }
  return (codes = bySymbol);
}

/** Huffman-codes Latin-1 text, padded with ones. */
export function encodeHuffman(text: string): Buffer {
  let bits = '';
  for (const byte of Buffer.from(text, 'latin1')) {
    const { code, length } = huffmanCodes()[byte]!;
    bits += code.toString(2).padStart(length, '0');
  }
  bits += '1'.repeat((8 - (bits.length % 8)) % 8);
  const bytes = [];
  for (let at = 0; at < bits.length; at += 8)
    bytes.push(Number.parseInt(bits.slice(at, at + 8), 2));
  return Buffer.from(bytes);
}

/** An integer with a prefix of so many bits under the given upper bits (RFC 7541 §5.1). */
export function integer(upper: number, prefix: number, value: number): Buffer {
  const most = 2 ** prefix - 1;
  if (value < most) return Buffer.from([upper | value]);
  const bytes = [upper | most];
  let rest = value - most;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  bytes.push(rest);
  return Buffer.from(bytes);
}

/** A string (RFC 7541 §5.2). */
export function string(text: string, huffman = false): Buffer {
  const bytes = huffman ? encodeHuffman(text) : Buffer.from(text, 'latin1');
  return Buffer.concat([integer(huffman ? 0x80 : 0, 7, bytes.length), bytes]);
}

/** Indexed field (§6.1). */
export const indexed = (index: number): Buffer => integer(0x80, 7, index);

/** Literal field with a new name or the name of an index, inserted into the table (§6.2.1). */
export const inserted = (name: string | number, value: string, huffman = false): Buffer =>
  Buffer.concat(
    typeof name === 'number'
      ? [integer(0x40, 6, name), string(value, huffman)]
      : [Buffer.from([0x40]), string(name, huffman), string(value, huffman)],
  );

/** Literal field that is not inserted (§6.2.2). */
export const literal = (name: string | number, value: string, huffman = false): Buffer =>
  Buffer.concat(
    typeof name === 'number'
      ? [integer(0, 4, name), string(value, huffman)]
      : [Buffer.from([0]), string(name, huffman), string(value, huffman)],
  );

/** Limit of the table (§6.3). */
export const tableSize = (size: number): Buffer => integer(0x20, 5, size);
