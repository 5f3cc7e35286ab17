// SPDX-License-Identifier: Apache-2.0
import { decodeHuffman, type HuffmanTable, readHuffmanTable } from './huffman-table.js';
import { ZstdError } from './zstd-error.js';

/** The literals of a block, with the offset behind their section. */
export interface Literals {
  readonly bytes: Uint8Array;
  readonly end: number;
  /** The tree that they were coded with, for blocks that use it again. */
  readonly table: HuffmanTable | undefined;
}

const RAW = 0;
const RLE = 1;
const COMPRESSED = 2;

/** RFC 8878 §3.1.1.3.1. */
export function readLiterals(
  bytes: Uint8Array,
  start: number,
  end: number,
  maxBytes: number,
  previous: HuffmanTable | undefined,
): Literals {
  if (start >= end) throw new ZstdError('a block has no literals');
  const first = bytes[start]!;
  const type = first & 3;
  const format = (first >> 2) & 3;
  if (type === RAW || type === RLE) {
    // 5 bits behind the format, which is one bit then; 12; 20
    const headerBytes = (format & 1) === 0 ? 1 : format === 1 ? 2 : 3;
    const header = littleEndian(bytes, start, headerBytes, end);
    const size = headerBytes === 1 ? header >> 3 : header >> 4;
    const from = start + headerBytes;
    const behind = from + (type === RAW ? size : 1);
    if (size > maxBytes || behind > end) throw new ZstdError('literals are cut');
    const literals =
      type === RAW ? bytes.subarray(from, behind) : new Uint8Array(size).fill(bytes[from]!);
    return { bytes: literals, end: behind, table: previous };
  }
  // two sizes of 10, 14 or 18 bits behind the format
  const width = format < 2 ? 10 : format === 2 ? 14 : 18;
  const headerBytes = format < 2 ? 3 : format + 2;
  const header = littleEndian(bytes, start, headerBytes, end);
  const size = Math.floor(header / 16) % 2 ** width;
  const compressedSize = Math.floor(header / 2 ** (4 + width));
  let from = start + headerBytes;
  const behind = from + compressedSize;
  if (size > maxBytes || behind > end) throw new ZstdError('literals are cut');
  let table = previous;
  if (type === COMPRESSED) {
    const described = readHuffmanTable(bytes, from, behind);
    table = described.table;
    from = described.end;
  }
  if (table === undefined) throw new ZstdError('there is no tree to use again');
  const out = new Uint8Array(size);
  if (format === 0) decodeHuffman(table, bytes, from, behind, out, 0, size);
  else decodeFourStreams(table, bytes, from, behind, out);
  return { bytes: out, end: behind, table };
}

/** Sizes of the first three streams stand before them; each but the last decodes to as many bytes. */
function decodeFourStreams(
  table: HuffmanTable,
  bytes: Uint8Array,
  start: number,
  end: number,
  out: Uint8Array,
): void {
  const each = (out.length + 3) >> 2;
  let from = start + 6;
  if (from > end || each * 3 > out.length) throw new ZstdError('streams of literals are cut');
  for (let i = 0; i < 4; i++) {
    const to = i < 3 ? from + littleEndian(bytes, start + 2 * i, 2, end) : end;
    if (to > end) throw new ZstdError('streams of literals are cut');
    decodeHuffman(table, bytes, from, to, out, i * each, i < 3 ? (i + 1) * each : out.length);
    from = to;
  }
}

/** An unsigned integer of up to 5 bytes. */
export function littleEndian(bytes: Uint8Array, at: number, width: number, end: number): number {
  if (at + width > end) throw new ZstdError('a field is cut');
  let value = 0;
  for (let i = width - 1; i >= 0; i--) value = value * 256 + bytes[at + i]!;
  return value;
}
