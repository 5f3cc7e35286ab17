// SPDX-License-Identifier: Apache-2.0
import type { ElfImage } from '@libtrace/core/plugin';
import type { Pclntab } from './locate.js';
import { WindowedReader } from './windowed-reader.js';

/** Where a function is, by the table. */
export interface TableFunction {
  /** First byte: an offset from `runtime.text`, or an address (see PclntabHeader.isRelative). */
  readonly entry: number;
  /** Where the next function begins. */
  readonly end: number;
}

/** Outcome of a search in the table. */
export interface FoundFunctions {
  /** By name. */
  readonly functions: ReadonlyMap<string, TableFunction>;
  /** What is wrong with the table, if anything is. */
  readonly problem: string | undefined;
}

const chunkBytes = 1024 * 1024;
/** Names of the largest programs take 30 MB. */
const maxNameBytes = 256 * 1024 * 1024;
const maxListBytes = 256 * 1024 * 1024;
const maxDescriptionBytes = 512 * 1024 * 1024;
/** Places where a name stands, also as the end of a longer one. */
const maxPlaces = 64;

/** Finds functions by their full names: `crypto/tls.(*Conn).Read`. */
export function findTableFunctions(
  image: ElfImage,
  table: Pclntab,
  names: readonly string[],
): FoundFunctions {
  const places = findNames(image, table, names);
  if (places.size === 0) return { functions: new Map(), problem: undefined };
  return scanList(image, table, places);
}

/** Where each name stands (an offset as descriptions hold it): one of them is the function's, if it has one. */
function findNames(
  image: ElfImage,
  { header, address, size }: Pclntab,
  names: readonly string[],
): ReadonlyMap<number, string> {
  const wanted = names.map((name) => ({ name, bytes: Buffer.from(`${name}\0`, 'latin1') }));
  const overlap = Math.max(...wanted.map(({ bytes }) => bytes.length));
  const begin = address + header.names;
  // Before 1.16, names stand between everything else.
  const length = header.format === '1.2' ? size : Math.max(0, header.list - header.names);
  const end = begin + Math.min(length, size - header.names, maxNameBytes);
  const places = new Map<number, string>();
  for (let at = begin; at < end; at += chunkBytes) {
    const bytes = image.read(at, Math.min(chunkBytes + overlap, end - at));
    if (bytes.length === 0) break;
    for (const { name, bytes: pattern } of wanted) {
      for (let hit = bytes.indexOf(pattern); hit >= 0; hit = bytes.indexOf(pattern, hit + 1)) {
        if (places.size < maxPlaces) places.set(at + hit - begin, name);
      }
    }
  }
  return places;
}

/** Reads the list of functions until each name has its own. */
function scanList(
  image: ElfImage,
  { header, address, size }: Pclntab,
  places: ReadonlyMap<number, string>,
): FoundFunctions {
  const { isRelative, list, descriptions } = header;
  const width = isRelative ? 4 : 8;
  const pairs = new WindowedReader(image, address + list, size - list, maxListBytes);
  const described = new WindowedReader(
    image,
    address + descriptions,
    size - descriptions,
    maxDescriptionBytes,
  );
  const number = (at: number) => (isRelative ? pairs.u32(at) : pairs.u64(at));
  const functions = new Map<string, TableFunction>();
  const wanted = new Set(places.values()).size;
  for (let index = 0; index < header.functions && functions.size < wanted; index++) {
    const offset = number((2 * index + 1) * width);
    const nameOffset = offset === undefined ? undefined : described.u32(offset + width);
    if (nameOffset === undefined) {
      const why = pairs.isExhausted || described.isExhausted ? 'is out of order' : 'ends early';
      return { functions, problem: `the table of functions ${why} at entry ${index}` };
    }
    const name = places.get(nameOffset);
    if (name === undefined || functions.has(name)) continue;
    const entry = number(2 * index * width);
    const end = number(2 * (index + 1) * width);
    if (entry === undefined || end === undefined || end <= entry) {
      const why = end === 0 ? ': its addresses are relocated' : '';
      return { functions, problem: `the table of functions does not tell where ${name} is${why}` };
    }
    functions.set(name, { entry, end });
  }
  return { functions, problem: undefined };
}

/** Entries of functions spread over the whole table, at most `count` of them; as in {@link TableFunction}. */
export function sampleEntries(image: ElfImage, table: Pclntab, count: number): readonly number[] {
  const { header, address, size } = table;
  const width = header.isRelative ? 4 : 8;
  const step = Math.max(1, Math.floor(header.functions / count));
  const entries = new Set<number>();
  for (let index = 0; index < header.functions && entries.size < count; index += step) {
    const at = header.list + 2 * index * width;
    if (at + width > size) break;
    const bytes = image.read(address + at, width);
    if (bytes.length < width) break;
    entries.add(header.isRelative ? bytes.readUInt32LE(0) : Number(bytes.readBigUInt64LE(0)));
  }
  return [...entries];
}
