// SPDX-License-Identifier: Apache-2.0
import type { ElfImage } from '../plugin/uprobe.js';
import { invalidElf, unsupportedElf } from './elf-error.js';
import { programHeaderType, type ProgramHeader } from './elf-header.js';
import type { FileBytes } from './file-bytes.js';
import { limits } from './limits.js';

/** A loaded part of a program file. */
export type LoadSegment = ElfImage['segments'][number];

/** Which virtual address is where in the file. */
export class AddressMap {
  /** Loaded parts, in the order of the file. */
  readonly segments: readonly LoadSegment[];
  readonly #file: FileBytes;

  /** @throws LibtraceError `ERR_ELF_INVALID` when a part lies outside the file or the address space, `ERR_ELF_UNSUPPORTED` */
  constructor(file: FileBytes, programHeaders: readonly ProgramHeader[]) {
    this.#file = file;
    const loads = programHeaders.filter(({ type }) => type === programHeaderType.load);
    if (loads.length === 0) throw invalidElf(file, 'nothing of it is loaded');
    if (loads.length > limits.loadSegments) {
      throw unsupportedElf(file, `${loads.length} loaded segments`);
    }
    this.segments = loads.map((load) => loadSegment(file, load));
    const sorted = this.segments.filter(({ size }) => size > 0);
    sorted.sort((one, other) => one.address - other.address);
    const overlaps = sorted.some((each, index) => {
      const before = sorted[index - 1];
      return before !== undefined && before.address + before.size > each.address;
    });
    if (overlaps) throw invalidElf(file, 'loaded segments overlap');
  }

  /** The loaded part that holds an address, where the file has bytes for it. */
  segmentAt(address: number): LoadSegment | undefined {
    return this.segments.find(
      (segment) => address >= segment.address && address - segment.address < segment.size,
    );
  }

  /** Where an address is in the file; undefined when it is not. */
  fileOffset(address: number): number | undefined {
    const segment = this.segmentAt(address);
    return segment === undefined ? undefined : segment.fileOffset + (address - segment.address);
  }

  /** Bytes at an address: fewer where its loaded part ends in the file, none where nothing is. */
  read(address: number, length: number): Buffer {
    const segment = this.segmentAt(address);
    if (segment === undefined || !(length > 0)) return Buffer.alloc(0);
    const at = address - segment.address;
    return this.#file.read(segment.fileOffset + at, Math.min(length, segment.size - at));
  }
}

function loadSegment(file: FileBytes, header: ProgramHeader): LoadSegment {
  const { fileOffset, address, size, flags } = header;
  if (!Number.isSafeInteger(address + size)) {
    throw invalidElf(file, `a segment is loaded at ${hexadecimal(address)}`);
  }
  if (fileOffset + size > file.size) {
    throw invalidElf(file, 'a loaded segment lies outside the file', fileOffset);
  }
  const [isExecutable, isWritable] = [(flags & 1) !== 0, (flags & 2) !== 0];
  return { address, fileOffset, size, isExecutable, isWritable };
}

/** A number as people write addresses: `0x401000`. */
export function hexadecimal(value: number): string {
  return `0x${value.toString(16)}`;
}
