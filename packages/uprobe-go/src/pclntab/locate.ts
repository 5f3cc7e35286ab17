// SPDX-License-Identifier: Apache-2.0
import type { ElfImage } from '@libtrace/core/plugin';
import { magicTails, parsePclntabHeader, pclntabHeaderBytes } from './header.js';
import type { PclntabHeader } from './header.js';

/** A table of functions in a program file. */
export interface Pclntab {
  /** Its head. */
  readonly header: PclntabHeader;
  /** Virtual address of its first byte. */
  readonly address: number;
  /** Bytes that it has at most. */
  readonly size: number;
  /** How it was found: a section's name, or `search`. */
  readonly foundBy: string;
}

/** The linker of Go makes a section of it; the second one of position-independent programs. */
const sections = ['.gopclntab', '.data.rel.ro.gopclntab'];
/** Where GNU ld puts it when it links a position-independent program with C in it. */
const holdingSections = ['.data.rel.ro', '.rodata'];
const chunkBytes = 1024 * 1024;
const alignment = 8;
/** Heads of something else are passed over, but not for ever. */
const maxCandidates = 4096;
/** Looked through in total. */
const maxSearchedBytes = 512 * 1024 * 1024;

/** @returns undefined when there is none in the file */
export function locatePclntab(image: ElfImage): Pclntab | undefined {
  for (const name of sections) {
    const section = image.section(name);
    if (section === undefined) continue;
    const header = parsePclntabHeader(image.read(section.address, pclntabHeaderBytes));
    const { address, size } = section;
    if (header !== undefined) return { header, address, size, foundBy: name };
  }
  const budget = { bytes: maxSearchedBytes, candidates: maxCandidates };
  for (const name of holdingSections) {
    const section = image.section(name);
    const found = section && search(image, section.address, section.size, budget);
    if (found !== undefined) return found;
  }
  for (const { address, size, isExecutable } of image.segments) {
    const found = isExecutable ? undefined : search(image, address, size, budget);
    if (found !== undefined) return found;
  }
  return undefined;
}

function search(
  image: ElfImage,
  begin: number,
  size: number,
  budget: { bytes: number; candidates: number },
): Pclntab | undefined {
  const end = begin + Math.min(size, budget.bytes);
  budget.bytes -= end - begin;
  // Chunks begin at multiples of the alignment: the magic number is never cut.
  for (let at = Math.ceil(begin / alignment) * alignment; at < end; at += chunkBytes) {
    const bytes = image.read(at, Math.min(chunkBytes, end - at));
    if (bytes.length === 0) return undefined;
    for (const tail of magicTails) {
      for (let hit = bytes.indexOf(tail); hit >= 0; hit = bytes.indexOf(tail, hit + 1)) {
        if (budget.candidates-- <= 0) return undefined;
        const address = at + hit - 1;
        if (address % alignment !== 0) continue;
        const header = parsePclntabHeader(image.read(address, pclntabHeaderBytes));
        if (header === undefined) continue;
        if (!isPlausible(image, address, begin + size - address, header)) continue;
        return { header, address, size: begin + size - address, foundBy: 'search' };
      }
    }
  }
  return undefined;
}

/** The list of functions is where the head says, and begins in order. */
function isPlausible(
  image: ElfImage,
  address: number,
  size: number,
  { list, functions, isRelative }: PclntabHeader,
): boolean {
  const pair = isRelative ? 8 : 16;
  if (list + functions * pair > size) return false;
  const bytes = image.read(address + list, 2 * pair);
  if (bytes.length < 2 * pair) return false;
  return isRelative
    ? bytes.readUInt32LE(0) < bytes.readUInt32LE(8)
    : // Relocated addresses are 0 in the file.
      bytes.readBigUInt64LE(0) <= bytes.readBigUInt64LE(16);
}
