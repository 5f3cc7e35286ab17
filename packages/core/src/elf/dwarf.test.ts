// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { LibtraceError } from '../errors.js';
import { compile, rework } from './compiled.test-support.js';
import { DwarfTypes, type DwarfSections } from './dwarf-types.js';
import { openElf } from './open-elf.js';

const source = `
struct inner { char a; long b; };
union either { int i; double d; };
struct elsewhere;
struct widget {
  char c; int n; struct inner in; union either u; unsigned bits : 3, more : 5;
  struct { int nested; } named; struct { int unnamed; }; void *last;
};
struct elsewhere *far; struct widget w; union either e;
int use(int count) {
  struct local { char first; int second; } l = {1, count};
  w.n = l.second; return w.n + (far != 0);
}`;
/** What `offsetof` says on x86-64. */
const members: readonly (readonly [type: string, member: string, offset: number | undefined])[] = [
  ['widget', 'c', 0],
  ['widget', 'n', 4],
  ['widget', 'in', 8],
  ['widget', 'u', 24],
  ['widget', 'bits', undefined],
  ['widget', 'named', 36],
  ['widget', 'nested', undefined],
  ['widget', 'last', 48],
  ['inner', 'b', 8],
  ['either', 'd', 0],
  ['local', 'second', 4],
  ['widge', 'n', undefined],
  ['idget', 'n', undefined],
  ['elsewhere', 'n', undefined],
  ['nothing', 'n', undefined],
];
const library = ['-shared', '-fPIC', '-nostdlib', '-g'];

function check(file: Buffer): void {
  using image = openElf(file);
  const found = members.map(([type, member]) => [type, member, image.memberOffset(type, member)]);
  expect(found).toEqual(members);
  // Again, from what was kept.
  expect(image.memberOffset('widget', 'last')).toBe(48);
}

describe('members of structs', () => {
  const builds: readonly (readonly [name: string, options: readonly string[], compiler: string])[] =
    [
      ...[2, 3, 4, 5].flatMap((version) =>
        ['gcc', 'clang'].map(
          (compiler) =>
            [`DWARF ${version} of ${compiler}`, [`-gdwarf-${version}`], compiler] as const,
        ),
      ),
      ['the 64-bit format', ['-gdwarf-5', '-gdwarf64'], 'gcc'],
      ['types in units of their own, DWARF 4', ['-gdwarf-4', '-fdebug-types-section'], 'gcc'],
      ['types in units of their own, DWARF 5', ['-gdwarf-5', '-fdebug-types-section'], 'gcc'],
      ['compressed', ['-gdwarf-5', '-gz=zlib'], 'gcc'],
      ['compressed in the old way', ['-gdwarf-4', '-gz=zlib-gnu'], 'gcc'],
    ];
  it.each(builds)('are found: %s', (_, options, compiler) => {
    check(compile(source, [...library, ...options], compiler));
  });

  it('are found when names are numbers in a table', () => {
    const file = compile(source, [...library, '-gdwarf-5'], 'clang');
    using image = openElf(file);
    expect(image.section('.debug_str_offsets')?.size).toBeGreaterThan(8);
    check(file);
  });

  it('are found under names with slashes and dots, as Go writes them', () => {
    const file = compile(source.replaceAll('widget', 'go_widget'), library);
    const name = Buffer.from('go_widget\0');
    const at = file.lastIndexOf(name);
    file.write('tls.Co/nn', at, 'latin1');
    using image = openElf(file);
    expect(image.memberOffset('tls.Co/nn', 'n')).toBe(4);
  });

  it('are not found in a stripped file', () => {
    using image = openElf(rework(compile(source, library), 'strip', ['-g']));
    expect(image.memberOffset('widget', 'n')).toBeUndefined();
  });
});

/** Sections by hand: bytes, and texts that end with a zero byte. */
function sections(
  parts: Partial<Record<keyof DwarfSections, readonly (number | string)[]>>,
): DwarfSections {
  const bytes = (name: keyof DwarfSections) =>
    Buffer.concat(
      (parts[name] ?? []).map((part) =>
        typeof part === 'string' ? Buffer.from(`${part}\0`) : Buffer.from([part]),
      ),
    );
  return {
    info: bytes('info'),
    types: bytes('types'),
    abbreviations: bytes('abbreviations'),
    texts: bytes('texts'),
    lineTexts: bytes('lineTexts'),
    offsets: bytes('offsets'),
  };
}

/** A unit of DWARF 4 with these entries. */
const unit = (...entries: readonly (number | string)[]): (number | string)[] => {
  const length = entries.reduce<number>(
    (sum, each) => sum + (typeof each === 'string' ? each.length + 1 : 1),
    7,
  );
  return [length & 255, length >> 8, 0, 0, 4, 0, 0, 0, 0, 0, 8, ...entries];
};
const [compileUnit, struct, member] = [0x11, 0x13, 0x0d];
const [text, data1, expression, indirect, implicit] = [0x08, 0x0b, 0x18, 0x16, 0x21];
const [nameOf, locationOf] = [0x03, 0x38];
/** 1: unit, 2: struct with a name, 3: member with a name and a place of one byte. */
const abbreviations = [
  ...[1, compileUnit, 1, 0, 0],
  ...[2, struct, 1, nameOf, text, 0, 0],
  ...[3, member, 0, nameOf, text, locationOf, data1, 0, 0],
  0,
];
const ask = (parts: Parameters<typeof sections>[0], type = 'thing', field = 'field') =>
  new DwarfTypes({ name: 'file' }, sections(parts)).memberOffset(type, field);

function codeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof LibtraceError) return error.code;
    throw error;
  }
  return 'none';
}

describe('DWARF by hand', () => {
  const good = unit(1, 2, 'thing', 3, 'field', 24, 0, 0);

  it('gives the offset', () => {
    expect(ask({ info: good, abbreviations })).toBe(24);
    expect(ask({ info: good, abbreviations }, 'thing', 'other')).toBeUndefined();
    expect(ask({ info: good, abbreviations }, 'other')).toBeUndefined();
    expect(ask({ info: [], abbreviations })).toBeUndefined();
  });

  it('knows an offset that is an expression, an implicit constant, or of a form that stands with the value', () => {
    const with_ = (form: readonly number[], value: readonly number[]) =>
      ask({
        info: unit(1, 2, 'thing', 3, 'field', ...value, 0, 0),
        abbreviations: [...abbreviations.slice(0, -5), locationOf, ...form, 0, 0, 0],
      });
    expect(with_([data1], [24])).toBe(24);
    expect(with_([expression], [3, 0x23, 0x98, 0x01])).toBe(0x98);
    expect(with_([expression], [2, 0x10, 24])).toBeUndefined();
    expect(with_([expression], [3, 0x23, 24, 0x06])).toBeUndefined();
    expect(with_([implicit, 24], [])).toBe(24);
    expect(with_([implicit, 0x78], [])).toBeUndefined();
    expect(with_([indirect], [data1, 24])).toBe(24);
    expect(codeOf(() => with_([indirect], [indirect, data1, 24]))).toBe('ERR_ELF_INVALID');
    expect(codeOf(() => with_([0x7f], [24]))).toBe('ERR_ELF_INVALID');
  });

  it('finds names that are numbers in a table', () => {
    const byNumber = [...abbreviations.slice(0, 9), 0x25, ...abbreviations.slice(10)];
    const info = unit(1, 2, 1, 3, 'field', 24, 0, 0);
    const head = [12, 0, 0, 0, 5, 0, 0, 0];
    const parts = { info, abbreviations: byNumber, texts: ['other', 'thing'] };
    expect(ask({ ...parts, offsets: [...head, 0, 0, 0, 0, 6, 0, 0, 0] })).toBe(24);
    expect(ask({ ...parts, offsets: [...head, 0, 0, 0, 0] })).toBeUndefined();
    expect(ask({ ...parts, offsets: [...head, 0, 0, 0, 0, 0xff, 0xff, 0, 0] })).toBeUndefined();
  });

  it('goes on behind a unit that is damaged', () => {
    const bad = unit(1, 9, 'thing');
    expect(ask({ info: [...bad, ...good], abbreviations })).toBe(24);
    expect(ask({ info: [...unit(1, 9), ...good], abbreviations })).toBe(24);
    expect(codeOf(() => ask({ info: bad, abbreviations }))).toBe('ERR_ELF_INVALID');
    // Damage where the type cannot be is none of this question.
    expect(ask({ info: [...unit(1, 9), ...unit(1, 0)], abbreviations })).toBeUndefined();
  });

  it.each([
    ['a unit without an end', [0xff, 0xff, 0, 0, 4, 0, 'thing']],
    ['a unit of another version', [9, 0, 0, 0, 9, 0, 'thing', 0]],
    ['a text without an end', unit(1, 2, 'thing', 3, 0x66, 0x66)],
    ['an entry that is cut off', unit(1, 2, 'thing', 3)],
    ['a number without an end', unit(1, 2, 'thing', ...Array.from({ length: 40 }, () => 0x80))],
  ])('is damaged: %s', (_, info) => {
    expect(['ERR_ELF_INVALID', 'none']).toContain(
      codeOf(() => ask({ info, abbreviations }, 'thing', 'else')),
    );
    expect(ask({ info: [...good], abbreviations })).toBe(24);
  });

  it('is damaged: abbreviations that do not end, or lie elsewhere', () => {
    expect(codeOf(() => ask({ info: good, abbreviations: abbreviations.slice(0, -3) }))).toBe(
      'ERR_ELF_INVALID',
    );
    expect(codeOf(() => ask({ info: good, abbreviations: [] }))).toBe('ERR_ELF_INVALID');
  });

  it('ends, when units are many and empty', () => {
    const empty = Buffer.alloc(4 * 2 ** 20);
    const hostile: DwarfSections = {
      ...sections({ abbreviations }),
      info: empty,
      texts: Buffer.from('thing\0'),
    };
    const types = new DwarfTypes({ name: 'file' }, hostile);
    expect(codeOf(() => types.memberOffset('thing', 'field'))).toBe('ERR_ELF_INVALID');
  });

  it('ends, when units without entries are many', () => {
    const count = 700_000;
    const info = Buffer.concat(
      Array.from({ length: count }, () => Buffer.from(unit(0) as number[])),
    );
    info.fill(Buffer.from('thing\0'), info.length - 1);
    const types = new DwarfTypes(
      { name: 'file' },
      { ...sections({ abbreviations }), info, texts: Buffer.from('thing\0') },
    );
    expect(codeOf(() => types.memberOffset('thing', 'field'))).toBe('ERR_ELF_UNSUPPORTED');
  });

  it('ends, when entries without attributes are many', () => {
    const info = Buffer.alloc(45 * 2 ** 20, 4);
    Buffer.from(unit(1).slice(0, 12) as number[]).copy(info);
    info.writeUInt32LE(info.length - 4, 0);
    info.write('thing\0', info.length - 6, 'latin1');
    const flat = [...abbreviations.slice(0, -1), ...[4, 0x24, 0, 0, 0], 0];
    const types = new DwarfTypes({ name: 'file' }, { ...sections({ abbreviations: flat }), info });
    expect(codeOf(() => types.memberOffset('thing', 'field'))).toBe('ERR_ELF_UNSUPPORTED');
  });
});
