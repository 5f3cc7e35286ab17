// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { LibtraceError } from '../errors.js';
import type { ElfImage } from '../plugin/uprobe.js';
import { compact, compile, rework, shopSource } from './compiled.test-support.js';
import { withoutSections } from './elf-fuzz.js';
import { openElf } from './open-elf.js';

const library = compile(shopSource, [...compact, '-shared', '-fPIC', '-g', '-Wl,--build-id']);

/** The library with something changed. */
function changed(change: (file: Buffer) => void, original = library): Buffer {
  const file = Buffer.from(original);
  change(file);
  return file;
}

const u64 = (file: Buffer, at: number) => Number(file.readBigUInt64LE(at));
const put64 = (file: Buffer, value: number | bigint, at: number) =>
  file.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)), at);

/** Where a section header is: its fields are at 4 (type), 8 (flags), 24 (offset), 32 (size), 40 (link). */
function headerOf(file: Buffer, name: string): number {
  const [at, count, names] = [u64(file, 40), file.readUInt16LE(60), file.readUInt16LE(62)];
  const namesAt = u64(file, at + names * 64 + 24);
  for (let index = 0; index < count; index++) {
    const nameAt = namesAt + file.readUInt32LE(at + index * 64);
    if (file.toString('latin1', nameAt, file.indexOf(0, nameAt)) === name) return at + index * 64;
  }
  throw new Error(`no section ${name}`);
}

/** Where a program header is: type at 0, offset at 8, address at 16, size in the file at 32. */
function programHeaderOf(file: Buffer, type: number, number = 0): number {
  const at = u64(file, 32);
  const all = Array.from({ length: file.readUInt16LE(56) }, (_, index) => at + index * 56);
  return all.filter((each) => file.readUInt32LE(each) === type)[number]!;
}

function codeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof LibtraceError) return error.code;
    throw error;
  }
  return 'none';
}

function askEverything(file: Buffer): void {
  using image = openElf(file);
  const questions: readonly ((image: ElfImage) => unknown)[] = [
    () => image.buildId,
    () => [...image.symbols()].length,
    () => image.symbol('exported'),
    () => image.symbol('missing'),
    () => image.usdt('shop', 'sold'),
    () => image.sectionBytes('.debug_info'),
    () => image.memberOffset('widget', 'n'),
  ];
  for (const question of questions) codeOf(() => question(image));
}

describe('a file that is no program', () => {
  const invalid: Record<string, Buffer> = {
    empty: Buffer.alloc(0),
    'three bytes': Buffer.from('\x7fEL'),
    'a script': Buffer.from('#!/bin/sh\nexit 0\n'),
    'only the beginning of a head': library.subarray(0, 63),
    'no program headers': changed((file) => file.writeUInt16LE(0, 56)),
    'program headers of another size': changed((file) => file.writeUInt16LE(55, 54)),
    'program headers behind its end': changed((file) => put64(file, file.length - 10, 32)),
    'program headers nowhere': changed((file) => put64(file, -1, 32)),
    'nothing to load': changed((file) => {
      while (programHeaderOf(file, 1)) file.writeUInt32LE(0, programHeaderOf(file, 1));
    }),
    'a segment behind its end': changed((file) =>
      put64(file, file.length, programHeaderOf(file, 1) + 8),
    ),
    'a segment without an end': changed((file) => put64(file, -1, programHeaderOf(file, 1) + 32)),
    'a segment at the end of memory': changed((file) =>
      put64(file, -4096, programHeaderOf(file, 1) + 16),
    ),
    'segments in one place': changed((file) =>
      put64(file, u64(file, programHeaderOf(file, 1) + 16), programHeaderOf(file, 1, 1) + 16),
    ),
  };
  it.each(Object.keys(invalid))('is refused: %s', (name) => {
    expect(codeOf(() => openElf(invalid[name]!))).toBe('ERR_ELF_INVALID');
  });

  const unsupported: Record<string, Buffer> = {
    '32 bits': changed((file) => file.writeUInt8(1, 4)),
    'big-endian': changed((file) => file.writeUInt8(2, 5)),
    'an object file': changed((file) => file.writeUInt16LE(1, 16)),
    'a core dump': changed((file) => file.writeUInt16LE(4, 16)),
    'another processor': changed((file) => file.writeUInt16LE(243, 18)),
    'too many program headers': changed((file) => file.writeUInt16LE(5000, 56)),
  };
  it.each(Object.keys(unsupported))('is refused as not supported: %s', (name) => {
    expect(codeOf(() => openElf(unsupported[name]!))).toBe('ERR_ELF_UNSUPPORTED');
  });

  it('is refused by path too, without waiting for a pipe', () => {
    const directory = mkdtempSync(join(tmpdir(), 'libtrace-elf-'));
    try {
      const pipe = join(directory, 'pipe');
      execFileSync('mkfifo', [pipe]);
      expect(codeOf(() => openElf(pipe))).toBe('ERR_ELF_INVALID');
      expect(codeOf(() => openElf(directory))).toBe('ERR_ELF_INVALID');
      expect(codeOf(() => openElf(join(directory, 'none')))).toBe('ERR_FILE_READ');
      expect(codeOf(() => openElf('/proc/self/environ'))).toBe('ERR_ELF_INVALID');
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });

  it('names the file in what it says', () => {
    expect(() => openElf('/proc/self/environ')).toThrow('/proc/self/environ: it is no ELF file');
  });
});

describe('a file that was cut off', () => {
  it.each([library, withoutSections(library)])('never gives another error', (whole) => {
    for (let length = 0; length < whole.length; length += 13) {
      codeOf(() => askEverything(whole.subarray(0, length)));
    }
  });

  it('cannot be read any more when it was closed', () => {
    const image = openElf(process.execPath);
    image[Symbol.dispose]();
    image[Symbol.dispose]();
    expect(codeOf(() => image.symbol('main'))).toBe('ERR_FILE_READ');
  });
});

describe('section headers that are wrong', () => {
  const wrong: Record<string, (file: Buffer) => void> = {
    'behind the end': (file) => put64(file, file.length - 8, 40),
    'too many': (file) => file.writeUInt16LE(0xffff, 60),
    'of another size': (file) => file.writeUInt16LE(40, 58),
  };
  it.each(Object.keys(wrong))('are done without: %s', (name) => {
    using image = openElf(changed(wrong[name]!));
    expect(image.section('.text')).toBeUndefined();
    expect(image.symbol('exported')).toMatchObject({ table: 'dynamic', isFunction: true });
  });

  it('without names name nothing', () => {
    using image = openElf(changed((file) => file.writeUInt16LE(0xfff0, 62)));
    expect(image.section('.text')).toBeUndefined();
    expect(image.symbol('exported')).toBeDefined();
  });

  it('that put all sections in one place are no danger', () => {
    const file = changed((each) => {
      const first = headerOf(each, '.text');
      for (const name of [
        '.dynsym',
        '.symtab',
        '.strtab',
        '.debug_info',
        '.note.stapsdt',
        '.debug_str',
      ]) {
        each.copy(each, headerOf(each, name) + 24, first + 24, first + 40);
      }
    });
    askEverything(file);
  });

  it('that lie about sizes are said to', () => {
    for (const size of [-1, 2 ** 40, library.length]) {
      const file = changed((each) => put64(each, size, headerOf(each, '.symtab') + 32));
      using image = openElf(file);
      expect(codeOf(() => image.symbol('no such'))).toBe('ERR_ELF_INVALID');
      const names = changed((each) => put64(each, size, headerOf(each, '.dynstr') + 32));
      using other = openElf(names);
      expect(codeOf(() => [...other.symbols()])).toBe('ERR_ELF_INVALID');
      const code = changed((each) => put64(each, size, headerOf(each, '.text') + 32));
      using third = openElf(code);
      expect(codeOf(() => third.sectionBytes('.text'))).toBe('ERR_ELF_INVALID');
    }
  });
});

describe('hash tables that are wrong', () => {
  const bare = withoutSections(library);
  const hash = (() => {
    using image = openElf(library);
    return image.section('.gnu.hash')!.fileOffset;
  })();

  it.each([
    ['no end of buckets', 0],
    ['a first symbol far away', 4],
    ['no end of filters', 8],
  ])('find what they can: %s', (_, field) => {
    const file = changed((each) => each.writeUInt32LE(0xffffffff, hash + field), bare);
    using image = openElf(file);
    expect([...image.symbols()].length).toBeLessThan(10_000);
  });

  it('whose chains do not end stop at the end of the file', () => {
    const file = changed((each) => {
      for (let at = hash + 16; at < each.length - 4 && at < hash + 4096; at += 4) {
        each.writeUInt32LE(2, at);
      }
    }, bare);
    askEverything(file);
  });
});

describe('notes that are wrong', () => {
  it.each([0, 4])('are passed over: sizes without an end, field %i', (field) => {
    const file = changed((each) => {
      for (const name of ['.note.gnu.build-id', '.note.stapsdt']) {
        each.writeUInt32LE(0xffffffff, u64(each, headerOf(each, name) + 24) + field);
      }
    });
    using image = openElf(file);
    expect(image.buildId).toBeUndefined();
    expect(image.usdt('shop', 'sold')).toEqual([]);
  });

  it('of places that are not in the file are left out', () => {
    const file = changed((each) => {
      put64(each, -1, u64(each, headerOf(each, '.note.stapsdt') + 24) + 20);
    });
    using image = openElf(file);
    expect(image.usdt('shop', 'sold')).toEqual([]);
  });
});

describe('compressed sections that are wrong', () => {
  const packed = rework(library, 'objcopy', ['--compress-debug-sections=zlib']);
  const at = (file: Buffer) => u64(file, headerOf(file, '.debug_info') + 24);
  const read = (change: (file: Buffer) => void) => {
    using image = openElf(changed(change, packed));
    return codeOf(() => image.sectionBytes('.debug_info'));
  };
  const size = u64(packed, at(packed) + 8);

  it.each([
    [
      'becoming more than they say',
      (file: Buffer) => put64(file, size - 1, at(file) + 8),
      'ERR_ELF_INVALID',
    ],
    [
      'becoming less than they say',
      (file: Buffer) => put64(file, size + 1, at(file) + 8),
      'ERR_ELF_INVALID',
    ],
    [
      'becoming more than zlib can',
      (file: Buffer) => put64(file, 2 ** 25, at(file) + 8),
      'ERR_ELF_INVALID',
    ],
    [
      'becoming more than is read',
      (file: Buffer) => put64(file, 2 ** 40, at(file) + 8),
      'ERR_ELF_UNSUPPORTED',
    ],
    ['in another way', (file: Buffer) => file.writeUInt32LE(2, at(file)), 'ERR_ELF_UNSUPPORTED'],
    ['damaged', (file: Buffer) => file.fill(0x55, at(file) + 24, at(file) + 34), 'ERR_ELF_INVALID'],
    [
      'too short',
      (file: Buffer) => put64(file, 20, headerOf(file, '.debug_info') + 32),
      'ERR_ELF_INVALID',
    ],
  ])('are refused: %s', (_, change, code) => {
    expect(read(() => undefined)).toBe('none');
    expect(read(change)).toBe(code);
  });

  it('do not fill memory: a megabyte of zeroes in a kilobyte', () => {
    const bomb = deflateSync(Buffer.alloc(2 ** 20));
    const file = Buffer.concat([packed, Buffer.alloc(24), bomb]);
    file.writeUInt32LE(1, packed.length);
    put64(file, size, packed.length + 8);
    put64(file, packed.length, headerOf(file, '.debug_info') + 24);
    put64(file, 24 + bomb.length, headerOf(file, '.debug_info') + 32);
    using image = openElf(file);
    expect(() => image.sectionBytes('.debug_info')).toThrow(
      /cannot be decompressed: Cannot create/,
    );
  });
});
