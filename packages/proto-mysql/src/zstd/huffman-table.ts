// SPDX-License-Identifier: Apache-2.0
import { BackwardBits } from './backward-bits.js';
import { readFseTable } from './fse-table.js';
import { ZstdError } from './zstd-error.js';

const MAX_BITS = 11;
const MAX_SYMBOLS = 256;
const MAX_WEIGHTS_LOG = 6;

/** A decoding table of a Huffman code (RFC 8878 §4.2): by the next bits, a symbol and how many of them it takes. */
export interface HuffmanTable {
  readonly maxBits: number;
  readonly symbols: Uint8Array;
  readonly bits: Uint8Array;
}

/** RFC 8878 §4.2.1: the description of a tree, with the offset behind it. */
export function readHuffmanTable(
  bytes: Uint8Array,
  start: number,
  end: number,
): { readonly table: HuffmanTable; readonly end: number } {
  const header = start < end ? bytes[start]! : 0;
  const behind = header < 128 ? start + 1 + header : start + 1 + ((header - 126) >> 1);
  if (start >= end || behind > end) throw new ZstdError('a tree is cut');
  const weights =
    header < 128
      ? compressedWeights(bytes, start + 1, behind)
      : directWeights(bytes, start + 1, header - 127);
  return { table: buildHuffmanTable(weights), end: behind };
}

function directWeights(bytes: Uint8Array, start: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => {
    const byte = bytes[start + (i >> 1)]!;
    return i % 2 === 0 ? byte >> 4 : byte & 15;
  });
}

/** Two states in turn, until the stream is used up. */
function compressedWeights(bytes: Uint8Array, start: number, end: number): number[] {
  const { table, end: from } = readFseTable(bytes, start, end, MAX_WEIGHTS_LOG, MAX_BITS + 1);
  const stream = new BackwardBits(bytes, from, end);
  const states = [stream.read(table.accuracyLog), stream.read(table.accuracyLog)];
  const weights: number[] = [];
  for (let turn = 0; weights.length < MAX_SYMBOLS; turn ^= 1) {
    const state = states[turn]!;
    weights.push(table.symbols[state]!);
    states[turn] = table.bases[state]! + stream.read(table.bits[state]!);
    if (stream.left < 0) {
      weights.push(table.symbols[states[turn ^ 1]!]!);
      return weights;
    }
  }
  throw new ZstdError('a tree has too many weights');
}

/** The last weight is what is missing to a power of two. */
function buildHuffmanTable(weights: number[]): HuffmanTable {
  let sum = 0;
  for (const weight of weights) {
    if (weight > MAX_BITS) throw new ZstdError('a weight is too large');
    if (weight > 0) sum += 1 << (weight - 1);
  }
  const maxBits = 32 - Math.clz32(sum);
  const rest = (1 << maxBits) - sum;
  if (sum === 0 || maxBits > MAX_BITS || (rest & (rest - 1)) !== 0) {
    throw new ZstdError('weights are inconsistent');
  }
  weights.push(32 - Math.clz32(rest));
  if (weights.length > MAX_SYMBOLS) throw new ZstdError('a tree has too many weights');
  const size = 1 << maxBits;
  const symbols = new Uint8Array(size);
  const bits = new Uint8Array(size);
  // the longest codes, of the smallest weights, come first
  let at = 0;
  for (let weight = 1; weight <= maxBits; weight++) {
    const span = 1 << (weight - 1);
    weights.forEach((each, symbol) => {
      if (each !== weight) return;
      symbols.fill(symbol, at, at + span);
      bits.fill(maxBits + 1 - weight, at, at + span);
      at += span;
    });
  }
  return { maxBits, symbols, bits };
}

/** RFC 8878 §4.2.2: one stream, which fills `out` from `from` to `to` exactly. */
export function decodeHuffman(
  table: HuffmanTable,
  bytes: Uint8Array,
  start: number,
  end: number,
  out: Uint8Array,
  from: number,
  to: number,
): void {
  const { maxBits, symbols, bits } = table;
  const mask = (1 << maxBits) - 1;
  const stream = new BackwardBits(bytes, start, end);
  let state = stream.read(maxBits);
  for (let at = from; at < to; at++) {
    if (stream.left <= -maxBits) throw new ZstdError('a stream of literals is too short');
    out[at] = symbols[state]!;
    const width = bits[state]!;
    state = ((state << width) | stream.read(width)) & mask;
  }
  if (stream.left !== -maxBits) throw new ZstdError('a stream of literals is too long');
}
