// SPDX-License-Identifier: Apache-2.0
import type { BinaryRef, ElfImage, ElfSection, ElfSymbol, Machine } from '@libtrace/core/plugin';

/** A loaded part of a {@link MemoryImage}. */
export interface MemoryPart {
  /** Name of the section that it is, if it is one. */
  readonly section?: string;
  readonly address: number;
  readonly bytes: Buffer;
  readonly isExecutable?: boolean;
  readonly isWritable?: boolean;
}

/** A program file that was never in a file: parts at addresses, with or without sections and symbols. */
export class MemoryImage implements ElfImage {
  readonly binary: BinaryRef = { path: '/memory', device: 0, inode: 0, isExecutable: true };
  readonly buildId = undefined;
  readonly isRelocatable = false;
  readonly dynamic = { needed: [], runpath: [], rpath: [], soname: undefined };
  readonly machine: Machine;
  readonly segments: ElfImage['segments'];
  /** Members of structs, by `type.member`. */
  readonly members = new Map<string, number>();
  /** Bytes that were handed out by {@link MemoryImage.read}. */
  bytesRead = 0;
  readonly #parts: readonly MemoryPart[];
  readonly #symbols: readonly ElfSymbol[];

  constructor(machine: Machine, parts: readonly MemoryPart[], symbols: readonly ElfSymbol[] = []) {
    this.machine = machine;
    this.#parts = parts;
    this.#symbols = symbols;
    this.segments = parts.map(({ address, bytes, isExecutable, isWritable }) => ({
      address,
      fileOffset: address,
      size: bytes.length,
      isExecutable: isExecutable ?? false,
      isWritable: isWritable ?? false,
    }));
  }

  symbol(name: string): ElfSymbol | undefined {
    return this.#symbols.find((symbol) => symbol.name === name);
  }

  symbols(): Iterable<ElfSymbol> {
    return this.#symbols;
  }

  section(name: string): ElfSection | undefined {
    const part = this.#parts.find(({ section }) => section === name);
    if (part === undefined) return undefined;
    return { name, address: part.address, fileOffset: part.address, size: part.bytes.length };
  }

  sectionBytes(name: string, maxBytes = Infinity): Buffer | undefined {
    return this.#parts.find(({ section }) => section === name)?.bytes.subarray(0, maxBytes);
  }

  read(address: number, length: number): Buffer {
    for (const part of this.#parts) {
      const at = address - part.address;
      if (!(at >= 0 && at < part.bytes.length)) continue;
      const bytes = part.bytes.subarray(at, at + length);
      this.bytesRead += bytes.length;
      return bytes;
    }
    return Buffer.alloc(0);
  }

  fileOffset(address: number): number | undefined {
    return this.read(address, 1).length === 1 ? address : undefined;
  }

  usdt(): readonly [] {
    return [];
  }

  memberOffset(type: string, member: string): number | undefined {
    return this.members.get(`${type}.${member}`);
  }
}
