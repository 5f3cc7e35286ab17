// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { findGoFunctions } from './functions.js';
import {
  addressOf,
  bytesOf,
  codeAddress,
  defaultNames,
  goImage,
  goImageParts,
} from './go-image.test-support.js';
import { MemoryImage } from './memory-image.test-support.js';
import type { MemoryPart } from './memory-image.test-support.js';
import type { PclntabFormat } from './pclntab/header.js';

const wanted = ['Read', 'Write', 'Close'].map((method) => `crypto/tls.(*Conn).${method}`);
const formats: readonly PclntabFormat[] = ['1.2', '1.16', '1.18', '1.20'];

function addressesIn(image: MemoryImage) {
  const { functions, problem } = findGoFunctions(image, wanted);
  expect(problem).toBeUndefined();
  return wanted.map((name) => functions.get(name)?.address);
}

const expectedOf = (recipe: Parameters<typeof addressOf>[0]) =>
  wanted.map((name) => addressOf(recipe, name));

/** The parts of a program, its table replaced. */
function withTable(change: (table: Buffer) => Buffer, recipe = {}): MemoryImage {
  const parts = goImageParts(recipe).map((part): MemoryPart =>
    part.section === '.gopclntab' ? { ...part, bytes: change(Buffer.from(part.bytes)) } : part,
  );
  return new MemoryImage('x86_64', parts);
}

describe('functions of a stripped program', () => {
  it.each(formats)('are found in a table of format %s', (format) => {
    const image = goImage({ format });
    expect(addressesIn(image)).toEqual(expectedOf({ format }));
    const { functions, foundBy } = findGoFunctions(image, wanted);
    expect(functions.get(wanted[0]!)!.size).toBe(bytesOf({ format }, wanted[0]!));
    expect(foundBy).toContain(`.gopclntab (format ${format})`);
  });

  it.each(formats)('are found in a table of format %s without sections', (format) => {
    const image = goImage({ format, hasSections: false });
    expect(addressesIn(image)).toEqual(expectedOf({ format }));
    expect(findGoFunctions(image, wanted).foundBy).toContain('table found by search');
  });

  it('are found where the section of the table is named as in position-independent programs', () => {
    const parts = goImageParts().map((part) =>
      part.section === '.gopclntab' ? { ...part, section: '.data.rel.ro.gopclntab' } : part,
    );
    expect(addressesIn(new MemoryImage('x86_64', parts))).toEqual(expectedOf({}));
  });

  it('are found where the table is a part of a larger section, behind what looks like one', () => {
    const decoy = Buffer.alloc(0x1000);
    Buffer.from('f1ffffff00000108', 'hex').copy(decoy, 0x20);
    Buffer.from('f1ffffff00000108ffffffffffffffff', 'hex').copy(decoy, 0x100);
    // A head that is in order, but for the list of functions that it promises.
    goImageParts()[1]!.bytes.copy(decoy, 0xf00, 0, 72);
    const parts = goImageParts().map((part) =>
      part.section === '.gopclntab'
        ? { ...part, section: '.data.rel.ro', bytes: Buffer.concat([decoy, part.bytes]) }
        : part,
    );
    expect(addressesIn(new MemoryImage('x86_64', parts))).toEqual(expectedOf({}));
  });

  it('are found on both sides of the border between two pieces that are searched', () => {
    for (const before of [3, 1024 * 1024 - 8, 1024 * 1024 - 4, 1024 * 1024]) {
      // The table's own address stays a multiple of 8; that of the segment does not.
      const parts = goImageParts({ hasSections: false }).map((part, index) => {
        if (index !== 1) return part;
        const bytes = Buffer.concat([Buffer.alloc(before), part.bytes]);
        return { ...part, address: 0x80_0000 - before, bytes };
      });
      expect(addressesIn(new MemoryImage('x86_64', parts))).toEqual(expectedOf({}));
    }
  });

  it('are found where their names lie across that border', () => {
    const piece = 1024 * 1024;
    for (const name of wanted) {
      const before = defaultNames.slice(0, defaultNames.indexOf(name)).join('\0').length + 1;
      const filler = 'x'.repeat(piece - before - 6);
      const recipe = { names: [filler, ...defaultNames] };
      expect(addressesIn(goImage(recipe))).toEqual(expectedOf(recipe));
    }
  });

  it('are not those whose names only end like theirs', () => {
    const names = defaultNames.filter((name) => !wanted.includes(name));
    expect(names).toContain(`example.com/${wanted[0]!}`);
    const found = findGoFunctions(goImage({ names }), wanted);
    expect([...found.functions]).toEqual([]);
    expect(found.problem).toBeUndefined();
  });

  it('are absent in a program without a table', () => {
    const parts = goImageParts().filter(({ section }) => section !== '.gopclntab');
    expect(findGoFunctions(new MemoryImage('x86_64', parts), wanted).problem).toMatch(/neither/);
  });
});

describe('the text that entries count from', () => {
  it.each(['x86_64', 'aarch64'] as const)('is behind C, told by the head (%s)', (machine) => {
    const recipe = { machine, cBytes: 4096 };
    expect(addressesIn(goImage(recipe))).toEqual(expectedOf(recipe));
  });

  it('is .text when the head does not tell it', () => {
    const { foundBy } = findGoFunctions(goImage({ textStart: 0 }), wanted);
    expect(foundBy).toContain('text by section .text');
    expect(addressesIn(goImage({ textStart: 0 }))).toEqual(expectedOf({}));
  });

  it.each(['x86_64', 'aarch64'] as const)('is searched for when neither fits (%s)', (machine) => {
    for (const textStart of [0, 0x1234, codeAddress + 96, 2 ** 52]) {
      const recipe = { machine, cBytes: 0x10_0050, textStart, hasSections: false };
      expect(addressesIn(goImage(recipe))).toEqual(expectedOf(recipe));
      expect(findGoFunctions(goImage(recipe), wanted).foundBy).toContain('text by search');
    }
  });

  it.each(['1.2', '1.20'] as const)(
    'is not believed when the functions do not check for stack space as Go does (%s)',
    (format) => {
      const [code, ...others] = goImageParts({ format });
      const bytes = Buffer.from(code!.bytes);
      bytes[addressOf({}, wanted[0]!) - codeAddress] = 0x90;
      const found = findGoFunctions(
        new MemoryImage('x86_64', [{ ...code!, bytes }, ...others]),
        wanted,
      );
      expect(found.problem).toMatch(/no functions of Go begin/);
    },
  );

  it('is found in a segment that begins anywhere', () => {
    const recipe = { textStart: 0, hasSections: false, cBytes: 0x1005 };
    const parts = goImageParts(recipe);
    const [code, ...others] = parts;
    // Five bytes on: the functions are at multiples of 16, the segment is not.
    const moved = { ...code!, address: code!.address - 5 };
    const [first] = addressesIn(new MemoryImage('x86_64', [moved, ...others]));
    expect(first).toBe(addressOf(recipe, wanted[0]!) - 5);
  });

  it('is not guessed: code without functions where the table has them is a problem', () => {
    const parts = goImageParts().map((part) =>
      part.section === '.text' ? { ...part, bytes: Buffer.alloc(part.bytes.length, 0xcc) } : part,
    );
    const found = findGoFunctions(new MemoryImage('x86_64', parts), wanted);
    expect(found.problem).toMatch(/no functions of Go begin/);
    expect(found.functions.size).toBe(0);
  });
});

it('code in which everything looks like the first function costs a bounded number of looks', () => {
  const [code, ...others] = goImageParts({ textStart: 0, hasSections: false });
  const bytes = Buffer.alloc(
    64 * 1024 * 1024,
    Buffer.from('493b6610c3c3c3c3c3c3c3c3c3c3c3c3', 'hex'),
  );
  const image = new MemoryImage('x86_64', [...others, { ...code!, address: 0x800_0000, bytes }]);
  expect(findGoFunctions(image, wanted).problem).toMatch(/no functions of Go begin/);
  // The code once, and at most 16 bytes for each look.
  expect(image.bytesRead).toBeLessThan(bytes.length + 16 * 1_000_100 + 2 * 1024 * 1024);
});

describe('a damaged table of functions', () => {
  const listOf = (table: Buffer) => Number(table.readBigUInt64LE(64));

  it('that ends early is a problem', () => {
    const image = withTable((table) => table.subarray(0, listOf(table) + 80));
    expect(findGoFunctions(image, wanted).problem).toMatch(/ends early at entry/);
  });

  it('whose functions overlap is a problem', () => {
    const index = defaultNames.indexOf(wanted[1]!);
    const image = withTable((table) => {
      table.writeUInt32LE(0, listOf(table) + 8 * (index + 1));
      return table;
    });
    expect(findGoFunctions(image, wanted).problem).toMatch(/does not tell where/);
  });

  it('whose addresses are left to the loader is a problem', () => {
    const image = withTable(
      (table) => {
        const list = Number(table.readBigUInt64LE(56));
        for (let index = 0; index <= defaultNames.length; index++) {
          table.writeBigUInt64LE(0n, list + 16 * index);
        }
        return table;
      },
      { format: '1.16' },
    );
    expect(findGoFunctions(image, wanted).problem).toMatch(/addresses are relocated/);
  });

  it('whose descriptions are far apart, without end, costs a bounded number of bytes', () => {
    const functions = 200_000;
    const table = Buffer.alloc(64 * 1024 * 1024);
    goImageParts()[1]!.bytes.copy(table);
    const list = 1024;
    table.writeBigUInt64LE(BigInt(functions), 8);
    table.writeBigUInt64LE(BigInt(list), 64);
    for (let index = 0; index < functions; index++) {
      table.writeUInt32LE(96 * index, list + 8 * index);
      table.writeUInt32LE(index % 2 === 0 ? 8_000_000 : 60_000_000, list + 8 * index + 4);
    }
    const image = withTable(() => table);
    expect(findGoFunctions(image, wanted).problem).toMatch(/out of order at entry/);
    expect(image.bytesRead).toBeLessThan(700 * 1024 * 1024);
  });
});
