// SPDX-License-Identifier: Apache-2.0
import { ZstdError } from './zstd-error.js';

/** A decoding table of finite state entropy (RFC 8878 §4.1). */
export interface FseTable {
  readonly accuracyLog: number;
  /** By state: the symbol, how many bits the next state takes, and what is added to them. */
  readonly symbols: Uint8Array;
  readonly bits: Uint8Array;
  readonly bases: Uint16Array;
}

/** A table with the offset behind its description. */
export interface DescribedFseTable {
  readonly table: FseTable;
  readonly end: number;
}

/** A table of one symbol that takes no bits (RLE_Mode). */
export function rleTable(symbol: number): FseTable {
  return {
    accuracyLog: 0,
    symbols: Uint8Array.of(symbol),
    bits: new Uint8Array(1),
    bases: new Uint16Array(1),
  };
}

/** RFC 8878 §4.1.1: the description of a distribution, read from its beginning. */
export function readFseTable(
  bytes: Uint8Array,
  start: number,
  end: number,
  maxAccuracyLog: number,
  maxSymbol: number,
): DescribedFseTable {
  let bit = start * 8;
  const read = (count: number): number => {
    let value = 0;
    for (let i = 0; i < count; i++, bit++) {
      if (bit >> 3 >= end) throw new ZstdError('a distribution is cut');
      value |= ((bytes[bit >> 3]! >> (bit & 7)) & 1) << i;
    }
    return value;
  };
  const accuracyLog = 5 + read(4);
  if (accuracyLog > maxAccuracyLog) throw new ZstdError('a distribution is too exact');
  const counts: number[] = [];
  let remaining = 1 << accuracyLog;
  while (remaining > 0) {
    if (counts.length > maxSymbol) throw new ZstdError('a distribution has too many symbols');
    // values below a threshold take a bit less
    const width = 32 - Math.clz32(remaining + 1);
    const threshold = (1 << width) - 2 - remaining;
    let value = read(width - 1);
    if (value >= threshold) {
      value |= read(1) << (width - 1);
      if (value >= 1 << (width - 1)) value -= threshold;
    }
    const count = value - 1;
    remaining -= Math.abs(count);
    counts.push(count);
    if (count === 0) pushZeros(counts, read, maxSymbol);
  }
  if (remaining < 0) throw new ZstdError('a distribution is inconsistent');
  return { table: buildFseTable(counts, accuracyLog), end: (bit + 7) >> 3 };
}

/** Behind a probability of 0: how many more follow, 2 bits at a time. */
function pushZeros(counts: number[], read: (count: number) => number, maxSymbol: number): void {
  for (;;) {
    const repeat = read(2);
    for (let i = 0; i < repeat; i++) counts.push(0);
    if (counts.length > maxSymbol + 1) throw new ZstdError('a distribution has too many symbols');
    if (repeat < 3) return;
  }
}

/** RFC 8878 §4.1.1 "From Normalized Distribution to Decoding Tables"; a count of -1 is "less than 1". */
export function buildFseTable(counts: readonly number[], accuracyLog: number): FseTable {
  const size = 1 << accuracyLog;
  const symbols = new Uint8Array(size);
  const next = new Uint16Array(counts.length);
  let high = size;
  counts.forEach((count, symbol) => {
    if (count !== -1) return;
    symbols[--high] = symbol;
    next[symbol] = 1;
  });
  const step = (size >> 1) + (size >> 3) + 3;
  let position = 0;
  counts.forEach((count, symbol) => {
    if (count <= 0) return;
    next[symbol] = count;
    for (let i = 0; i < count; i++) {
      symbols[position] = symbol;
      do position = (position + step) & (size - 1);
      while (position >= high);
    }
  });
  if (position !== 0) throw new ZstdError('a distribution is inconsistent');
  const bits = new Uint8Array(size);
  const bases = new Uint16Array(size);
  for (let state = 0; state < size; state++) {
    const value = next[symbols[state]!]!++;
    const width = accuracyLog - (31 - Math.clz32(value));
    bits[state] = width;
    bases[state] = (value << width) - size;
  }
  return { accuracyLog, symbols, bits, bases };
}
