import { expect, it } from 'vitest';
import { withoutProgramReferences } from './elf-map-initializers.js';

const SECTIONS = 5;

/** An object file with what matters here: sections `.maps`, `.rel.maps`, symbols and strings. */
function objectFile(programs: readonly string[]): Buffer {
  const strings = Buffer.from(`\0.maps\0.rel.maps\0${programs.join('\0')}\0`, 'latin1');
  const symbols = Buffer.alloc(24 * programs.length);
  programs.forEach((name, index) =>
    symbols.writeUInt32LE(strings.indexOf(`\0${name}\0`) + 1, index * 24),
  );
  const relocations = Buffer.alloc(16 * programs.length);
  programs.forEach((_, index) => {
    relocations.writeBigUInt64LE(BigInt(index * 8), index * 16);
    relocations.writeUInt32LE(index, index * 16 + 12);
  });
  const bodies = [Buffer.alloc(0), Buffer.alloc(64), relocations, symbols, strings];
  const header = Buffer.alloc(64);
  const table = Buffer.alloc(64 * SECTIONS);
  let offset = 64;
  bodies.forEach((body, index) => {
    const at = index * 64;
    table.writeUInt32LE(index === 1 ? 1 : index === 2 ? 7 : 0, at); // name
    table.writeUInt32LE([0, 1, 9, 2, 3][index]!, at + 4); // type
    table.writeBigUInt64LE(BigInt(offset), at + 24);
    table.writeBigUInt64LE(BigInt(body.length), at + 32);
    table.writeUInt32LE([0, 0, 3, 4, 0][index]!, at + 40); // link
    table.writeUInt32LE(index === 2 ? 1 : 0, at + 44); // info
    offset += body.length;
  });
  header.writeBigUInt64LE(BigInt(offset), 40);
  header.writeUInt16LE(SECTIONS, 60);
  header.writeUInt16LE(4, 62);
  return Buffer.concat([header, ...bodies, table]);
}

/** The slots that are still filled, with the symbol that fills each. */
function slots(object: Buffer): [slot: number, symbol: number][] {
  const table = Number(object.readBigUInt64LE(40)) + 2 * 64;
  const offset = Number(object.readBigUInt64LE(table + 24));
  const count = Number(object.readBigUInt64LE(table + 32)) / 16;
  return Array.from({ length: count }, (_, index) => [
    Number(object.readBigUInt64LE(offset + index * 16)) / 8,
    object.readUInt32LE(offset + index * 16 + 12),
  ]);
}

it('takes the named programs out and leaves the others in their slots', () => {
  const object = objectFile(['one', 'two', 'three']);
  const before = Buffer.from(object);
  const changed = withoutProgramReferences(object, new Set(['two']));
  expect(slots(changed)).toEqual([
    [0, 0],
    [2, 2],
  ]);
  expect(object.equals(before)).toBe(true);
  expect(slots(withoutProgramReferences(object, new Set(['one', 'two', 'three'])))).toEqual([]);
});

it('returns the same bytes when there is nothing to take out', () => {
  const object = objectFile(['one']);
  expect(withoutProgramReferences(object, new Set())).toBe(object);
  expect(withoutProgramReferences(object, new Set(['other', 'on', 'one2']))).toBe(object);
});
