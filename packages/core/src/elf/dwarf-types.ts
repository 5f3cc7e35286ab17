// SPDX-License-Identifier: Apache-2.0
import { DwarfBudget, DwarfDamage, DwarfTooLarge } from './dwarf-cursor.js';
import { structsNamed, type StructMembers } from './dwarf-structs.js';
import {
  readAbbreviations,
  readUnit,
  unitBounds,
  type AbbreviationTable,
  type DwarfUnit,
} from './dwarf-unit.js';
import { invalidElf, unsupportedElf } from './elf-error.js';
import { limits } from './limits.js';

/** The sections of DWARF that types are in. Those that the file lacks are empty. */
export interface DwarfSections {
  /** `.debug_info`. */
  readonly info: Buffer;
  /** `.debug_types`, of DWARF 4. */
  readonly types: Buffer;
  /** `.debug_abbrev`. */
  readonly abbreviations: Buffer;
  /** `.debug_str`. */
  readonly texts: Buffer;
  /** `.debug_line_str`. */
  readonly lineTexts: Buffer;
  /** `.debug_str_offsets`. */
  readonly offsets: Buffer;
}

const unitCost = 64;
const maxTextPlaces = 8;
const maxKnownStructs = 64;
/** Behind so many damaged units nothing is looked for. */
const maxDamagedUnits = 256;

/** Answers questions about types from DWARF, versions 2 to 5. What it has once found is kept. */
export class DwarfTypes {
  readonly #file: { readonly name: string };
  readonly #sections: DwarfSections;
  readonly #budget = new DwarfBudget(limits.dwarfSteps);
  readonly #known = new Map<string, StructMembers[]>();

  constructor(file: { readonly name: string }, sections: DwarfSections) {
    this.#file = file;
    this.#sections = sections;
  }

  /**
   * Offset of a member in the first struct, class or union of that name that has it; undefined when none has, or when it is
   * a bit field. Members of members without a name, and of base classes, are not looked for.
   * @throws LibtraceError `ERR_ELF_INVALID` when it was not found and a unit that may have it is damaged;
   * `ERR_ELF_UNSUPPORTED` when looking for it takes more than the limits
   */
  memberOffset(type: string, member: string): number | undefined {
    const known = this.#known.get(type) ?? [];
    const found = known.find((members) => members.has(member));
    if (found !== undefined) return found.get(member);
    let damage: DwarfDamage | undefined;
    try {
      for (const each of this.#structs(type)) {
        if (each instanceof DwarfDamage) {
          damage ??= each;
        } else if (each.has(member)) {
          if (known.length < maxKnownStructs) this.#known.set(type, [...known, each]);
          return each.get(member);
        }
      }
    } catch (error) {
      if (!(error instanceof DwarfTooLarge)) throw error;
      const what = `its debug information is too large to look for ${type}`;
      throw unsupportedElf(this.#file, what);
    }
    if (damage === undefined) return undefined;
    throw invalidElf(this.#file, `debug information that may have ${type}: ${damage.message}`);
  }

  /** All structs of a name. A unit that is damaged is told, and the next one looked at. */
  *#structs(type: string): Generator<StructMembers | DwarfDamage> {
    const name = Buffer.from(`${type}\0`);
    const { info, types, texts, offsets } = this.#sections;
    const budget = this.#budget;
    const places = textPlaces(texts, name);
    let damaged = 0;
    for (const section of [info, types]) {
      const mayHold = unitFilter(section, name, places);
      let shared: { readonly offset: number; readonly table: AbbreviationTable } | undefined;
      for (let at = 0; at < section.length;) {
        budget.spend(unitCost);
        let end = section.length;
        try {
          const bounds = unitBounds(section, at);
          end = bounds.end;
          if (mayHold(at, end) || offsets.length > 0) {
            const unit = readUnit(section, bounds, section === types);
            shared = this.#abbreviationsOf(unit, shared, budget);
            const { table } = shared;
            if (table.hasIndexedTexts || mayHold(at, end)) {
              const walk = { section, unit, table, sections: this.#sections, budget };
              yield* structsNamed(walk, name.subarray(0, -1));
            }
          }
        } catch (error) {
          if (!(error instanceof DwarfDamage)) throw error;
          const isLast = ++damaged >= maxDamagedUnits;
          if (isLast || mayHold(at, end)) yield error;
          if (isLast) return;
        }
        at = end;
      }
    }
  }

  #abbreviationsOf(
    unit: DwarfUnit,
    latest: { readonly offset: number; readonly table: AbbreviationTable } | undefined,
    budget: DwarfBudget,
  ) {
    if (latest?.offset === unit.abbreviations) return latest;
    const { abbreviations } = this.#sections;
    const table = readAbbreviations(abbreviations, unit.abbreviations, budget);
    return { offset: unit.abbreviations, table };
  }
}

/** Where `.debug_str` has a text, also as the end of a longer one; undefined when at more places than are worth it. */
function textPlaces(texts: Buffer, name: Buffer): readonly number[] | undefined {
  const places: number[] = [];
  for (let at = texts.indexOf(name); at >= 0; at = texts.indexOf(name, at + 1)) {
    if (places.length === maxTextPlaces) return undefined;
    places.push(at);
  }
  return places;
}

/**
 * Tells units that cannot name the type from those that may: they hold the name itself, or the offset of a place in
 * `.debug_str`. Most units are passed over so, without reading their entries.
 */
function unitFilter(
  section: Buffer,
  name: Buffer,
  places: readonly number[] | undefined,
): (from: number, end: number) => boolean {
  if (places === undefined) return () => true;
  const patterns = [name, ...places.map(offsetBytes)];
  /** Of each pattern, the first place at or behind the last unit that was asked about. */
  const next = patterns.map((pattern) => firstAt(section, pattern, 0));
  return (from, end) =>
    patterns.some((pattern, index) => {
      if (next[index]! < from) next[index] = firstAt(section, pattern, from);
      return next[index]! < end;
    });
}

function firstAt(section: Buffer, pattern: Buffer, from: number): number {
  const found = section.indexOf(pattern, from);
  return found < 0 ? Infinity : found;
}

function offsetBytes(offset: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(offset);
  return bytes;
}
