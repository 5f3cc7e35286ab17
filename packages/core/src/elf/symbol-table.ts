// SPDX-License-Identifier: Apache-2.0
import type { ElfSymbol } from '../plugin/uprobe.js';
import type { AddressMap } from './address-map.js';
import { dynamicTag, type DynamicSection } from './dynamic-section.js';
import { invalidElf, unsupportedElf } from './elf-error.js';
import { u64, type FileBytes } from './file-bytes.js';
import { countHashedSymbols } from './hashed-symbols.js';
import { limits } from './limits.js';
import { sectionType, type SectionHeader, type SectionTable } from './section-table.js';

/** Where a table of symbols is in the file. */
export interface SymbolTablePlace {
  /** Which of the two tables. */
  readonly table: ElfSymbol['table'];
  /** Where its entries are. */
  readonly fileOffset: number;
  /** How many. */
  readonly count: number;
  /** Where their names are. */
  readonly names: { readonly fileOffset: number; readonly size: number };
  /** Where the versions of dynamic symbols are, if there are any. */
  readonly versionsOffset: number | undefined;
}

/** An entry of a table of symbols. */
export interface SymbolEntry {
  /** Its number in the table. */
  readonly index: number;
  /** Where its name is among the names. */
  readonly nameOffset: number;
  /** STT_*. */
  readonly type: number;
  /** Section that it is in, or a number with a meaning. */
  readonly section: number;
  /** Virtual address, for most types. */
  readonly address: number;
  /** Bytes. */
  readonly size: number;
}

/** Bytes of an entry. */
export const symbolSize = 24;
const chunkSymbols = 32_768;
const undefinedSection = 0;
const firstReservedSection = 0xff00;
const extendedSection = 0xffff;
const type = { function: 2, section: 3, file: 4, threadLocal: 6, indirectFunction: 10 };

/** Where the dynamic symbols are: by section header, or by what the dynamic linker is told when there are none. */
export function findDynamicSymbols(
  file: FileBytes,
  sections: SectionTable,
  dynamic: DynamicSection,
  map: AddressMap,
): SymbolTablePlace | undefined {
  const section = sections.ofType(sectionType.dynamicSymbols);
  const bySection = section && tableOfSection(file, sections, section, 'dynamic');
  if (bySection !== undefined) return bySection;
  const { tables } = dynamic;
  const [symbols, names] = [dynamicTag.symbolTable, dynamicTag.stringTable].map((tag) =>
    map.segmentAt(tables.get(tag) ?? NaN),
  );
  const [symbolsAt, namesAt] = [dynamicTag.symbolTable, dynamicTag.stringTable].map((tag) =>
    map.fileOffset(tables.get(tag) ?? NaN),
  );
  if (!symbols || !names || symbolsAt === undefined || namesAt === undefined) return undefined;
  const space = symbols.fileOffset + symbols.size - symbolsAt;
  const count = Math.min(countHashedSymbols(map, tables), Math.floor(space / symbolSize));
  if (count === 0) return undefined;
  const nameSpace = names.fileOffset + names.size - namesAt;
  const nameSize = Math.min(tables.get(dynamicTag.stringTableSize) ?? nameSpace, nameSpace);
  const versionsOffset = map.fileOffset(tables.get(dynamicTag.symbolVersions) ?? NaN);
  const where = { fileOffset: namesAt, size: nameSize };
  return checked(file, {
    table: 'dynamic',
    fileOffset: symbolsAt,
    count,
    names: where,
    versionsOffset,
  });
}

/** Where the static symbols are; undefined when the file was stripped. */
export function findStaticSymbols(
  file: FileBytes,
  sections: SectionTable,
): SymbolTablePlace | undefined {
  const section = sections.ofType(sectionType.symbols);
  return section && tableOfSection(file, sections, section, 'static');
}

function tableOfSection(
  file: FileBytes,
  sections: SectionTable,
  section: SectionHeader,
  table: ElfSymbol['table'],
): SymbolTablePlace | undefined {
  const names = sections.headers[section.link];
  if (section.type === sectionType.noBits || names === undefined) return undefined;
  const versions = sections.ofType(sectionType.symbolVersions);
  return checked(file, {
    table,
    fileOffset: section.fileOffset,
    count: Math.floor(section.size / symbolSize),
    names: { fileOffset: names.fileOffset, size: names.size },
    versionsOffset: table === 'dynamic' ? versions?.fileOffset : undefined,
  });
}

function checked(file: FileBytes, place: SymbolTablePlace): SymbolTablePlace {
  const { table, fileOffset, count, names } = place;
  if (fileOffset + count * symbolSize > file.size) {
    throw invalidElf(file, `its ${table} symbols lie outside the file`, fileOffset);
  }
  if (names.fileOffset + names.size > file.size) {
    throw invalidElf(
      file,
      `the names of its ${table} symbols lie outside the file`,
      names.fileOffset,
    );
  }
  if (count > limits.symbols) throw unsupportedElf(file, `it has ${count} ${table} symbols`);
  if (names.size > limits.symbolNames) {
    throw unsupportedElf(file, `the names of its ${table} symbols take ${names.size} bytes`);
  }
  return place;
}

/**
 * Calls a function with the number of each entry that the file defines (no imports, sections or names of source files) and
 * the place of its name. For large tables: makes no objects.
 */
export function forEachDefined(
  file: FileBytes,
  place: SymbolTablePlace,
  call: (index: number, nameOffset: number) => void,
): void {
  for (const [first, bytes] of chunks(file, place)) {
    for (let at = 0; at + symbolSize <= bytes.length; at += symbolSize) {
      if (isDefined(bytes, at)) call(first + at / symbolSize, bytes.readUInt32LE(at));
    }
  }
}

/** The entries that the file defines, in the order of the table. */
export function* readEntries(file: FileBytes, place: SymbolTablePlace): Generator<SymbolEntry> {
  for (const [first, bytes] of chunks(file, place)) {
    for (let at = 0; at + symbolSize <= bytes.length; at += symbolSize) {
      if (isDefined(bytes, at)) yield decodeEntry(bytes, at, first + at / symbolSize);
    }
  }
}

/** The table piece by piece: the number of the first entry of each, and its bytes. */
function* chunks(
  file: FileBytes,
  place: SymbolTablePlace,
): Generator<readonly [first: number, bytes: Buffer]> {
  for (let first = 0; first < place.count; first += chunkSymbols) {
    const count = Math.min(chunkSymbols, place.count - first);
    yield [first, file.read(place.fileOffset + first * symbolSize, count * symbolSize)];
  }
}

/** One entry; undefined when the file does not define it. */
export function readEntry(file: FileBytes, place: SymbolTablePlace, index: number) {
  const bytes = file.read(place.fileOffset + index * symbolSize, symbolSize);
  const isThere = bytes.length === symbolSize && isDefined(bytes, 0);
  return isThere ? decodeEntry(bytes, 0, index) : undefined;
}

function isDefined(bytes: Buffer, at: number): boolean {
  const kind = bytes[at + 4]! & 15;
  if (kind === type.section || kind === type.file) return false;
  return bytes.readUInt32LE(at) !== 0 && bytes.readUInt16LE(at + 6) !== undefinedSection;
}

function decodeEntry(bytes: Buffer, at: number, index: number): SymbolEntry {
  return {
    index,
    nameOffset: bytes.readUInt32LE(at),
    type: bytes[at + 4]! & 15,
    section: bytes.readUInt16LE(at + 6),
    address: u64(bytes, at + 8),
    size: u64(bytes, at + 16),
  };
}

/** An entry with its name, as plugins see it. */
export function toSymbol(
  map: AddressMap,
  table: ElfSymbol['table'],
  entry: SymbolEntry,
  name: string,
): ElfSymbol {
  const isPlaced =
    entry.type !== type.threadLocal &&
    (entry.section < firstReservedSection || entry.section === extendedSection);
  return {
    name,
    address: entry.address,
    fileOffset: isPlaced ? map.fileOffset(entry.address) : undefined,
    size: entry.size,
    isFunction: entry.type === type.function || entry.type === type.indirectFunction,
    table,
  };
}
