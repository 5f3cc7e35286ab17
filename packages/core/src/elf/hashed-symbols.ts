// SPDX-License-Identifier: Apache-2.0
import type { AddressMap } from './address-map.js';
import { dynamicTag } from './dynamic-section.js';
import { limits } from './limits.js';

const chunkBytes = 65_536;

/**
 * How many dynamic symbols there are, when no section header says: the hash tables know. The old one (System V ABI, «Hash
 * Table») says so; the GNU one has a chain for each bucket, and the chain of the highest bucket ends with the last symbol.
 */
export function countHashedSymbols(map: AddressMap, tables: ReadonlyMap<number, number>): number {
  const old = map.read(tables.get(dynamicTag.hash) ?? NaN, 8);
  if (old.length === 8) return Math.min(old.readUInt32LE(4), limits.symbols);
  return countOfGnuHash(map, tables.get(dynamicTag.gnuHash) ?? NaN);
}

function countOfGnuHash(map: AddressMap, address: number): number {
  const head = map.read(address, 16);
  if (head.length < 16) return 0;
  const [buckets, firstSymbol, bloomWords] = [0, 4, 8].map((at) => head.readUInt32LE(at)) as [
    number,
    number,
    number,
  ];
  if (buckets > limits.symbols) return 0;
  const bucketsAt = address + 16 + bloomWords * 8;
  let highest = 0;
  for (const word of words(map, bucketsAt, buckets)) highest = Math.max(highest, word);
  if (highest < firstSymbol || highest > limits.symbols)
    return Math.min(firstSymbol, limits.symbols);
  const chainAt = bucketsAt + buckets * 4 + (highest - firstSymbol) * 4;
  let last = highest;
  for (const word of words(map, chainAt, limits.symbols - highest)) {
    if ((word & 1) !== 0) break;
    last++;
  }
  return last + 1;
}

/** Words of 4 bytes, at most `count`; fewer where the file ends. */
function* words(map: AddressMap, address: number, count: number): Generator<number> {
  for (let done = 0; done < count;) {
    const bytes = map.read(address + done * 4, Math.min(chunkBytes, (count - done) * 4));
    const whole = Math.floor(bytes.length / 4);
    if (whole === 0) return;
    for (let each = 0; each < whole; each++) yield bytes.readUInt32LE(each * 4);
    done += whole;
  }
}
