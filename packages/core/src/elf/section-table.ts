// SPDX-License-Identifier: Apache-2.0
import type { ElfHeader } from './elf-header.js';
import { textAt, u64, type FileBytes } from './file-bytes.js';
import { limits } from './limits.js';

/** A section header (System V ABI, «Sections»). */
export interface SectionHeader {
  /** Name; empty when it cannot be read. */
  readonly name: string;
  /** SHT_*. */
  readonly type: number;
  /** SHF_*. */
  readonly flags: number;
  /** Virtual address; 0 when it is not loaded. */
  readonly address: number;
  /** Where it is in the file. */
  readonly fileOffset: number;
  /** Bytes. */
  readonly size: number;
  /** Another section that it needs. */
  readonly link: number;
}

/** SHT_* that are looked at. */
export const sectionType = {
  symbols: 2,
  noBits: 8,
  dynamicSymbols: 11,
  symbolVersions: 0x6fffffff,
} as const;

const headerSize = 64;

/**
 * Section headers. The kernel and the dynamic linker do without them, so a program whose headers are missing or lie outside
 * the file is still read, by its program headers: then there are none.
 */
export class SectionTable {
  /** All of them, in the order of the file; the first is always empty. */
  readonly headers: readonly SectionHeader[];
  readonly #byName = new Map<string, SectionHeader>();

  constructor(file: FileBytes, where: ElfHeader['sections']) {
    this.headers = readHeaders(file, where);
    for (const header of this.headers) {
      if (!this.#byName.has(header.name)) this.#byName.set(header.name, header);
    }
  }

  /** The first section of a name. */
  named(name: string): SectionHeader | undefined {
    return name === '' ? undefined : this.#byName.get(name);
  }

  /** The first section of a type. */
  ofType(type: number): SectionHeader | undefined {
    return this.headers.find((header) => header.type === type);
  }
}

function readHeaders(file: FileBytes, where: ElfHeader['sections']): SectionHeader[] {
  const { offset, count, names } = where;
  if (count === 0 || count > limits.sectionHeaders) return [];
  if (offset === 0 || offset + count * headerSize > file.size) return [];
  const bytes = file.read(offset, count * headerSize);
  if (bytes.length < count * headerSize) return [];
  const nameBytes = readNames(file, bytes, names, count);
  return Array.from({ length: count }, (_, index) => {
    const at = index * headerSize;
    return {
      name: textAt(nameBytes, bytes.readUInt32LE(at), limits.shortName) ?? '',
      type: bytes.readUInt32LE(at + 4),
      flags: u64(bytes, at + 8),
      address: u64(bytes, at + 16),
      fileOffset: u64(bytes, at + 24),
      size: u64(bytes, at + 32),
      link: bytes.readUInt32LE(at + 40),
    };
  });
}

function readNames(file: FileBytes, headers: Buffer, index: number, count: number): Buffer {
  if (index === 0 || index >= count) return Buffer.alloc(0);
  const at = index * headerSize;
  const size = Math.min(u64(headers, at + 32), limits.sectionNames);
  return file.read(u64(headers, at + 24), size);
}
