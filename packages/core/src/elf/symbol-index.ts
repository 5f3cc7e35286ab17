// SPDX-License-Identifier: Apache-2.0
import { unsupportedElf } from './elf-error.js';
import type { FileBytes } from './file-bytes.js';
import { limits } from './limits.js';
import {
  forEachDefined,
  readEntries,
  readEntry,
  type SymbolEntry,
  type SymbolTablePlace,
} from './symbol-table.js';

const versionMark = 0x40;
const hiddenVersion = 0x8000;

/**
 * Finds the symbols of one table by name. Kept: 4 bytes for each symbol and about 4 for each bucket, no names; those are
 * compared in the file. Built once, at the first question.
 */
export class SymbolIndex {
  readonly #file: FileBytes;
  readonly #place: SymbolTablePlace;
  /** Index of the last symbol of each bucket plus 1; 0 when it is empty. */
  readonly #heads: Uint32Array;
  /** For each symbol, the one before it in its bucket, in the same way. */
  readonly #previous: Uint32Array;

  /** @throws LibtraceError `ERR_FILE_READ`; `ERR_ELF_UNSUPPORTED` when names overlap beyond the limits */
  constructor(file: FileBytes, place: SymbolTablePlace) {
    this.#file = file;
    this.#place = place;
    this.#heads = new Uint32Array(2 ** Math.max(4, Math.ceil(Math.log2(place.count + 1))));
    this.#previous = new Uint32Array(place.count);
    const names = file.read(place.names.fileOffset, place.names.size);
    const mask = this.#heads.length - 1;
    let work = 0;
    forEachDefined(file, place, (index, nameOffset) => {
      const end = nameEnd(names, nameOffset, place.table);
      if (end < 0) return;
      work += end - nameOffset;
      if (work > limits.symbolNameWork) throw unsupportedElf(file, 'names of its symbols overlap');
      const bucket = hashBytes(names, nameOffset, end) & mask;
      this.#previous[index] = this.#heads[bucket]!;
      this.#heads[bucket] = index + 1;
    });
  }

  /**
   * The symbol of a name; of several, the default version before others. Later ones are looked at first: symbols that are
   * visible elsewhere stand behind those of one source file (System V ABI, «Symbol Table»).
   */
  find(name: string): SymbolEntry | undefined {
    const wanted = Buffer.from(name);
    if (wanted.length === 0 || wanted.length > limits.symbolName) return undefined;
    let other: SymbolEntry | undefined;
    let [visited, compared] = [0, 0];
    const bucket = hashBytes(wanted, 0, wanted.length) & (this.#heads.length - 1);
    for (let at = this.#heads[bucket]!; at !== 0; at = this.#previous[at - 1]!) {
      if (++visited > limits.sameHashes) {
        throw unsupportedElf(this.#file, 'names of its symbols collide');
      }
      const entry = readEntry(this.#file, this.#place, at - 1);
      if (entry === undefined || !this.#isNamed(entry, wanted)) continue;
      if (this.#isDefaultVersion(entry)) return entry;
      other ??= entry;
      if (++compared >= limits.sameNames) break;
    }
    return other;
  }

  #isNamed(entry: SymbolEntry, wanted: Buffer): boolean {
    const { names, table } = this.#place;
    const length = Math.min(wanted.length + 1, names.size - entry.nameOffset);
    const bytes = this.#file.read(names.fileOffset + entry.nameOffset, length);
    if (bytes.length <= wanted.length || !bytes.subarray(0, wanted.length).equals(wanted))
      return false;
    const after = bytes[wanted.length];
    return after === 0 || (after === versionMark && table === 'static');
  }

  #isDefaultVersion({ index }: SymbolEntry): boolean {
    const { versionsOffset } = this.#place;
    if (versionsOffset === undefined) return true;
    const version = this.#file.read(versionsOffset + index * 2, 2);
    return version.length < 2 || (version.readUInt16LE(0) & hiddenVersion) === 0;
  }
}

const scanBytes = 1024 * 1024;
/** After so many names that are not there, an index costs less than another look. */
const scansMax = 4;

/** The symbols of one table by name, indexed only when one of the names asked for is there: most files have none of them. */
export class SymbolLookup {
  readonly #file: FileBytes;
  readonly #place: SymbolTablePlace;
  #index: SymbolIndex | undefined;
  #scans = 0;

  constructor(file: FileBytes, place: SymbolTablePlace) {
    this.#file = file;
    this.#place = place;
  }

  /** As {@link SymbolIndex.find}. */
  find(name: string): SymbolEntry | undefined {
    if (this.#index === undefined) {
      if (this.#scans++ < scansMax && !this.#isAmongNames(name)) return undefined;
      this.#index = new SymbolIndex(this.#file, this.#place);
    }
    return this.#index.find(name);
  }

  /** Whether the table's names hold it, be it as a part of another one. */
  #isAmongNames(name: string): boolean {
    const { fileOffset, size } = this.#place.names;
    const wanted = Buffer.from(name);
    if (wanted.length === 0) return false;
    for (let at = 0; at < size; at += scanBytes) {
      const length = Math.min(scanBytes + wanted.length, size - at);
      if (this.#file.read(fileOffset + at, length).includes(wanted)) return true;
    }
    return false;
  }
}

/** Entries with their names, without versions. Those whose name cannot be read are left out. */
export function* namedEntries(
  file: FileBytes,
  place: SymbolTablePlace,
): Generator<readonly [name: string, entry: SymbolEntry]> {
  const names = file.read(place.names.fileOffset, place.names.size);
  for (const entry of readEntries(file, place)) {
    const end = nameEnd(names, entry.nameOffset, place.table);
    if (end >= 0) yield [names.toString('utf8', entry.nameOffset, end), entry];
  }
}

/** Where a name ends, without its version; -1 when it is empty, too long, or does not end. */
function nameEnd(names: Buffer, from: number, table: SymbolTablePlace['table']): number {
  const limit = Math.min(names.length, from + limits.symbolName + 1);
  for (let at = from; at < limit; at++) {
    const byte = names[at];
    if (byte === 0) return at === from ? -1 : at;
    // GNU ld writes the version behind the name of a static symbol: `SSL_read@@OPENSSL_3.0.0`.
    if (byte === versionMark && table === 'static' && at > from) return at;
  }
  return -1;
}

/** FNV-1a, 32 bits. */
function hashBytes(bytes: Buffer, from: number, to: number): number {
  let hash = 0x811c9dc5;
  for (let at = from; at < to; at++) hash = Math.imul(hash ^ bytes[at]!, 0x01000193);
  return hash ^ (hash >>> 15);
}
