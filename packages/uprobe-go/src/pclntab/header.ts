// SPDX-License-Identifier: Apache-2.0

/** By the Go version that introduced it. */
export type PclntabFormat = '1.2' | '1.16' | '1.18' | '1.20';

/** The head of Go's table of functions and lines, `.gopclntab`; everything in it counts from its first byte. */
export interface PclntabHeader {
  /** Which of the four layouts. */
  readonly format: PclntabFormat;
  /** Functions in the table. */
  readonly functions: number;
  /** Virtual address that entries of functions count from, as the linker knew it; undefined where it is not told. */
  readonly textStart: number | undefined;
  /** Entries are offsets from `runtime.text` (4 bytes), since 1.18; before, they are addresses (8 bytes). */
  readonly isRelative: boolean;
  /** Where the names are. */
  readonly names: number;
  /** Where the list of functions is: pairs of an entry and the offset of the function's description. */
  readonly list: number;
  /** What the offsets of descriptions count from. */
  readonly descriptions: number;
}

/*
 * Layout (runtime/symtab.go and debug/gosym of Go's standard library; https://go.dev/s/go12symtab for the first):
 *
 *        1.2                1.16                   1.18, 1.20
 *   0    magic 4, two zero bytes, instruction size 1, pointer size 1
 *   8    functions          functions              functions
 *   16   list of functions  files                  files
 *   24                      names                  runtime.text; not told since 1.26, and 0 where it is relocated
 *   32                      compilation units      names
 *   40                      file names             compilation units
 *   48                      tables by pc           file names
 *   56                      list of functions      tables by pc
 *   64                                             list of functions
 *
 * A pair of the list is (address 8, offset 8) before 1.18 and (offset 4, offset 4) since; behind the last one stands
 * the end of the last function. A description begins with the entry once more, and then the offset of the name (4).
 */
const formats: ReadonlyMap<number, PclntabFormat> = new Map([
  [0xfb, '1.2'],
  [0xfa, '1.16'],
  [0xf0, '1.18'],
  [0xf1, '1.20'],
]);

/** Bytes of the longest head. */
export const pclntabHeaderBytes = 72;
/** The largest programs have a few hundred thousand. */
const maxFunctions = 8 * 1024 * 1024;
/** No part of a table lies further from its beginning. */
export const maxTableBytes = 2 ** 31;

/** What follows the first byte of a magic number: for instructions of 1 byte (x86) and of 4 (arm64), pointers of 8. */
export const magicTails = [1, 4].map((size) => Buffer.from([0xff, 0xff, 0xff, 0, 0, size, 8]));

/** @returns undefined when these are not the first bytes of a table of a 64-bit, little-endian program */
export function parsePclntabHeader(bytes: Buffer): PclntabHeader | undefined {
  const format = bytes.length < pclntabHeaderBytes ? undefined : formats.get(bytes[0]!);
  if (format === undefined) return undefined;
  if (!magicTails.some((tail) => bytes.compare(tail, 0, 7, 1, 8) === 0)) return undefined;
  const word = (at: number) => Number(bytes.readBigUInt64LE(at));
  const header = { format, functions: word(8), ...layoutOf(format, word) };
  const { functions, names, list } = header;
  if (functions < 1 || functions > maxFunctions) return undefined;
  return names < maxTableBytes && list < maxTableBytes ? header : undefined;
}

function layoutOf(
  format: PclntabFormat,
  word: (at: number) => number,
): Omit<PclntabHeader, 'format' | 'functions'> {
  switch (format) {
    case '1.2':
      return { textStart: undefined, isRelative: false, names: 0, list: 16, descriptions: 0 };
    case '1.16': {
      const list = word(56);
      return { textStart: undefined, isRelative: false, names: word(24), list, descriptions: list };
    }
    case '1.18':
    case '1.20': {
      const list = word(64);
      const textStart = word(24) === 0 ? undefined : word(24);
      return { textStart, isRelative: true, names: word(32), list, descriptions: list };
    }
  }
}
