// SPDX-License-Identifier: Apache-2.0
import type { Machine } from '../plugin/uprobe.js';
import { invalidElf, unsupportedElf } from './elf-error.js';
import { readWhole, u64, type FileBytes } from './file-bytes.js';
import { limits } from './limits.js';

/** What the head of a program file says (System V ABI, «ELF Header»). */
export interface ElfHeader {
  /** Instruction set. */
  readonly machine: Machine;
  /** ET_DYN: linked at 0, loaded anywhere. */
  readonly isRelocatable: boolean;
  /** Where section headers are, how many, and which of them has their names. Not checked. */
  readonly sections: { readonly offset: number; readonly count: number; readonly names: number };
  /** Program headers, in the order of the file. */
  readonly programHeaders: readonly ProgramHeader[];
}

/** One part of a program file as the kernel sees it. */
export interface ProgramHeader {
  /** PT_*. */
  readonly type: number;
  /** PF_*. */
  readonly flags: number;
  /** Where it is in the file. */
  readonly fileOffset: number;
  /** Virtual address. */
  readonly address: number;
  /** Bytes in the file. */
  readonly size: number;
  /** Alignment. */
  readonly align: number;
}

/** PT_* that are looked at. */
export const programHeaderType = { load: 1, dynamic: 2, interpreter: 3, note: 4 } as const;

const machines = new Map<number, Machine>([
  [62, 'x86_64'],
  [183, 'aarch64'],
]);
const headerSize = 64;
const programHeaderSize = 56;
const sectionHeaderSize = 64;

/**
 * Reads the head of a program file and its program headers.
 * @throws LibtraceError `ERR_ELF_INVALID`, `ERR_ELF_UNSUPPORTED`
 */
export function readHeader(file: FileBytes): ElfHeader {
  const bytes = file.read(0, headerSize);
  if (bytes.length < 4 || bytes.readUInt32BE(0) !== 0x7f454c46) {
    throw invalidElf(file, 'it is no ELF file');
  }
  if (bytes.length < headerSize) throw invalidElf(file, 'the file ends inside the ELF header');
  if (bytes[4] !== 2) throw unsupportedElf(file, 'it is no program of 64 bits');
  if (bytes[5] !== 1) throw unsupportedElf(file, 'it is big-endian');
  const type = bytes.readUInt16LE(16);
  if (type !== 2 && type !== 3) {
    throw unsupportedElf(file, `it is neither a program nor a library (ELF type ${type})`);
  }
  const machine = machines.get(bytes.readUInt16LE(18));
  if (machine === undefined) {
    throw unsupportedElf(
      file,
      `it is for processor ${bytes.readUInt16LE(18)}: x86-64 and arm64 are read`,
    );
  }
  const count = bytes.readUInt16LE(60);
  return {
    machine,
    isRelocatable: type === 3,
    sections: {
      offset: u64(bytes, 40),
      count: bytes.readUInt16LE(58) === sectionHeaderSize ? count : 0,
      names: bytes.readUInt16LE(62),
    },
    programHeaders: readProgramHeaders(file, bytes),
  };
}

function readProgramHeaders(file: FileBytes, header: Buffer): ProgramHeader[] {
  const offset = u64(header, 32);
  const count = header.readUInt16LE(56);
  if (count === 0) throw invalidElf(file, 'it has no program headers', 56);
  if (header.readUInt16LE(54) !== programHeaderSize) {
    throw invalidElf(file, `program headers of ${header.readUInt16LE(54)} bytes`, 54);
  }
  if (count > limits.programHeaders) throw unsupportedElf(file, `${count} program headers`);
  const bytes = readWhole(file, offset, count * programHeaderSize, 'the program headers');
  return Array.from({ length: count }, (_, index) => {
    const at = index * programHeaderSize;
    return {
      type: bytes.readUInt32LE(at),
      flags: bytes.readUInt32LE(at + 4),
      fileOffset: u64(bytes, at + 8),
      address: u64(bytes, at + 16),
      size: u64(bytes, at + 32),
      align: u64(bytes, at + 48),
    };
  });
}
