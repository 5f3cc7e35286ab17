// SPDX-License-Identifier: Apache-2.0
import { DwarfCursor, DwarfDamage, type DwarfBudget } from './dwarf-cursor.js';

/** The head of a unit of `.debug_info` or `.debug_types` (DWARF 5, 7.5.1). */
export interface DwarfUnit {
  /** Version of DWARF, 2 to 5. */
  readonly version: number;
  /** Bytes of an offset: 4, or 8 in the 64-bit format. */
  readonly offsetSize: 4 | 8;
  /** Bytes of an address. */
  readonly addressSize: number;
  /** Where its abbreviations are. */
  readonly abbreviations: number;
  /** Where its entries begin. */
  readonly from: number;
  /** Where it ends. */
  readonly end: number;
}

/** What an entry of a kind consists of (DWARF 5, 7.5.3). */
export interface Abbreviation {
  /** DW_TAG_*. */
  readonly tag: number;
  /** Entries below it follow. */
  readonly hasChildren: boolean;
  /** DW_AT_*, DW_FORM_* and the value of an implicit constant, for each attribute. */
  readonly attributes: readonly number[];
}

/** The abbreviations of a unit. */
export interface AbbreviationTable {
  /** By code. */
  readonly byCode: ReadonlyMap<number, Abbreviation>;
  /** Some names are given by their number in a table. */
  readonly hasIndexedTexts: boolean;
}

/** DW_FORM_* that are told apart. */
export const form = {
  indirect: 0x16,
  implicitConstant: 0x21,
  text: 0x08,
  textOffset: 0x0e,
  lineTextOffset: 0x1f,
} as const;

const indexedTextForms = new Set([0x1a, 0x25, 0x26, 0x27, 0x28, 0x1f02]);
const typeUnits = new Set([0x02, 0x06]);
const skeletonUnits = new Set([0x04, 0x05]);
const maxAttributes = 1024;

/**
 * Where the unit at an offset ends, and where its head goes on behind its length.
 * @throws DwarfDamage when it does not end inside the section
 */
export function unitBounds(section: Buffer, at: number) {
  const cursor = new DwarfCursor(section, at, section.length);
  let length = cursor.unsigned(4);
  const offsetSize: 4 | 8 = length === 0xffffffff ? 8 : 4;
  if (offsetSize === 8) length = cursor.unsigned(8);
  const end = cursor.at + length;
  if (end > section.length) throw new DwarfDamage('a unit does not end');
  return { head: cursor.at, end, offsetSize };
}

/** Reads the head of a unit. @throws DwarfDamage */
export function readUnit(
  section: Buffer,
  bounds: ReturnType<typeof unitBounds>,
  isTypeSection: boolean,
): DwarfUnit {
  const { head, end, offsetSize } = bounds;
  const cursor = new DwarfCursor(section, head, end);
  const version = cursor.unsigned(2);
  if (version < 2 || version > 5) throw new DwarfDamage(`a unit of DWARF version ${version}`);
  const kind = version >= 5 ? cursor.unsigned(1) : 0;
  let addressSize = version >= 5 ? cursor.unsigned(1) : 0;
  const abbreviations = cursor.unsigned(offsetSize);
  if (version < 5) addressSize = cursor.unsigned(1);
  if (typeUnits.has(kind) || (version < 5 && isTypeSection)) cursor.skip(8 + offsetSize);
  if (skeletonUnits.has(kind)) cursor.skip(8);
  if (![1, 2, 4, 8].includes(addressSize)) {
    throw new DwarfDamage(`addresses of ${addressSize} bytes`);
  }
  return { version, offsetSize, addressSize, abbreviations, from: cursor.at, end };
}

/** Reads the abbreviations at an offset of `.debug_abbrev`. @throws DwarfDamage, DwarfTooLarge */
export function readAbbreviations(
  section: Buffer,
  offset: number,
  budget: DwarfBudget,
): AbbreviationTable {
  if (offset >= section.length) throw new DwarfDamage('abbreviations outside their section');
  const cursor = new DwarfCursor(section, offset, section.length);
  const byCode = new Map<number, Abbreviation>();
  let hasIndexedTexts = false;
  for (let code = cursor.uleb(); code !== 0; code = cursor.uleb()) {
    const tag = cursor.uleb();
    const hasChildren = cursor.unsigned(1) !== 0;
    const attributes: number[] = [];
    for (;;) {
      const [name, kind] = [cursor.uleb(), cursor.uleb()];
      const implicit = kind === form.implicitConstant ? cursor.sleb() : 0;
      budget.spend(1);
      if (name === 0 && kind === 0) break;
      if (attributes.length >= maxAttributes * 3)
        throw new DwarfDamage('an entry of 1,024 attributes');
      attributes.push(name, kind, implicit);
      hasIndexedTexts ||= indexedTextForms.has(kind);
    }
    if (!byCode.has(code)) byCode.set(code, { tag, hasChildren, attributes });
  }
  return { byCode, hasIndexedTexts };
}
