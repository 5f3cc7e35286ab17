// SPDX-License-Identifier: Apache-2.0
import type { Machine } from '@libtrace/core/plugin';
import { MemoryImage } from './memory-image.test-support.js';
import type { MemoryPart } from './memory-image.test-support.js';
import type { PclntabFormat } from './pclntab/header.js';
import { buildPclntab } from './pclntab/pclntab.test-support.js';
import type { BuiltFunction } from './pclntab/pclntab.test-support.js';

/** What {@link goImageParts} is to make. */
export interface GoImageRecipe {
  /** Default `1.20`. */
  readonly format?: PclntabFormat;
  /** Default `go1.23.5`. */
  readonly version?: string;
  /** Default `x86_64`. */
  readonly machine?: Machine;
  /** Bytes of C before the first function of Go. Default 0. */
  readonly cBytes?: number;
  /** What the head of the table says of the text. Default: where it is. */
  readonly textStart?: number;
  /** Sections have names. Default true. */
  readonly hasSections?: boolean;
  /** Names of functions. Default: those of crypto/tls among 29 others. */
  readonly names?: readonly string[];
}

/** Address of the executable segment. */
export const codeAddress = 0x401000;
const tableAddress = 0x600000;
const dataAddress = 0x700000;
/** Functions are of different sizes: their places, taken together, are at one place only. */
const sizeOf = (index: number) => 48 + 16 * ((index * index) % 11);
const entryOf = (index: number) =>
  Array.from({ length: index }, (_, before) => sizeOf(before)).reduce((sum, size) => sum + size, 0);

const tlsNames = ['Write', 'Read', 'Close'].map((method) => `crypto/tls.(*Conn).${method}`);
/** Names of which some are the ends of others. */
export const defaultNames = [
  ...Array.from({ length: 20 }, (_, index) => `runtime.function${index}`),
  ...tlsNames.map((name) => `example.com/${name}`),
  ...tlsNames,
  ...Array.from({ length: 6 }, (_, index) => `main.function${index}`),
];

/** Where the functions of a recipe are: `index` of its name. */
export function addressOf(recipe: GoImageRecipe, name: string): number {
  const index = (recipe.names ?? defaultNames).indexOf(name);
  return codeAddress + (recipe.cBytes ?? 0) + entryOf(index);
}

/** Bytes from that function to the next one. */
export function bytesOf(recipe: GoImageRecipe, name: string): number {
  return sizeOf((recipe.names ?? defaultNames).indexOf(name));
}

/** The parts of a stripped program of Go: code, table of functions, build information. */
export function goImageParts(recipe: GoImageRecipe = {}): readonly MemoryPart[] {
  const { format = '1.20', machine = 'x86_64', cBytes = 0, hasSections = true } = recipe;
  const names = recipe.names ?? defaultNames;
  const text = codeAddress + cBytes;
  const functions = names.map((name, index): BuiltFunction => ({ name, entry: entryOf(index) }));
  const table = buildPclntab({
    format,
    functions,
    end: entryOf(names.length),
    text,
    textStart: recipe.textStart ?? text,
    instructionSize: machine === 'x86_64' ? 1 : 4,
  });
  const code = Buffer.concat([
    Buffer.alloc(cBytes, 0x90),
    ...names.map((_, index) => functionOf(machine, sizeOf(index))),
  ]);
  const named = (section: string) => (hasSections ? { section } : {});
  return [
    { ...named('.text'), address: codeAddress, bytes: code, isExecutable: true },
    { ...named('.gopclntab'), address: tableAddress, bytes: table },
    {
      ...named('.go.buildinfo'),
      address: dataAddress,
      bytes: inlineBuildInfo(recipe.version ?? 'go1.23.5', 'path\texample.com/shop\n'),
      isWritable: true,
    },
  ];
}

/** {@link goImageParts}, as an image. */
export function goImage(recipe: GoImageRecipe = {}): MemoryImage {
  return new MemoryImage(recipe.machine ?? 'x86_64', goImageParts(recipe));
}

/** Build information as it is written since Go 1.18. */
export function inlineBuildInfo(version: string, text: string): Buffer {
  const head = Buffer.alloc(32);
  head.write('\xff Go buildinf:', 0, 'latin1');
  head[14] = 8;
  head[15] = 2;
  const mark = Buffer.alloc(16, 0x30);
  const framed = text === '' ? Buffer.alloc(0) : Buffer.concat([mark, Buffer.from(text), mark]);
  return Buffer.concat([
    head,
    ...[Buffer.from(version), framed].flatMap((each) => [varint(each.length), each]),
  ]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (; value >= 128; value = Math.floor(value / 128)) bytes.push((value & 127) | 128);
  return Buffer.from([...bytes, value]);
}

/** A function as Go's compiler begins it, with the space behind it filled. */
function functionOf(machine: Machine, size: number): Buffer {
  const bytes = Buffer.alloc(size, machine === 'x86_64' ? 0xcc : 0);
  // cmp rsp, [r14+16]; ret, or ldr x16, [x28, #16]; ret
  Buffer.from(machine === 'x86_64' ? '493b6610c3' : '900b40f9c0035fd6', 'hex').copy(bytes);
  return bytes;
}
