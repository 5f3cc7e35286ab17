// SPDX-License-Identifier: Apache-2.0
import type { ElfImage } from '@libtrace/core/plugin';
import { sampleEntries } from './find-functions.js';
import type { TableFunction } from './find-functions.js';
import { goCode } from './go-code.js';
import type { GoCode } from './go-code.js';
import type { Pclntab } from './locate.js';

/** The address that entries of the table count from (`runtime.text`), and how it is known. */
export interface TextBase {
  /** Virtual address. */
  readonly address: number;
  /** For `doctor`. */
  readonly foundBy: string;
}

const samples = 64;
/** Of the samples, so many may not look like the beginning of a function: some of those written in assembly do not. */
const tolerated = samples / 8;
const chunkBytes = 1024 * 1024;
const maxSearchedBytes = 512 * 1024 * 1024;
/** Pieces of code looked at: one for most candidates, a few for the right one. The largest programs have 500,000 functions. */
const maxReads = 1_000_000;

/** Bytes at a virtual address. */
type Read = (address: number, length: number) => Buffer;

/**
 * Finds `runtime.text`; 0 for tables that hold addresses, before Go 1.18. Nothing in a program without symbols names it reliably: the head of the table tells it up to Go
 * 1.25, but not where it is relocated; `.text` begins with it, unless C comes first. So each candidate is checked against
 * the code: functions of Go must begin where the table would then have them. Without a candidate that passes, the code is
 * searched for the only base that does.
 * @param anchors functions of the table that check for stack space; at least one
 */
export function findTextBase(
  image: ElfImage,
  table: Pclntab,
  anchors: readonly TableFunction[],
): TextBase | undefined {
  const code = goCode[image.machine];
  const entries = sampleEntries(image, table, samples);
  const budget = { reads: maxReads };
  const read = (address: number, length: number) => {
    budget.reads--;
    return image.read(address, length);
  };
  const fits = (base: number) =>
    anchors.every(({ entry }) => beginsAFunction(read, code, base + entry)) &&
    holdsFunctions(read, code, base, entries);
  if (!table.header.isRelative) {
    return fits(0) ? { address: 0, foundBy: 'addresses in the table' } : undefined;
  }
  for (const candidate of candidates(image, table)) {
    if (fits(candidate.address)) return candidate;
  }
  const address = searchCode(image, code, anchors[0]!.entry, fits, budget);
  return address === undefined ? undefined : { address, foundBy: 'search' };
}

function candidates(image: ElfImage, { header }: Pclntab): readonly TextBase[] {
  const known: readonly (readonly [string, number | undefined])[] = [
    ['symbol runtime.text', image.symbol('runtime.text')?.address],
    ['head of the table', header.textStart],
    ['section .text', image.section('.text')?.address],
  ];
  return known.flatMap(([foundBy, address]) =>
    address === undefined || !Number.isSafeInteger(address) ? [] : [{ address, foundBy }],
  );
}

function beginsAFunction(read: Read, { beginnings }: GoCode, address: number): boolean {
  const bytes = read(address, 16);
  return beginnings.some((each) => bytes.subarray(0, each.length).equals(each));
}

/** Whether functions begin at nearly all of the entries. */
function holdsFunctions(
  read: Read,
  { unit, isBorder }: GoCode,
  base: number,
  entries: readonly number[],
): boolean {
  // Nothing of Go stands before the first function.
  let left = Math.min(tolerated, entries.length / 8 + 1);
  for (const entry of entries) {
    const bytes = read(base + entry - unit, 2 * unit);
    const isFunction =
      bytes.length === 2 * unit && isBorder(bytes.subarray(0, unit), bytes.subarray(unit));
    if (!isFunction && --left < 0) return false;
  }
  return true;
}

/** Tries every place where the function `anchor` could begin. */
function searchCode(
  image: ElfImage,
  { alignment, beginnings }: GoCode,
  anchor: number,
  fits: (base: number) => boolean,
  budget: { readonly reads: number },
): number | undefined {
  let left = maxSearchedBytes;
  for (const segment of image.segments) {
    if (!segment.isExecutable) continue;
    const end = segment.address + Math.min(segment.size, left);
    left -= end - segment.address;
    const begin = Math.ceil(segment.address / alignment) * alignment;
    for (let at = begin; at < end; at += chunkBytes) {
      const bytes = image.read(at, Math.min(chunkBytes + alignment, end - at));
      if (bytes.length === 0) break;
      for (const beginning of beginnings) {
        for (
          let hit = bytes.indexOf(beginning);
          hit >= 0 && hit < chunkBytes;
          hit = bytes.indexOf(beginning, hit + 1)
        ) {
          if ((at + hit) % alignment !== 0) continue;
          if (budget.reads <= 0) return undefined;
          if (fits(at + hit - anchor)) return at + hit - anchor;
        }
      }
    }
  }
  return undefined;
}
