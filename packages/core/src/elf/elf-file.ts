// SPDX-License-Identifier: Apache-2.0
import type { BinaryRef, ElfImage, ElfSection, ElfSymbol, UsdtPlace } from '../plugin/uprobe.js';
import { AddressMap } from './address-map.js';
import { DwarfTypes } from './dwarf-types.js';
import { dynamicTag, readDynamicSection } from './dynamic-section.js';
import { programHeaderType, readHeader, type ElfHeader } from './elf-header.js';
import type { FileBytes } from './file-bytes.js';
import { limits } from './limits.js';
import { findBuildId, readNotes, readUsdtPlaces } from './notes.js';
import { contentSize, sectionContent } from './section-content.js';
import { SectionTable } from './section-table.js';
import { namedEntries, SymbolLookup } from './symbol-index.js';
import {
  findDynamicSymbols,
  findStaticSymbols,
  toSymbol,
  type SymbolTablePlace,
} from './symbol-table.js';

/** DF_1_PIE in DT_FLAGS_1. */
const positionIndependentProgram = 0x08000000;

interface NamedIndex {
  readonly table: ElfSymbol['table'];
  readonly index: SymbolLookup;
}

/** {@link ElfImage} over the bytes of a file. Tables are read when they are first asked for, and kept until it is disposed of. */
export class ElfFile implements ElfImage, Disposable {
  readonly binary: BinaryRef;
  readonly machine: ElfImage['machine'];
  readonly isRelocatable: boolean;
  readonly dynamic: ElfImage['dynamic'];
  readonly segments: ElfImage['segments'];
  readonly #file: FileBytes;
  readonly #header: ElfHeader;
  readonly #map: AddressMap;
  readonly #dynamicSection: ReturnType<typeof readDynamicSection>;

  /** @throws LibtraceError `ERR_ELF_INVALID`, `ERR_ELF_UNSUPPORTED`, `ERR_FILE_READ` */
  constructor(file: FileBytes, binary?: BinaryRef) {
    this.#file = file;
    this.#header = readHeader(file);
    this.machine = this.#header.machine;
    this.isRelocatable = this.#header.isRelocatable;
    this.#map = new AddressMap(file, this.#header.programHeaders);
    this.segments = this.#map.segments;
    this.#dynamicSection = readDynamicSection(file, this.#header.programHeaders, this.#map);
    this.dynamic = this.#dynamicSection.names;
    this.binary = binary ?? {
      path: file.name,
      ...file.identity,
      isExecutable: this.#isProgram(),
    };
  }

  get buildId(): string | undefined {
    return this.#buildId();
  }

  symbol(name: string): ElfSymbol | undefined {
    return this.#find(this.#dynamicIndex(), name) ?? this.#find(this.#staticIndex(), name);
  }

  *symbols(): Generator<ElfSymbol> {
    for (const place of [this.#dynamicPlace(), this.#staticPlace()]) {
      if (place === undefined) continue;
      for (const [name, entry] of namedEntries(this.#file, place)) {
        yield toSymbol(this.#map, place.table, entry, name);
      }
    }
  }

  section(name: string): ElfSection | undefined {
    const header = this.#sections().named(name);
    if (header === undefined) return undefined;
    const { address, fileOffset } = header;
    return { name, address, fileOffset, size: contentSize(this.#file, header) };
  }

  sectionBytes(name: string, maxBytes: number = limits.sectionBytes): Buffer | undefined {
    const header = this.#sections().named(name);
    return header && sectionContent(this.#file, header, maxBytes);
  }

  read(address: number, length: number): Buffer {
    return this.#map.read(address, length);
  }

  fileOffset(address: number): number | undefined {
    return this.#map.fileOffset(address);
  }

  usdt(provider: string, probe: string): readonly UsdtPlace[] {
    return this.#usdtPlaces().get(`${provider}:${probe}`) ?? [];
  }

  memberOffset(type: string, member: string): number | undefined {
    return this.#dwarf().memberOffset(type, member);
  }

  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
  }

  readonly #sections = once(() => new SectionTable(this.#file, this.#header.sections));
  readonly #dynamicPlace = once(() =>
    findDynamicSymbols(this.#file, this.#sections(), this.#dynamicSection, this.#map),
  );
  readonly #staticPlace = once(() => findStaticSymbols(this.#file, this.#sections()));
  readonly #dynamicIndex = once(() => this.#index(this.#dynamicPlace()));
  readonly #staticIndex = once(() => this.#index(this.#staticPlace()));
  readonly #usdtPlaces = once(() => {
    const bytes = this.sectionBytes('.note.stapsdt', limits.notes) ?? Buffer.alloc(0);
    const base = this.#sections().named('.stapsdt.base')?.address;
    return readUsdtPlaces(readNotes(bytes), this.#map, base);
  });
  readonly #buildId = once(() => {
    for (const header of this.#header.programHeaders) {
      if (header.type !== programHeaderType.note) continue;
      const bytes = this.#file.read(header.fileOffset, Math.min(header.size, limits.notes));
      const found = findBuildId(readNotes(bytes, header.align === 8 ? 8 : 4));
      if (found !== undefined) return found;
    }
    return findBuildId(
      readNotes(this.sectionBytes('.note.gnu.build-id', limits.notes) ?? Buffer.alloc(0)),
    );
  });

  readonly #dwarf = once(() => {
    const bytes = (name: string) =>
      this.sectionBytes(`.debug_${name}`, limits.dwarfSection) ??
      this.sectionBytes(`.zdebug_${name}`, limits.dwarfSection) ??
      Buffer.alloc(0);
    return new DwarfTypes(this.#file, {
      info: bytes('info'),
      types: bytes('types'),
      abbreviations: bytes('abbrev'),
      texts: bytes('str'),
      lineTexts: bytes('line_str'),
      offsets: bytes('str_offsets'),
    });
  });

  #index(place: SymbolTablePlace | undefined): NamedIndex | undefined {
    return place && { table: place.table, index: new SymbolLookup(this.#file, place) };
  }

  #find(from: NamedIndex | undefined, name: string): ElfSymbol | undefined {
    const entry = from?.index.find(name);
    return from && entry && toSymbol(this.#map, from.table, entry, name);
  }

  #isProgram(): boolean {
    if (this.dynamic.soname !== undefined) return false;
    if (!this.isRelocatable) return true;
    const flags = this.#dynamicSection.tables.get(dynamicTag.flags1) ?? 0;
    return (
      Math.floor(flags / positionIndependentProgram) % 2 === 1 ||
      this.#header.programHeaders.some(({ type }) => type === programHeaderType.interpreter)
    );
  }
}

/** Computes a value when it is first asked for; what that throws is thrown each time. */
function once<T>(compute: () => T): () => T {
  let known: { readonly value: T } | { readonly error: unknown } | undefined;
  return () => {
    if (known === undefined) {
      try {
        known = { value: compute() };
      } catch (error) {
        known = { error };
      }
    }
    if ('error' in known) throw known.error;
    return known.value;
  };
}
