// SPDX-License-Identifier: Apache-2.0
import { inflateSync } from 'node:zlib';
import { invalidElf, unsupportedElf } from './elf-error.js';
import { readWhole, u64, type FileBytes } from './file-bytes.js';
import { sectionType, type SectionHeader } from './section-table.js';

const compressedFlag = 0x800;
const zlibType = 1;

/** Where the compressed bytes of a section are, and how many they become. */
interface Compressed {
  readonly fileOffset: number;
  readonly size: number;
  readonly inflatedSize: number;
}

/**
 * The bytes of a section, at most `maxBytes` of them; those of a compressed one (SHF_COMPRESSED with zlib, `.zdebug_*`)
 * decompressed.
 * @throws LibtraceError `ERR_ELF_INVALID` when it lies outside the file or cannot be decompressed; `ERR_ELF_UNSUPPORTED`
 * when it is compressed otherwise, or to more than `maxBytes`
 */
export function sectionContent(file: FileBytes, section: SectionHeader, maxBytes: number): Buffer {
  if (section.type === sectionType.noBits) return Buffer.alloc(0);
  const { name, fileOffset, size } = section;
  if (fileOffset + size > file.size) {
    throw invalidElf(file, `section ${name} lies outside the file`, fileOffset);
  }
  const compressed = compressedPart(file, section);
  if (compressed === undefined) {
    return readWhole(file, fileOffset, Math.min(size, maxBytes), `section ${name}`);
  }
  if (compressed.inflatedSize > maxBytes) {
    throw unsupportedElf(
      file,
      `section ${name} decompresses to ${compressed.inflatedSize} bytes; at most ${maxBytes} are read`,
    );
  }
  return inflate(file, name, compressed);
}

/** Bytes that a section has when it is decompressed. @throws LibtraceError as {@link sectionContent} */
export function contentSize(file: FileBytes, section: SectionHeader): number {
  return compressedPart(file, section)?.inflatedSize ?? section.size;
}

function compressedPart(file: FileBytes, section: SectionHeader): Compressed | undefined {
  const { name, fileOffset, size } = section;
  if ((section.flags & compressedFlag) !== 0) {
    if (size < 24) throw invalidElf(file, `section ${name} is too short to be compressed`);
    const head = readWhole(file, fileOffset, 24, `section ${name}`);
    const type = head.readUInt32LE(0);
    if (type !== zlibType) {
      throw unsupportedElf(file, `section ${name} is compressed by method ${type}, not zlib`);
    }
    return { fileOffset: fileOffset + 24, size: size - 24, inflatedSize: u64(head, 8) };
  }
  if (!name.startsWith('.zdebug_') || size < 12) return undefined;
  const head = readWhole(file, fileOffset, 12, `section ${name}`);
  if (head.toString('latin1', 0, 4) !== 'ZLIB') return undefined;
  const inflatedSize = Number(head.readBigUInt64BE(4));
  return { fileOffset: fileOffset + 12, size: size - 12, inflatedSize };
}

function inflate(file: FileBytes, name: string, compressed: Compressed): Buffer {
  const { fileOffset, size, inflatedSize } = compressed;
  // More than zlib can make of so many bytes (RFC 1951: 258 bytes by 2 bits), or far less: then it is not what it says.
  if (inflatedSize > size * 1032 + 1032 || size > inflatedSize * 2 + 1024) {
    throw invalidElf(file, `section ${name} cannot decompress to ${inflatedSize} bytes`);
  }
  if (inflatedSize === 0) return Buffer.alloc(0);
  const input = readWhole(file, fileOffset, size, `section ${name}`);
  let output: Buffer;
  try {
    output = inflateSync(input, { maxOutputLength: inflatedSize });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw invalidElf(file, `section ${name} cannot be decompressed: ${why}`, fileOffset);
  }
  if (output.length !== inflatedSize) {
    throw invalidElf(
      file,
      `section ${name} decompresses to ${output.length} bytes, not ${inflatedSize}`,
    );
  }
  return output;
}
