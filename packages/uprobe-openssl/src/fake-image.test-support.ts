// SPDX-License-Identifier: Apache-2.0
import type { ElfImage, ElfSection, ElfSymbol, Machine } from '@libtrace/core/plugin';

/** What a {@link fakeImage} has in it. */
export interface FakeContents {
  readonly path?: string;
  readonly isExecutable?: boolean;
  readonly machine?: Machine;
  /** Functions that are in the file. */
  readonly functions?: readonly string[];
  /** Libraries that it needs. */
  readonly needed?: readonly string[];
  readonly table?: ElfSymbol['table'];
  /** Its `.rodata`. */
  readonly constants?: Buffer;
  /** Names of further, empty sections. */
  readonly sections?: readonly string[];
}

const codeAddress = 0x401000;
const constantsAddress = 0x600000;

/** A program file that is not there. `reads` counts what was read of it. */
export function fakeImage(contents: FakeContents): ElfImage & { reads: { bytes: number } } {
  const constants = contents.constants ?? Buffer.alloc(0);
  const reads = { bytes: 0 };
  const symbols = new Map<string, ElfSymbol>();
  const table = contents.table ?? 'dynamic';
  (contents.functions ?? []).forEach((name, i) => {
    const fileOffset = 0x1000 + i * 64;
    const address = codeAddress + fileOffset;
    symbols.set(name, { name, address, fileOffset, size: 64, isFunction: true, table });
  });
  const section = (name: string): ElfSection | undefined => {
    if (name === '.rodata')
      return { name, address: constantsAddress, fileOffset: 0x8000, size: constants.length };
    if (contents.sections?.includes(name) !== true) return undefined;
    return { name, address: 0, fileOffset: 0, size: 0 };
  };
  return {
    reads,
    binary: {
      path: contents.path ?? '/usr/lib/libssl.so.3',
      device: 1,
      inode: 2,
      isExecutable: contents.isExecutable ?? false,
    },
    machine: contents.machine ?? 'x86_64',
    buildId: undefined,
    isRelocatable: true,
    segments: [],
    dynamic: { needed: contents.needed ?? [], runpath: [], rpath: [], soname: undefined },
    symbol: (name) => symbols.get(name),
    symbols: () => symbols.values(),
    section,
    sectionBytes: () => undefined,
    read: (address, length) => {
      reads.bytes += length;
      return constants.subarray(address - constantsAddress, address - constantsAddress + length);
    },
    fileOffset: () => undefined,
    usdt: () => [],
    memberOffset: () => undefined,
  };
}
