// SPDX-License-Identifier: Apache-2.0
import { DwarfDamage, type DwarfCursor } from './dwarf-cursor.js';
import { form, type DwarfUnit } from './dwarf-unit.js';

/** The sections that texts are in. */
export interface DwarfTexts {
  /** `.debug_str`. */
  readonly texts: Buffer;
  /** `.debug_line_str`. */
  readonly lineTexts: Buffer;
  /** `.debug_str_offsets`. */
  readonly offsets: Buffer;
}

/** Where a text is. */
export interface TextPlace {
  readonly bytes: Buffer;
  readonly at: number;
}

/** Sizes of forms that always have the same (DWARF 5, 7.5.6). */
const fixedSizes = new Map<number, number>([
  [0x05, 2], // data2
  [0x06, 4], // data4
  [0x07, 8], // data8
  [0x0b, 1], // data1
  [0x0c, 1], // flag
  [0x11, 1], // ref1
  [0x12, 2], // ref2
  [0x13, 4], // ref4
  [0x14, 8], // ref8
  [0x19, 0], // flag_present
  [0x1c, 4], // ref_sup4
  [0x1e, 16], // data16
  [0x20, 8], // ref_sig8
  [0x21, 0], // implicit_const
  [0x24, 8], // ref_sup8
  [0x25, 1], // strx1
  [0x26, 2], // strx2
  [0x27, 3], // strx3
  [0x28, 4], // strx4
  [0x29, 1], // addrx1
  [0x2a, 2], // addrx2
  [0x2b, 3], // addrx3
  [0x2c, 4], // addrx4
]);
/** strp, sec_offset, strp_sup, line_strp, GNU_ref_alt, GNU_strp_alt. */
const offsetForms = new Set([0x0e, 0x17, 0x1d, 0x1f, 0x1f20, 0x1f21]);
/** sdata, udata, ref_udata, strx, addrx, loclistx, rnglistx, GNU_addr_index, GNU_str_index. */
const lebForms = new Set([0x0d, 0x0f, 0x15, 0x1a, 0x1b, 0x22, 0x23, 0x1f01, 0x1f02]);
/** Bytes of the length in front: block1, block2, block4. */
const blockForms = new Map([
  [0x0a, 1],
  [0x03, 2],
  [0x04, 4],
]);
/** block, exprloc: the length is a LEB128. */
const lebBlockForms = new Set([0x09, 0x18]);
const addressForm = 0x01;
const referenceForm = 0x10;
const [signedForm, unsignedForm] = [0x0d, 0x0f];
const constantForms = new Set([0x05, 0x06, 0x07, 0x0b]);
/** DW_OP_plus_uconst: how DWARF 2 and 3 write the offset of a member. */
const plusConstant = 0x23;

/** Steps over a value. @throws DwarfDamage for a form that is not known: nothing behind it can be read */
export function skipForm(cursor: DwarfCursor, kind: number, unit: DwarfUnit): void {
  const size = fixedSizes.get(kind);
  if (size !== undefined) cursor.skip(size);
  else if (offsetForms.has(kind)) cursor.skip(unit.offsetSize);
  else if (lebForms.has(kind)) cursor.uleb();
  else if (kind === form.text) cursor.text();
  else if (kind === addressForm) cursor.skip(unit.addressSize);
  else if (kind === referenceForm)
    cursor.skip(unit.version <= 2 ? unit.addressSize : unit.offsetSize);
  else if (kind === form.indirect) skipForm(cursor, indirectForm(cursor), unit);
  else cursor.skip(blockLength(cursor, kind));
}

/** Reads a text that a name is written as; undefined when it is in another file or section. @throws DwarfDamage */
export function readText(
  cursor: DwarfCursor,
  kind: number,
  unit: DwarfUnit,
  sections: DwarfTexts,
  offsetsBase: number,
): TextPlace | undefined {
  if (kind === form.indirect) {
    return readText(cursor, indirectForm(cursor), unit, sections, offsetsBase);
  }
  if (kind === form.text) return { bytes: cursor.bytes, at: cursor.text() };
  if (kind === form.textOffset) {
    return { bytes: sections.texts, at: cursor.unsigned(unit.offsetSize) };
  }
  if (kind === form.lineTextOffset) {
    return { bytes: sections.lineTexts, at: cursor.unsigned(unit.offsetSize) };
  }
  const index = textIndex(cursor, kind);
  if (index === undefined) {
    skipForm(cursor, kind, unit);
    return undefined;
  }
  const at = offsetsBase + index * unit.offsetSize;
  if (!(at + unit.offsetSize <= sections.offsets.length)) return undefined;
  const low = sections.offsets.readUInt32LE(at);
  const high = unit.offsetSize === 8 ? sections.offsets.readUInt32LE(at + 4) : 0;
  return { bytes: sections.texts, at: low + high * 2 ** 32 };
}

/** Reads a number that does not depend on the running program; undefined when it is none. @throws DwarfDamage */
export function readConstant(
  cursor: DwarfCursor,
  kind: number,
  implicit: number,
  unit: DwarfUnit,
): number | undefined {
  if (kind === form.indirect) return readConstant(cursor, indirectForm(cursor), 0, unit);
  if (kind === form.implicitConstant) return implicit;
  if (constantForms.has(kind)) return cursor.unsigned(fixedSizes.get(kind)!);
  if (kind === signedForm) return cursor.sleb();
  if (kind === unsignedForm) return cursor.uleb();
  if (!blockForms.has(kind) && !lebBlockForms.has(kind)) {
    skipForm(cursor, kind, unit);
    return undefined;
  }
  const length = blockLength(cursor, kind);
  const end = cursor.at + length;
  const isSum = length > 1 && cursor.bytes[cursor.at] === plusConstant;
  cursor.skip(length);
  if (!isSum) return undefined;
  cursor.at = end - length + 1;
  const value = cursor.uleb();
  const isAll = cursor.at === end;
  cursor.at = end;
  return isAll ? value : undefined;
}

/** Reads an offset into a section. @throws DwarfDamage */
export function readOffset(cursor: DwarfCursor, kind: number, unit: DwarfUnit): number | undefined {
  if (offsetForms.has(kind)) return cursor.unsigned(unit.offsetSize);
  return readConstant(cursor, kind, 0, unit);
}

function indirectForm(cursor: DwarfCursor): number {
  const kind = cursor.uleb();
  if (kind === form.indirect || kind === form.implicitConstant) {
    throw new DwarfDamage('a form that may not be indirect');
  }
  return kind;
}

function blockLength(cursor: DwarfCursor, kind: number): number {
  if (lebBlockForms.has(kind)) return cursor.uleb();
  const size = blockForms.get(kind);
  if (size === undefined) throw new DwarfDamage(`form 0x${kind.toString(16)}`);
  return cursor.unsigned(size);
}

function textIndex(cursor: DwarfCursor, kind: number): number | undefined {
  if (kind === 0x1a || kind === 0x1f02) return cursor.uleb();
  if (kind >= 0x25 && kind <= 0x28) return cursor.unsigned(fixedSizes.get(kind)!);
  return undefined;
}
