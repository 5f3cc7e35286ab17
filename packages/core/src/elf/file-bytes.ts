// SPDX-License-Identifier: Apache-2.0
import { closeSync, constants, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { LibtraceError } from '../errors.js';
import { invalidElf, unreadableFile } from './elf-error.js';

/** The bytes of a file, read on demand. */
export interface FileBytes extends Disposable {
  /** For messages. */
  readonly name: string;
  /** Bytes in the file, when it was opened. */
  readonly size: number;
  /** Device and inode; 0 for bytes that come from no file. */
  readonly identity: { readonly device: number; readonly inode: number };
  /**
   * Bytes from an offset: fewer where the file ends, none outside it.
   * @throws LibtraceError `ERR_FILE_READ`
   */
  read(offset: number, length: number): Buffer;
}

/** The bytes of a buffer. */
export function bytesOfBuffer(buffer: Buffer, name: string): FileBytes {
  return {
    name,
    size: buffer.length,
    identity: { device: 0, inode: 0 },
    read: (offset, length) => {
      const [from, to] = range(offset, length, buffer.length);
      return buffer.subarray(from, to);
    },
    [Symbol.dispose]: () => undefined,
  };
}

/**
 * The bytes of a file. Only regular files are opened, and without waiting: a pipe in a program's place does not block.
 * @throws LibtraceError `ERR_FILE_READ`; `ERR_ELF_INVALID` for what is no regular file
 */
export function bytesOfFile(path: string): FileBytes {
  let fd: number;
  try {
    // Before it is opened: opening a device may do something.
    if (!statSync(path).isFile()) throw invalidElf({ name: path }, 'it is no regular file');
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (cause) {
    if (cause instanceof LibtraceError) throw cause;
    throw unreadableFile(path, cause);
  }
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) throw invalidElf({ name: path }, 'it is no regular file');
    return new OpenFile(path, fd, stat.size, { device: stat.dev, inode: stat.ino });
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

class OpenFile implements FileBytes {
  #fd: number | undefined;

  constructor(
    readonly name: string,
    fd: number,
    readonly size: number,
    readonly identity: FileBytes['identity'],
  ) {
    this.#fd = fd;
  }

  read(offset: number, length: number): Buffer {
    if (this.#fd === undefined) throw unreadableFile(this.name, new Error('it was closed'));
    const [from, to] = range(offset, length, this.size);
    const buffer = Buffer.allocUnsafe(to - from);
    let filled = 0;
    try {
      while (filled < buffer.length) {
        const count = readSync(this.#fd, buffer, filled, buffer.length - filled, from + filled);
        if (count === 0) break;
        filled += count;
      }
    } catch (cause) {
      throw unreadableFile(this.name, cause);
    }
    return buffer.subarray(0, filled);
  }

  [Symbol.dispose](): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }
}

/** The part of `offset … offset + length` that lies in a file of `size` bytes. */
function range(offset: number, length: number, size: number): [from: number, to: number] {
  if (!(offset >= 0 && offset < size) || !(length > 0)) return [0, 0];
  return [offset, Math.min(size, offset + length)];
}

/**
 * Bytes that must be there.
 * @throws LibtraceError `ERR_ELF_INVALID` when the file ends before
 */
export function readWhole(file: FileBytes, offset: number, length: number, what: string): Buffer {
  if (!(offset >= 0 && length >= 0 && offset + length <= file.size)) {
    throw invalidElf(file, `${what} lies outside the file`, offset);
  }
  const bytes = file.read(offset, length);
  if (bytes.length < length) throw invalidElf(file, `the file ends inside ${what}`, offset);
  return bytes;
}

/** Unsigned 64-bit little-endian integer. Beyond 2^53 it is not exact: larger than any file, and refused where it is used. */
export function u64(bytes: Buffer, at: number): number {
  return bytes.readUInt32LE(at) + bytes.readUInt32LE(at + 4) * 2 ** 32;
}

/** Text up to the zero byte, at most `limit` bytes of it; undefined when none comes before. Bytes as UTF-8. */
export function textAt(bytes: Buffer, at: number, limit: number): string | undefined {
  if (at < 0 || at >= bytes.length) return undefined;
  const window = bytes.subarray(at, at + limit + 1);
  const end = window.indexOf(0);
  return end < 0 ? undefined : window.toString('utf8', 0, end);
}
