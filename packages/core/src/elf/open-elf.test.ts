// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ElfImage } from '../plugin/uprobe.js';
import { compact, compile, rework, shopSource } from './compiled.test-support.js';
import { withoutSections } from './elf-fuzz.js';
import { ElfFile } from './elf-file.js';
import { bytesOfFile } from './file-bytes.js';
import { openElf } from './open-elf.js';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'libtrace-elf-'));
});
afterAll(() => {
  rmSync(directory, { recursive: true, force: true });
});

const library = ['-shared', '-fPIC', '-nostdlib', '-Wl,-soname,libshop.so.3'];
const buildId = '-Wl,--build-id=0xc0ffee0123456789';

/** Symbols as binutils see them: name, address and size of those that are defined. */
function symbolsByReadelf(path: string, table: '--dyn-syms' | '--syms'): Map<string, string> {
  const lines = execFileSync('readelf', ['-W', table, path], { maxBuffer: 2 ** 28 })
    .toString()
    .split('\n');
  const found = new Map<string, string>();
  for (const line of lines) {
    const match = /^ *\d+: ([0-9a-f]{16}) +(\w+) (\w+) +(\w+) +\w+ +(\w+) ([^ @]+)/.exec(line);
    if (match === null || match[5] === 'UND' || ['SECTION', 'FILE'].includes(match[3]!)) continue;
    found.set(match[6]!, `${Number.parseInt(match[1]!, 16)} ${Number(match[2])}`);
  }
  return found;
}

describe('the head of a program', () => {
  it('names the kind of the file, its build id and what the dynamic linker is told', () => {
    const options = [...library, buildId, '-Wl,--no-as-needed', '-lc', '-lm'];
    const paths = ['-Wl,--enable-new-dtags', '-Wl,-rpath,$ORIGIN/../lib:/opt/shop/lib'];
    using image = openElf(compile(shopSource, [...options, ...paths]));
    expect(image.machine).toBe('x86_64');
    expect(image.isRelocatable).toBe(true);
    expect(image.buildId).toBe('c0ffee0123456789');
    expect(image.dynamic).toEqual({
      needed: ['libc.so.6', 'libm.so.6'],
      runpath: ['$ORIGIN/../lib', '/opt/shop/lib'],
      rpath: [],
      soname: 'libshop.so.3',
    });
    expect(image.binary.isExecutable).toBe(false);
  });

  it('tells the older search path from the newer', () => {
    const options = [...library, '-Wl,--disable-new-dtags', '-Wl,-rpath,/opt/old'];
    using image = openElf(compile(shopSource, options));
    expect(image.dynamic).toMatchObject({ rpath: ['/opt/old'], runpath: [] });
  });

  it('tells programs from libraries', () => {
    const main = 'int main(void) { return 0; }';
    for (const options of [['-pie'], ['-no-pie'], ['-static'], ['-static-pie']]) {
      using image = openElf(compile(main, options));
      expect(image.binary.isExecutable, options[0]).toBe(true);
      expect(image.isRelocatable, options[0]).toBe(
        options[0]!.endsWith('-pie') && options[0] !== '-no-pie',
      );
    }
  });

  it('identifies a file that it opens by device and inode', () => {
    const path = join(directory, 'program');
    writeFileSync(path, compile(shopSource, library));
    const { dev, ino } = statSync(path);
    using image = openElf(path);
    expect(image.binary).toEqual({ path, device: dev, inode: ino, isExecutable: false });
    const binary = { path: '/in/a/container', device: 1, inode: 2, isExecutable: true };
    using other = openElf(path, binary);
    expect(other.binary).toBe(binary);
  });
});

describe('symbols', () => {
  const builds: Record<string, readonly string[]> = {
    shared: library,
    'shared, one segment': [...library, '-Wl,-z,noseparate-code'],
    'old hash table': [...library, '-Wl,--hash-style=sysv'],
    static: [...compact, '-static', '-no-pie', '-Wl,-e,entry'],
  };
  for (const [name, options] of Object.entries(builds)) {
    it(`are those that binutils find: ${name}`, () => {
      const path = join(directory, 'symbols');
      writeFileSync(path, compile(shopSource, options));
      using image = openElf(path);
      for (const table of ['dynamic', 'static'] as const) {
        const expected = symbolsByReadelf(path, table === 'dynamic' ? '--dyn-syms' : '--syms');
        const found = [...image.symbols()].filter((symbol) => symbol.table === table);
        expect(new Map(found.map((each) => [each.name, `${each.address} ${each.size}`]))).toEqual(
          expected,
        );
        if (table === 'static') expect(found.length).toBeGreaterThan(3);
      }
      expect(image.symbol('leaf')).toMatchObject({ isFunction: true, name: 'leaf' });
      expect(image.symbol('w')).toMatchObject({ isFunction: false, fileOffset: undefined });
      expect(image.symbol('missing')).toBeUndefined();
      expect(image.symbol('')).toBeUndefined();
    });
  }

  it('leads to the bytes of a function', () => {
    using image = openElf(compile('int answer(void) { return 42; }', [...library, '-O2']));
    const answer = image.symbol('answer')!;
    // mov eax, 42; ret
    expect(image.read(answer.address, answer.size).toString('hex')).toBe('b82a000000c3');
    expect(image.fileOffset(answer.address)).toBe(answer.fileOffset);
  });

  it('are found without section headers, in either hash table', () => {
    for (const style of ['gnu', 'sysv', 'both']) {
      const whole = compile(shopSource, [...library, `-Wl,--hash-style=${style}`, buildId]);
      using full = openElf(whole);
      using bare = openElf(withoutSections(whole));
      const dynamic = [...full.symbols()].filter(({ table }) => table === 'dynamic');
      expect(dynamic.length).toBeGreaterThan(3);
      expect([...bare.symbols()], style).toEqual(dynamic);
      expect(bare.symbol('exported')).toEqual(full.symbol('exported'));
      expect(bare.buildId).toBe('c0ffee0123456789');
      expect(bare.section('.text')).toBeUndefined();
    }
  });

  it('of a stripped file are the dynamic ones', () => {
    const source = `static int hidden(int a) { return a + 1; } int (*use)(int) = hidden;\n${shopSource}`;
    const whole = compile(source, library);
    using full = openElf(whole);
    using stripped = openElf(rework(whole, 'strip', []));
    expect(full.symbol('hidden')).toMatchObject({ table: 'static', isFunction: true });
    expect(stripped.symbol('hidden')).toBeUndefined();
    expect(stripped.symbol('exported')).toEqual(full.symbol('exported'));
  });

  it('are never those that other files define', () => {
    const source = 'int elsewhere(int); int here(int a) { return elsewhere(a); }';
    using image = openElf(compile(source, [...library, '-Wl,-z,lazy']));
    expect(image.symbol('elsewhere')).toBeUndefined();
    expect([...image.symbols()].map(({ name }) => name)).not.toContain('elsewhere');
    expect(image.symbol('here')).toBeDefined();
  });

  it('have no version in their name, and the default version goes first', () => {
    const path = join(directory, 'versions.map');
    writeFileSync(path, 'V1 { global: call; local: *; }; V2 { global: call; } V1;');
    const source = `
      __asm__(".symver old, call@V1"); int old(void) { return 1; }
      __asm__(".symver new, call@@V2"); int new(void) { return 2222; }`;
    const file = compile(source, [...library, `-Wl,--version-script=${path}`, '-O2']);
    using image = openElf(file);
    const result = (of: ElfImage) => of.read(of.symbol('call')!.address + 1, 4).readUInt32LE(0);
    expect(result(image)).toBe(2222);
    // The other way around, the other version is the default.
    const versions = image.section('.gnu.version')!;
    const swapped = Buffer.from(file);
    for (let at = versions.fileOffset; at < versions.fileOffset + versions.size; at += 2) {
      if (swapped.readUInt16LE(at) > 1) swapped[at + 1] = swapped[at + 1]! ^ 0x80;
    }
    using other = openElf(swapped);
    expect(result(other)).toBe(1);
    expect([...image.symbols()].filter(({ name }) => name.includes('@'))).toEqual([]);
  });

  it('that are visible go before those of one source file', () => {
    const other = join(directory, 'other.c');
    writeFileSync(other, 'static int same(void) { return 1; } int (*use)(void) = same;');
    const source = 'int same(void) { return 2222; } int main(void) { return same(); }';
    for (const order of [
      [other, '-O2'],
      ['-O2', '-x', 'c', other],
    ]) {
      using image = openElf(compile(source, order));
      const same = image.symbol('same')!;
      expect([...image.symbols()].filter(({ name }) => name === 'same')).toHaveLength(2);
      expect(image.read(same.address + 1, 4).readUInt32LE(0)).toBe(2222);
    }
  });
});

describe('sections', () => {
  it('are found by name, and handed out up to a limit', () => {
    using image = openElf(compile(shopSource, [...library, buildId]));
    const text = image.section('.text')!;
    expect(text.address).toBeGreaterThan(0);
    const bytes = image.sectionBytes('.text')!;
    expect(bytes.length).toBe(text.size);
    expect(bytes).toEqual(image.read(text.address, text.size));
    expect(image.sectionBytes('.text', 5)).toEqual(bytes.subarray(0, 5));
    expect(image.section('.nothing')).toBeUndefined();
    expect(image.sectionBytes('.nothing')).toBeUndefined();
    expect(image.sectionBytes('.bss')).toEqual(Buffer.alloc(0));
  });

  it('are decompressed, in the new and in the old form', () => {
    const plain = compile(shopSource.repeat(1), [...library, '-g']);
    using image = openElf(plain);
    const info = image.sectionBytes('.debug_info')!;
    for (const form of ['zlib', 'zlib-gnu']) {
      const packed = rework(plain, 'objcopy', [`--compress-debug-sections=${form}`]);
      using other = openElf(packed);
      const name = form === 'zlib' ? '.debug_info' : '.zdebug_info';
      expect(other.sectionBytes(name), form).toEqual(info);
      expect(other.section(name)?.size).toBe(info.length);
      expect(() => other.sectionBytes(name, info.length - 1)).toThrow(/decompresses to/);
    }
  });
});

describe('USDT probes', () => {
  const find = (image: ElfImage) => image.usdt('shop', 'sold');

  it('are found with their arguments and their semaphore', () => {
    using image = openElf(compile(shopSource, [...library, '-O2']));
    const [place, ...others] = find(image);
    expect(others).toEqual([]);
    expect(place!.arguments).toMatch(/^-4@%e/);
    const nop = image.segments.find(({ isExecutable }) => isExecutable)!;
    const address = place!.fileOffset - nop.fileOffset + nop.address;
    expect(image.read(address, 1)).toEqual(Buffer.from([0x90]));
    const semaphore = image.symbol('sold_semaphore')!;
    expect(place!.semaphoreOffset).toBe(semaphore.fileOffset);
    expect(image.usdt('shop', 'bought')).toEqual([]);
    expect(image.usdt('other', 'sold')).toEqual([]);
  });

  it('move with their base when the file was prelinked', () => {
    const file = compile(shopSource, [...library, '-O2']);
    using image = openElf(file);
    const [before] = find(image);
    const notes = image.section('.note.stapsdt')!;
    const moved = Buffer.from(file);
    // In the note: 12 bytes of head, 8 of the owner's name; then the instruction, the base, the semaphore.
    for (const field of [20, 28, 36]) {
      const at = notes.fileOffset + field;
      moved.writeBigUInt64LE(moved.readBigUInt64LE(at) - 0x100n, at);
    }
    using other = openElf(moved);
    expect(find(other)).toEqual([before]);
  });
});

describe('programs of this machine', () => {
  const paths = [
    '/bin/sh',
    '/usr/bin/python3',
    '/usr/lib/x86_64-linux-gnu/libssl.so.3',
    '/usr/lib/x86_64-linux-gnu/libc.so.6',
  ].filter((path) => existsSync(path));

  it.each(paths)('%s has the dynamic symbols that binutils find', (path) => {
    using image = openElf(path);
    const expected = symbolsByReadelf(path, '--dyn-syms');
    const found = new Set<string>();
    for (const { name, table } of image.symbols()) if (table === 'dynamic') found.add(name);
    expect(found.size).toBeGreaterThan(0);
    expect(found).toEqual(new Set(expected.keys()));
    for (const name of [...expected.keys()].slice(0, 300)) {
      expect(image.symbol(name)?.table, name).toBe('dynamic');
    }
    expect(image.buildId).toMatch(/^([0-9a-f]{2})+$/);
  });

  it('that are large are read where they are asked about', () => {
    const file = bytesOfFile(process.execPath);
    let bytes = 0;
    const counted = {
      name: file.name,
      size: file.size,
      identity: file.identity,
      read: (offset: number, length: number) => {
        const found = file.read(offset, length);
        bytes += found.length;
        return found;
      },
      [Symbol.dispose]: () => file[Symbol.dispose](),
    };
    using image = new ElfFile(counted);
    expect(image.buildId).toBeDefined();
    expect(bytes).toBeLessThan(file.size / 1000);
    expect(image.symbol('napi_create_object')).toMatchObject({ isFunction: true });
    expect(bytes).toBeLessThan(file.size / 5);
  });
});
