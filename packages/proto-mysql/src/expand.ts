// SPDX-License-Identifier: Apache-2.0
import { constants, inflateSync } from 'node:zlib';
import type { ByteView } from '@libtrace/core/plugin';
import { decompressZstd, zstdMagic } from './zstd/decompress.js';

/** Bytes that a connection may expand before what it received matters, and how many for each byte received. */
const FREE_BYTES = 64 * 1024 * 1024;
const BYTES_PER_BYTE = 64;
/** Memory is taken in pieces: a header may promise more than follows. */
const CHUNK_BYTES = 128 * 1024;
/** Deflate never does better (zlib's technical details: 1032:1), Zstandard's repeated bytes do. */
const MAX_DEFLATE_RATIO = 1040;

/** Whether a zlib stream (RFC 1950) or a Zstandard frame (RFC 8878) begins at `at`. */
export function isCompressedData(view: ByteView, at: number): boolean {
  const first = view.u8(at);
  const second = view.u8(at + 1);
  if (first === zstdMagic[0] && second === zstdMagic[1]) {
    return view.u8(at + 2) === zstdMagic[2] && view.u8(at + 3) === zstdMagic[3];
  }
  return (first & 0x0f) === 8 && first >> 4 <= 7 && ((first << 8) | second) % 31 === 0;
}

/** Expands compressed payloads of one connection, at a bounded cost. */
export class Expander {
  #credit = FREE_BYTES;

  /**
   * @param payload a compressed payload, or the beginning of one
   * @param size bytes that the whole payload stands for
   * @returns what could be expanded, at most `size` bytes; undefined when nothing could, or more than is fair was asked
   */
  expand(payload: Buffer, isWhole: boolean, size: number): Buffer | undefined {
    this.#credit = Math.min(FREE_BYTES, this.#credit + payload.length * BYTES_PER_BYTE);
    if (payload.length < 4 || size > this.#credit) return undefined;
    this.#credit -= size;
    const isZstd = zstdMagic.compare(payload, 0, 4) === 0;
    const expanded = isZstd ? decompressZstd(payload, size) : inflate(payload, isWhole, size);
    return isWhole && expanded?.length !== size ? undefined : expanded;
  }
}

function inflate(payload: Buffer, isWhole: boolean, size: number): Buffer | undefined {
  if (isWhole && size > payload.length * MAX_DEFLATE_RATIO) return undefined;
  try {
    return inflateSync(payload, {
      maxOutputLength: Math.max(1, size),
      chunkSize: Math.min(CHUNK_BYTES, Math.max(64, size)),
      finishFlush: isWhole ? constants.Z_FINISH : constants.Z_SYNC_FLUSH,
    });
  } catch {
    return undefined;
  }
}
