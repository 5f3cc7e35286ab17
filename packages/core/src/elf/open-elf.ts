// SPDX-License-Identifier: Apache-2.0
import type { BinaryRef, ElfImage } from '../plugin/uprobe.js';
import { ElfFile } from './elf-file.js';
import { bytesOfBuffer, bytesOfFile } from './file-bytes.js';

/**
 * Opens a program file (ELF of 64 bits, little-endian, x86-64 or arm64; ET_EXEC or ET_DYN). A path is read on demand and
 * stays open until the image is disposed of. Everything that the image is asked for later may throw the same errors.
 * @param source a path, or the bytes of a file
 * @param binary which file it is. Default: what `stat` and the file itself say; `path` is the path that was opened
 * @throws LibtraceError `ERR_ELF_INVALID` when it is damaged or none; `ERR_ELF_UNSUPPORTED` when it is of another kind, or
 * beyond the limits; `ERR_FILE_READ`
 */
export function openElf(source: string | Buffer, binary?: BinaryRef): ElfImage & Disposable {
  const file =
    typeof source === 'string'
      ? bytesOfFile(source)
      : bytesOfBuffer(source, binary?.path ?? 'program file');
  try {
    return new ElfFile(file, binary);
  } catch (error) {
    file[Symbol.dispose]();
    throw error;
  }
}
