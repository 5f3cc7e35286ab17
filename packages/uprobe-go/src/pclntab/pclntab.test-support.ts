// SPDX-License-Identifier: Apache-2.0
import type { PclntabFormat } from './header.js';

/** A function for {@link buildPclntab}. */
export interface BuiltFunction {
  readonly name: string;
  /** From the beginning of the text. */
  readonly entry: number;
}

/** What {@link buildPclntab} is to make. */
export interface PclntabRecipe {
  readonly format: PclntabFormat;
  /** In order of their entries. */
  readonly functions: readonly BuiltFunction[];
  /** Where the last function ends. */
  readonly end: number;
  /** Address of the text. */
  readonly text: number;
  /** What the head says of it. Default: the address. */
  readonly textStart?: number;
  /** Default 1. */
  readonly instructionSize?: number;
}

const magics = { '1.2': 0xfffffffb, '1.16': 0xfffffffa, '1.18': 0xfffffff0, '1.20': 0xfffffff1 };

/** A table of functions as the linker of Go writes it, without lines and files. */
export function buildPclntab(recipe: PclntabRecipe): Buffer {
  return recipe.format === '1.2' ? buildOldest(recipe) : buildNewer(recipe);
}

/** 1.2: names and descriptions stand between each other, behind the list. */
function buildOldest({ functions, end, text, instructionSize = 1 }: PclntabRecipe): Buffer {
  const list = Buffer.alloc(16 * functions.length + 8 + 4);
  const rest: Buffer[] = [];
  let offset = 16 + list.length;
  const append = (bytes: Buffer) => {
    rest.push(bytes);
    offset += bytes.length;
    return offset - bytes.length;
  };
  functions.forEach(({ name, entry }, index) => {
    const nameOffset = append(padded(Buffer.from(`${name}\0`, 'latin1')));
    list.writeBigUInt64LE(BigInt(text + entry), 16 * index);
    list.writeBigUInt64LE(BigInt(offset), 16 * index + 8);
    const description = Buffer.alloc(32);
    description.writeBigUInt64LE(BigInt(text + entry), 0);
    description.writeUInt32LE(nameOffset, 8);
    append(description);
  });
  list.writeBigUInt64LE(BigInt(text + end), 16 * functions.length);
  return Buffer.concat([head('1.2', instructionSize, [functions.length]), list, ...rest]);
}

/** 1.16 and later: parts, one behind the other, whose places the head tells. */
function buildNewer(recipe: PclntabRecipe): Buffer {
  const { format, functions, text, textStart = text, instructionSize = 1 } = recipe;
  const isRelative = format !== '1.16';
  const headBytes = isRelative ? 72 : 64;
  const names: Buffer[] = [];
  const nameOffsets: number[] = [];
  let length = 0;
  for (const { name } of functions) {
    nameOffsets.push(length);
    const bytes = Buffer.from(`${name}\0`, 'latin1');
    names.push(bytes);
    length += bytes.length;
  }
  const nameTable = padded(Buffer.concat(names));
  const listAt = headBytes + nameTable.length + 16;
  const words = [
    functions.length,
    1,
    ...(isRelative ? [textStart] : []),
    ...[headBytes, listAt - 16, listAt - 12, listAt - 8, listAt],
  ];
  const list = isRelative ? relativeList(recipe, nameOffsets) : absoluteList(recipe, nameOffsets);
  return Buffer.concat([head(format, instructionSize, words), nameTable, Buffer.alloc(16), list]);
}

function relativeList({ functions, end }: PclntabRecipe, nameOffsets: readonly number[]): Buffer {
  const descriptions = padded(Buffer.alloc(8 * functions.length + 4));
  const bytes = Buffer.alloc(descriptions.length + 40 * functions.length);
  functions.forEach(({ entry }, index) => {
    const at = descriptions.length + 40 * index;
    bytes.writeUInt32LE(entry, 8 * index);
    bytes.writeUInt32LE(at, 8 * index + 4);
    bytes.writeUInt32LE(entry, at);
    bytes.writeUInt32LE(nameOffsets[index]!, at + 4);
  });
  bytes.writeUInt32LE(end, 8 * functions.length);
  return bytes;
}

function absoluteList(
  { functions, end, text }: PclntabRecipe,
  nameOffsets: readonly number[],
): Buffer {
  const begin = 16 * functions.length + 8;
  const bytes = Buffer.alloc(begin + 40 * functions.length);
  functions.forEach(({ entry }, index) => {
    const at = begin + 40 * index;
    bytes.writeBigUInt64LE(BigInt(text + entry), 16 * index);
    bytes.writeBigUInt64LE(BigInt(at), 16 * index + 8);
    bytes.writeBigUInt64LE(BigInt(text + entry), at);
    bytes.writeUInt32LE(nameOffsets[index]!, at + 8);
  });
  bytes.writeBigUInt64LE(BigInt(text + end), 16 * functions.length);
  return bytes;
}

function head(format: PclntabFormat, instructionSize: number, words: readonly number[]): Buffer {
  const bytes = Buffer.alloc(8 + 8 * words.length);
  bytes.writeUInt32LE(magics[format], 0);
  bytes[6] = instructionSize;
  bytes[7] = 8;
  words.forEach((word, index) => bytes.writeBigUInt64LE(BigInt(word), 8 + 8 * index));
  return bytes;
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc(-bytes.length & 7)]);
}
