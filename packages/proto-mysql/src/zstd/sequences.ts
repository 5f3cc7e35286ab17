// SPDX-License-Identifier: Apache-2.0
import { BackwardBits } from './backward-bits.js';
import { buildFseTable, type FseTable, readFseTable, rleTable } from './fse-table.js';
import { littleEndian } from './literals.js';
import { ZstdError } from './zstd-error.js';

/** Codes of one kind: RFC 8878 §3.1.1.3.2.1.1, and the default distributions of §3.1.1.3.2.2. */
interface CodeKind {
  readonly maxAccuracyLog: number;
  readonly defaults: FseTable;
  readonly bases: readonly number[];
  readonly extraBits: readonly number[];
  readonly maxSymbol: number;
}

function kind(
  maxAccuracyLog: number,
  defaultLog: number,
  defaultCounts: readonly number[],
  firstBase: number,
  extraBits: readonly number[],
): CodeKind {
  let base = firstBase;
  const bases = extraBits.map((bits) => {
    const own = base;
    base += 2 ** bits;
    return own;
  });
  const defaults = buildFseTable(defaultCounts, defaultLog);
  return { maxAccuracyLog, defaults, bases, extraBits, maxSymbol: extraBits.length - 1 };
}

const zeros = (count: number): number[] => Array<number>(count).fill(0);
const repeat = (value: number, count: number): number[] => Array<number>(count).fill(value);

const literalLengths = kind(
  9,
  6,
  [4, 3, ...repeat(2, 11), 1, 1, 1, ...repeat(2, 9), 3, 2, 1, 1, 1, 1, 1, ...repeat(-1, 4)],
  0,
  [...zeros(16), 1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16],
);
const matchLengths = kind(9, 6, [1, 4, 3, ...repeat(2, 6), ...repeat(1, 37), ...repeat(-1, 7)], 3, [
  ...zeros(32),
  1,
  1,
  1,
  1,
  2,
  2,
  3,
  3,
  4,
  4,
  5,
  7,
  8,
  9,
  10,
  11,
  12,
  13,
  14,
  15,
  16,
]);
/** Offsets farther back than what can be decoded at once are not supported. */
const MAX_OFFSET_CODE = 24;
const offsets = kind(
  8,
  5,
  [...repeat(1, 6), 2, 2, 2, ...repeat(1, 15), ...repeat(-1, 5)],
  1,
  Array.from({ length: 32 }, (_, code) => code),
);

/** What blocks of a frame hand on to the next one. */
export interface SequenceState {
  literalLengths: FseTable | undefined;
  offsets: FseTable | undefined;
  matchLengths: FseTable | undefined;
  /** Repeated_Offset1, 2 and 3 (RFC 8878 §3.1.1.5). */
  readonly repeated: [number, number, number];
}

/** The state at the beginning of a frame. */
export function newSequenceState(): SequenceState {
  return {
    literalLengths: undefined,
    offsets: undefined,
    matchLengths: undefined,
    repeated: [1, 4, 8],
  };
}

/**
 * Decodes and carries out the sequences of a block (RFC 8878 §3.1.1.3.2, §3.1.1.4). Every sequence adds at least three
 * bytes: `to` bounds the work.
 * @returns how far `out` is filled
 */
export function runSequences(
  state: SequenceState,
  bytes: Uint8Array,
  start: number,
  end: number,
  literals: Uint8Array,
  out: Uint8Array,
  from: number,
  to: number,
): number {
  let at = start;
  let count = littleEndian(bytes, at++, 1, end);
  if (count >= 128) {
    if (count < 255) count = ((count - 128) << 8) + littleEndian(bytes, at++, 1, end);
    else {
      count = littleEndian(bytes, at, 2, end) + 0x7f00;
      at += 2;
    }
  }
  if (count === 0) {
    if (at !== end) throw new ZstdError('bytes follow the literals');
    return append(literals, 0, out, from, to);
  }
  const modes = littleEndian(bytes, at++, 1, end);
  if ((modes & 3) !== 0) throw new ZstdError('reserved bits are set');
  const table = (mode: number, codes: CodeKind, previous: FseTable | undefined): FseTable => {
    if (mode === 0) return codes.defaults;
    if (mode === 1) {
      const symbol = littleEndian(bytes, at++, 1, end);
      if (symbol > codes.maxSymbol) throw new ZstdError('a code is too large');
      return rleTable(symbol);
    }
    if (mode === 2) {
      const read = readFseTable(bytes, at, end, codes.maxAccuracyLog, codes.maxSymbol);
      at = read.end;
      return read.table;
    }
    if (previous === undefined) throw new ZstdError('there is no table to use again');
    return previous;
  };
  state.literalLengths = table(modes >> 6, literalLengths, state.literalLengths);
  state.offsets = table((modes >> 4) & 3, offsets, state.offsets);
  state.matchLengths = table((modes >> 2) & 3, matchLengths, state.matchLengths);
  return execute(state, new BackwardBits(bytes, at, end), count, literals, out, from, to);
}

function execute(
  state: SequenceState,
  stream: BackwardBits,
  count: number,
  literals: Uint8Array,
  out: Uint8Array,
  from: number,
  to: number,
): number {
  const ll = state.literalLengths!;
  const of = state.offsets!;
  const ml = state.matchLengths!;
  let llState = stream.read(ll.accuracyLog);
  let ofState = stream.read(of.accuracyLog);
  let mlState = stream.read(ml.accuracyLog);
  let literal = 0;
  let at = from;
  for (let i = 0; i < count; i++) {
    const offsetCode = of.symbols[ofState]!;
    if (offsetCode > MAX_OFFSET_CODE) throw new ZstdError('an offset is too large');
    const offsetValue = 2 ** offsetCode + stream.read(offsetCode);
    const mlCode = ml.symbols[mlState]!;
    const matchLength = matchLengths.bases[mlCode]! + stream.read(matchLengths.extraBits[mlCode]!);
    const llCode = ll.symbols[llState]!;
    const literalLength =
      literalLengths.bases[llCode]! + stream.read(literalLengths.extraBits[llCode]!);
    if (stream.left < 0) throw new ZstdError('sequences are cut');
    const offset = offsetOf(state.repeated, offsetValue, literalLength === 0);

    const copied = at + literalLength;
    const behind = copied + matchLength;
    if (behind > to || literal + literalLength > literals.length || offset > copied) {
      throw new ZstdError('a sequence leads outside');
    }
    for (; at < copied; at++) out[at] = literals[literal++]!;
    // may overlap with what it makes
    for (; at < behind; at++) out[at] = out[at - offset]!;

    if (i + 1 === count) break;
    llState = ll.bases[llState]! + stream.read(ll.bits[llState]!);
    mlState = ml.bases[mlState]! + stream.read(ml.bits[mlState]!);
    ofState = of.bases[ofState]! + stream.read(of.bits[ofState]!);
  }
  if (stream.left !== 0) throw new ZstdError('sequences do not end where their bits do');
  return append(literals, literal, out, at, to);
}

/** RFC 8878 §3.1.1.5: values up to 3 stand for the offsets used last. */
function offsetOf(repeated: [number, number, number], value: number, noLiterals: boolean): number {
  if (value > 3) {
    repeated[2] = repeated[1];
    repeated[1] = repeated[0];
    return (repeated[0] = value - 3);
  }
  const index = value - 1 + (noLiterals ? 1 : 0);
  if (index === 0) return repeated[0];
  const offset = index === 3 ? repeated[0] - 1 : repeated[index]!;
  if (offset <= 0) throw new ZstdError('an offset is 0');
  if (index > 1) repeated[2] = repeated[1];
  repeated[1] = repeated[0];
  return (repeated[0] = offset);
}

function append(
  literals: Uint8Array,
  literal: number,
  out: Uint8Array,
  at: number,
  to: number,
): number {
  const end = at + literals.length - literal;
  if (end > to) throw new ZstdError('a block is too large');
  out.set(literals.subarray(literal), at);
  return end;
}
