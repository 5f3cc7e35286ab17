// SPDX-License-Identifier: Apache-2.0
import type { HuffmanTable } from './huffman-table.js';
import { littleEndian, readLiterals } from './literals.js';
import { newSequenceState, runSequences } from './sequences.js';
import { ZstdError } from './zstd-error.js';

/** First bytes of a frame (RFC 8878 §3.1.1). */
export const zstdMagic = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);
/** Block_Maximum_Size is never more (RFC 8878 §3.1.1.2.4). */
const MAX_BLOCK_BYTES = 128 * 1024;

const RAW = 0;
const RLE = 1;
const COMPRESSED = 2;

/**
 * Decompresses one Zstandard frame (RFC 8878), without dictionary, into memory of a known size. Work and memory are
 * bounded by that size, whatever the bytes are. Checksums are not checked.
 * @param input a frame, or the beginning of one
 * @param size bytes that it decompresses to; more are an error
 * @returns what the whole blocks of the input decompress to: `size` bytes when the frame is whole. Undefined when the
 * input is no such frame.
 */
export function decompressZstd(input: Uint8Array, size: number): Buffer | undefined {
  try {
    return decompressFrame(input, size);
  } catch (error) {
    if (error instanceof ZstdError) return undefined;
    throw error;
  }
}

function decompressFrame(input: Uint8Array, size: number): Buffer {
  // memory is taken as it is needed: a header may promise more than follows
  let out: Buffer = Buffer.allocUnsafe(Math.min(size, MAX_BLOCK_BYTES));
  const sequences = newSequenceState();
  let tree: HuffmanTable | undefined;
  let at = behindHeader(input);
  let filled = 0;
  let isLast = false;
  while (!isLast && at + 3 <= input.length) {
    const header = littleEndian(input, at, 3, input.length);
    isLast = (header & 1) === 1;
    const type = (header >> 1) & 3;
    const blockSize = header >> 3;
    at += 3;
    const behind = at + (type === RLE ? 1 : blockSize);
    if (blockSize > MAX_BLOCK_BYTES || type > COMPRESSED) throw new ZstdError('no block');
    if (behind > input.length) break;
    const to = Math.min(size, filled + MAX_BLOCK_BYTES);
    if (to > out.length) out = grown(out, filled, Math.min(size, Math.max(to, out.length * 2)));
    if (type === COMPRESSED) {
      const literals = readLiterals(input, at, behind, MAX_BLOCK_BYTES, tree);
      tree = literals.table;
      filled = runSequences(
        sequences,
        input,
        literals.end,
        behind,
        literals.bytes,
        out,
        filled,
        to,
      );
    } else {
      if (filled + blockSize > to) throw new ZstdError('a block is too large');
      if (type === RAW) out.set(input.subarray(at, behind), filled);
      else out.fill(input[at]!, filled, filled + blockSize);
      filled += blockSize;
    }
    at = behind;
  }
  return out.subarray(0, filled);
}

function grown(from: Buffer, filled: number, size: number): Buffer {
  const to = Buffer.allocUnsafe(size);
  from.copy(to, 0, 0, filled);
  return to;
}

/** RFC 8878 §3.1.1.1: `magic 4 | descriptor 1 | window 0-1 | dictionary 0-4 | content size 0-8`. */
function behindHeader(input: Uint8Array): number {
  if (input.length < 5 || zstdMagic.compare(input, 0, 4) !== 0) throw new ZstdError('no frame');
  const descriptor = input[4]!;
  const isSingleSegment = (descriptor & 0x20) !== 0;
  if ((descriptor & 0x08) !== 0) throw new ZstdError('a reserved bit is set');
  if ((descriptor & 0x03) !== 0) throw new ZstdError('a dictionary is needed');
  const sizeFlag = descriptor >> 6;
  const sizeBytes = sizeFlag === 0 ? (isSingleSegment ? 1 : 0) : 1 << sizeFlag;
  return 5 + (isSingleSegment ? 0 : 1) + sizeBytes;
}
