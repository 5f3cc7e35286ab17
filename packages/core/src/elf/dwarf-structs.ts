// SPDX-License-Identifier: Apache-2.0
import { DwarfCursor, DwarfDamage, type DwarfBudget } from './dwarf-cursor.js';
import { readConstant, readOffset, readText, skipForm, type DwarfTexts } from './dwarf-forms.js';
import { textAt } from './file-bytes.js';
import type { Abbreviation, AbbreviationTable, DwarfUnit } from './dwarf-unit.js';

/** Members of a struct with their offsets; those without one (bit fields, static ones) have undefined. */
export type StructMembers = ReadonlyMap<string, number | undefined>;

/** What walking over the entries of a unit needs. */
export interface UnitWalk {
  readonly section: Buffer;
  readonly unit: DwarfUnit;
  readonly table: AbbreviationTable;
  readonly sections: DwarfTexts;
  readonly budget: DwarfBudget;
}

/** What is asked about an entry. */
interface Entry {
  nameAt: { readonly bytes: Buffer; readonly at: number } | undefined;
  location: number | undefined;
  isBitField: boolean;
  textOffsetsBase: number | undefined;
}

const tag = { class: 0x02, member: 0x0d, struct: 0x13, union: 0x17 } as const;
const structTags = new Set<number>([tag.class, tag.struct, tag.union]);
const attribute = {
  name: 0x03,
  bitSize: 0x0d,
  location: 0x38,
  dataBitOffset: 0x6b,
  textOffsetsBase: 0x72,
} as const;
const wantedAttributes = new Set<number>(Object.values(attribute));
const maxMemberName = 512;
const maxMembers = 65_536;

/**
 * The structs, classes and unions of a name in a unit, with their members. Entries are read one after the other, never by
 * references: what refers to itself cannot lead in a circle.
 * @throws DwarfDamage, DwarfTooLarge
 */
export function* structsNamed(walk: UnitWalk, name: Buffer): Generator<StructMembers> {
  const cursor = new DwarfCursor(walk.section, walk.unit.from, walk.unit.end);
  let depth = 0;
  let textOffsetsBase = walk.unit.offsetSize === 8 ? 16 : 8;
  for (let isFirst = true; cursor.at < cursor.end; isFirst = false) {
    const abbreviation = nextEntry(cursor, walk);
    if (abbreviation === undefined) {
      if (--depth <= 0) return;
      continue;
    }
    const isStruct = structTags.has(abbreviation.tag);
    const entry =
      isStruct || isFirst ? readEntry(cursor, walk, abbreviation, textOffsetsBase) : undefined;
    if (entry === undefined) skipEntry(cursor, walk, abbreviation);
    if (isFirst) textOffsetsBase = entry?.textOffsetsBase ?? textOffsetsBase;
    if (!abbreviation.hasChildren) {
      if (depth === 0) return;
      continue;
    }
    const isWanted = isStruct && entry !== undefined && isNamed(entry, name);
    if (isWanted) yield readMembers(cursor, walk, abbreviation.tag === tag.union, textOffsetsBase);
    else depth++;
  }
}

/** The members up to the end of the struct's children. */
function readMembers(
  cursor: DwarfCursor,
  walk: UnitWalk,
  isUnion: boolean,
  textOffsetsBase: number,
): StructMembers {
  const members = new Map<string, number | undefined>();
  let depth = 1;
  while (cursor.at < cursor.end && depth > 0) {
    const abbreviation = nextEntry(cursor, walk);
    if (abbreviation === undefined) {
      depth--;
      continue;
    }
    if (depth === 1 && abbreviation.tag === tag.member) {
      const entry = readEntry(cursor, walk, abbreviation, textOffsetsBase);
      const name = nameOf(entry);
      if (members.size >= maxMembers) throw new DwarfDamage(`a struct of ${maxMembers} members`);
      if (name !== undefined && !members.has(name)) members.set(name, offsetOf(entry, isUnion));
    } else {
      skipEntry(cursor, walk, abbreviation);
    }
    if (abbreviation.hasChildren) depth++;
  }
  return members;
}

function offsetOf(entry: Entry, isUnion: boolean): number | undefined {
  if (entry.isBitField) return undefined;
  const offset = entry.location ?? (isUnion ? 0 : undefined);
  return Number.isSafeInteger(offset) && offset! >= 0 ? offset : undefined;
}

/** The abbreviation of the next entry; undefined at the end of a list of children. */
function nextEntry(cursor: DwarfCursor, walk: UnitWalk): Abbreviation | undefined {
  walk.budget.spend(1);
  const code = cursor.uleb();
  if (code === 0) return undefined;
  const abbreviation = walk.table.byCode.get(code);
  if (abbreviation === undefined) throw new DwarfDamage(`there is no abbreviation ${code}`);
  return abbreviation;
}

function skipEntry(cursor: DwarfCursor, walk: UnitWalk, { attributes }: Abbreviation): void {
  walk.budget.spend(attributes.length / 3);
  for (let at = 1; at < attributes.length; at += 3) skipForm(cursor, attributes[at]!, walk.unit);
}

function readEntry(
  cursor: DwarfCursor,
  walk: UnitWalk,
  { attributes }: Abbreviation,
  textOffsetsBase: number,
): Entry {
  const { unit } = walk;
  const entry: Entry = {
    nameAt: undefined,
    location: undefined,
    isBitField: false,
    textOffsetsBase: undefined,
  };
  walk.budget.spend(attributes.length / 3);
  for (let at = 0; at < attributes.length; at += 3) {
    const [name, kind, implicit] = [attributes[at]!, attributes[at + 1]!, attributes[at + 2]!];
    if (!wantedAttributes.has(name)) {
      skipForm(cursor, kind, unit);
    } else if (name === attribute.name) {
      entry.nameAt = readText(cursor, kind, unit, walk.sections, textOffsetsBase);
    } else if (name === attribute.location) {
      entry.location = readConstant(cursor, kind, implicit, unit);
    } else if (name === attribute.textOffsetsBase) {
      entry.textOffsetsBase = readOffset(cursor, kind, unit);
    } else {
      skipForm(cursor, kind, unit);
      entry.isBitField = true;
    }
  }
  return entry;
}

function isNamed({ nameAt }: Entry, name: Buffer): boolean {
  if (nameAt === undefined) return false;
  const { bytes, at } = nameAt;
  const end = at + name.length;
  return end < bytes.length && bytes[end] === 0 && name.compare(bytes, at, end) === 0;
}

function nameOf({ nameAt }: Entry): string | undefined {
  return nameAt && textAt(nameAt.bytes, nameAt.at, maxMemberName);
}
