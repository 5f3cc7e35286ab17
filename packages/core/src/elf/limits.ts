// SPDX-License-Identifier: Apache-2.0

/**
 * What reading a program file may cost, whatever its headers say. What is beyond is `ERR_ELF_UNSUPPORTED`. A table is
 * never larger than the file, whatever its header says, so small files are cheap.
 */
export const limits = {
  /** Program headers. */
  programHeaders: 4096,
  /** Loaded segments. */
  loadSegments: 256,
  /** Section headers; files with more number them in another way. */
  sectionHeaders: 0xfeff,
  /** Bytes of the table of section names. */
  sectionNames: 16 * 2 ** 20,
  /** Bytes of a section's name, and of a library's. */
  shortName: 4096,
  /** Symbols of one table. */
  symbols: 2 ** 22,
  /** Bytes of the names of one table. */
  symbolNames: 2 ** 27,
  /** Bytes of a symbol's name; longer ones are not found. */
  symbolName: 4096,
  /** Bytes of symbol names looked at, all together: names may overlap. */
  symbolNameWork: 2 ** 28,
  /** Symbols of the same name that are compared. */
  sameNames: 256,
  /** Symbols of the same bucket that are visited. */
  sameHashes: 65_536,
  /** Entries of the dynamic section. */
  dynamicEntries: 8192,
  /** Bytes of one segment or section of notes. */
  notes: 16 * 2 ** 20,
  /** Bytes of a section that are handed out by default, decompressed. */
  sectionBytes: 64 * 2 ** 20,
  /** Bytes of each section of DWARF, decompressed. */
  dwarfSection: 2 ** 27,
  /** Entries and attributes of DWARF that are looked at for one file, all questions together. */
  dwarfSteps: 40_000_000,
  /** Bytes of a function. */
  functionBytes: 65_536,
} as const;
