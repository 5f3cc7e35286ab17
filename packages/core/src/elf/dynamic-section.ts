// SPDX-License-Identifier: Apache-2.0
import type { ElfImage } from '../plugin/uprobe.js';
import type { AddressMap } from './address-map.js';
import { programHeaderType, type ProgramHeader } from './elf-header.js';
import { textAt, u64, type FileBytes } from './file-bytes.js';
import { limits } from './limits.js';

/** What the dynamic linker is told (System V ABI, «Dynamic Section»): found by program headers, which stripping leaves. */
export interface DynamicSection {
  /** As {@link ElfImage.dynamic}. */
  readonly names: ElfImage['dynamic'];
  /** Virtual addresses of the tables it names, by DT_*. */
  readonly tables: ReadonlyMap<number, number>;
}

/** DT_* that are looked at. */
export const dynamicTag = {
  needed: 1,
  hash: 4,
  stringTable: 5,
  symbolTable: 6,
  stringTableSize: 10,
  symbolEntrySize: 11,
  soname: 14,
  rpath: 15,
  runpath: 29,
  flags1: 0x6ffffffb,
  symbolVersions: 0x6ffffff0,
  gnuHash: 0x6ffffef5,
} as const;

const entrySize = 16;
const nameTags: readonly number[] = [
  dynamicTag.needed,
  dynamicTag.soname,
  dynamicTag.rpath,
  dynamicTag.runpath,
];

/** Reads the dynamic section; empty for a program that is linked statically. Names that cannot be read are left out. */
export function readDynamicSection(
  file: FileBytes,
  headers: readonly ProgramHeader[],
  map: AddressMap,
): DynamicSection {
  const tables = new Map<number, number>();
  const nameOffsets: (readonly [tag: number, offset: number])[] = [];
  const header = headers.find(({ type }) => type === programHeaderType.dynamic);
  const bytes =
    header === undefined
      ? Buffer.alloc(0)
      : file.read(header.fileOffset, Math.min(header.size, limits.dynamicEntries * entrySize));
  for (let at = 0; at + entrySize <= bytes.length; at += entrySize) {
    const tag = u64(bytes, at);
    if (tag === 0) break;
    const value = u64(bytes, at + 8);
    if (nameTags.includes(tag)) nameOffsets.push([tag, value]);
    else tables.set(tag, value);
  }
  return { names: readNames(map, tables, nameOffsets), tables };
}

function readNames(
  map: AddressMap,
  tables: ReadonlyMap<number, number>,
  offsets: readonly (readonly [tag: number, offset: number])[],
): ElfImage['dynamic'] {
  const strings = tables.get(dynamicTag.stringTable);
  const size = tables.get(dynamicTag.stringTableSize) ?? Infinity;
  const of = (tag: number) =>
    offsets
      .filter((each) => each[0] === tag && each[1] < size)
      .map(([, offset]) => {
        if (strings === undefined) return undefined;
        const length = Math.min(limits.shortName + 1, size - offset);
        return textAt(map.read(strings + offset, length), 0, limits.shortName);
      })
      .filter((name) => name !== undefined && name !== '') as string[];
  const paths = (tag: number) =>
    of(tag).flatMap((list) => list.split(':').filter((path) => path !== ''));
  return {
    needed: of(dynamicTag.needed),
    runpath: paths(dynamicTag.runpath),
    rpath: paths(dynamicTag.rpath),
    soname: of(dynamicTag.soname)[0],
  };
}
