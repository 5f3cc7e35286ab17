// SPDX-License-Identifier: Apache-2.0
import { LibtraceError } from '../errors.js';
import type { ElfImage, ElfSymbol } from '../plugin/uprobe.js';
import { compact, compile, rework, shopSource } from './compiled.test-support.js';
import { openElf } from './open-elf.js';
import { planProbe } from './plan-probe.js';
import { decodeX86 } from './x86-decoder.js';

/** What came of reading damaged program files. */
export interface ElfFuzzReport {
  /** Files read. */
  readonly inputs: number;
  /** Of these, those of which the head could be read. */
  readonly opened: number;
  /** Symbols, planned probes and members that were found in them. */
  readonly found: { readonly symbols: number; readonly probes: number; readonly members: number };
  /** Typed errors by code. */
  readonly errors: Readonly<Record<string, number>>;
  /** Most processor time that one file took, milliseconds; that of loading the decoder is not in it. */
  readonly maxMs: number;
  /** What must not be: other errors, wrong answers, files that took long. */
  readonly findings: readonly string[];
}

interface Tally {
  opened: number;
  symbols: number;
  probes: number;
  members: number;
  errors: Record<string, number>;
}

const maxFindings = 20;
/** Processor time that a file of a few kilobytes may take. */
const maxMs = 1000;
const expectedCodes = new Set(['ERR_ELF_INVALID', 'ERR_ELF_UNSUPPORTED', 'ERR_UPROBE_ATTACH']);
const sections = ['.text', '.debug_info', '.debug_str', '.note.stapsdt', '.dynsym', '.shstrtab'];
const numbers = [
  0, 1, 2, 4, 7, 8, 24, 255, 0x7fff, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff,
];

/**
 * Reads damaged program files: a few small ones, as compilers make them, with bytes changed, and asks everything of each.
 * @param inputs how many
 * @param seed number of the first; the same number gives the same file
 */
export function fuzzElf(inputs: number, seed: number): ElfFuzzReport {
  const seeds = seedFiles();
  decodeX86(Buffer.from([0x90]), 0);
  const tally: Tally = { opened: 0, symbols: 0, probes: 0, members: 0, errors: {} };
  const findings: string[] = [];
  let slowest = 0;
  for (let each = 0; each < inputs && findings.length < maxFindings; each++) {
    const random = randomNumbers(seed + each);
    const file = damaged(seeds[random(seeds.length)]!, random);
    const start = process.cpuUsage();
    const problem = problemWith(file, random, tally);
    const { user, system } = process.cpuUsage(start);
    const ms = (user + system) / 1000;
    slowest = Math.max(slowest, ms);
    if (problem !== undefined) findings.push(`seed ${seed + each}: ${problem}`);
    if (ms > maxMs) findings.push(`seed ${seed + each}: it took ${ms.toFixed(0)} ms`);
  }
  const { opened, errors, ...found } = tally;
  return { inputs, opened, found, errors, maxMs: slowest, findings };
}

function seedFiles(): Buffer[] {
  const shared = [...compact, '-Os', '-shared', '-fPIC', '-Wl,--build-id'];
  const program = [...compact, '-O2', '-static', '-no-pie', '-Wl,-e,entry'];
  const library = compile(shopSource, [...shared, '-g', '-gdwarf-5']);
  const hashed = compile(shopSource, [...shared, '-Wl,--hash-style=sysv', '-g', '-gdwarf-3']);
  return [
    library,
    hashed,
    rework(library, 'objcopy', ['--compress-debug-sections=zlib']),
    withoutSections(compile(shopSource, shared)),
    compile(shopSource, [...program, '-g', '-gdwarf-4', '-fdebug-types-section']),
    compile(shopSource, [...program, '-g', '-gdwarf-2', '-gz=zlib-gnu']),
  ];
}

/** The same file for programs that read no section headers. */
export function withoutSections(file: Buffer): Buffer {
  const copy = Buffer.from(file);
  copy.writeBigUInt64LE(0n, 40);
  copy.writeUInt16LE(0, 60);
  copy.writeUInt16LE(0, 62);
  return copy.subarray(0, Number(file.readBigUInt64LE(40)));
}

/** Numbers from 0 to below a bound, always the same for a seed (mulberry32). */
function randomNumbers(seed: number): (bound: number) => number {
  let state = Math.imul(seed, 0x9e3779b1) | 0;
  return (bound) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  };
}

/** A copy with a few things changed, most of them where the file describes itself. */
function damaged(original: Buffer, random: (bound: number) => number): Buffer {
  const file = Buffer.from(original);
  for (let changes = 1 + random(6); changes > 0; changes--) change(file, random);
  return random(12) === 0 ? file.subarray(0, random(file.length)) : file;
}

function change(file: Buffer, random: (bound: number) => number): void {
  const at = Math.min(placeIn(file, random), file.length - 8);
  const small = random(3) === 0 ? file.length - 8 + random(16) : numbers[random(numbers.length)]!;
  switch (random(7)) {
    case 0:
      file[at] = random(256);
      return;
    case 1:
      file[at] = file[at]! ^ (1 << random(8));
      return;
    case 2:
      file.writeUInt16LE(small & 0xffff, at);
      return;
    case 3:
      file.writeUInt32LE(small, at);
      return;
    case 4:
      file.writeBigUInt64LE(BigInt.asUintN(64, BigInt(small) - BigInt(random(3))), at);
      return;
    case 5:
      // One table in the place of another.
      file.copy(file, at, random(file.length), random(file.length));
      return;
    default:
      file.fill(random(2) === 0 ? 0 : 255, at, Math.min(file.length, at + random(64)));
  }
}

/** In half of the cases in a header, the others anywhere. Fields are aligned. */
function placeIn(file: Buffer, random: (bound: number) => number): number {
  const sectionsAt = file.readUInt32LE(40);
  switch (random(6)) {
    case 0:
      return 16 + random(48);
    case 1:
      return 64 + random(6 * 56);
    case 2:
      return sectionsAt < file.length
        ? sectionsAt + random(file.length - sectionsAt)
        : random(file.length);
    case 3:
      return random(file.length >> 3) * 8;
    default:
      return random(file.length);
  }
}

/** Asks everything of a file; returns what must not be. */
function problemWith(
  file: Buffer,
  random: (bound: number) => number,
  tally: Tally,
): string | undefined {
  const image = attempt(() => openElf(file), tally);
  if (image instanceof Error) return image.message;
  if (image === undefined) return undefined;
  tally.opened++;
  const questions: readonly (() => unknown)[] = [
    () => image.buildId,
    () => askSymbols(image, file, random, tally),
    () => image.usdt('shop', 'sold'),
    () => {
      for (const name of sections) image.section(name);
    },
    () => image.sectionBytes(sections[random(sections.length)]!, 1 << random(20)),
    () => (tally.members += image.memberOffset('widget', 'n') === undefined ? 0 : 1),
    () => image.memberOffset('inner', 'b'),
    () => askAddresses(image, file, random),
  ];
  for (const question of questions) {
    const answer = attempt(question, tally);
    if (answer instanceof Error) return answer.message;
  }
  image[Symbol.dispose]();
  return undefined;
}

function askAddresses(image: ElfImage, file: Buffer, random: (bound: number) => number): void {
  for (const { address, size } of image.segments) {
    const at = address + random(size + 2);
    const offset = image.fileOffset(at);
    if (offset !== undefined && !(offset >= 0 && offset < file.length)) {
      throw new Error(`address ${at} is at ${offset} of ${file.length} bytes`);
    }
    const bytes = image.read(at, random(1 << 20));
    if (bytes.length > file.length) throw new Error(`${bytes.length} bytes were read`);
  }
}

function askSymbols(
  image: ElfImage,
  file: Buffer,
  random: (bound: number) => number,
  tally: Tally,
): void {
  const functions: ElfSymbol[] = [];
  for (const symbol of image.symbols()) {
    tally.symbols++;
    if (symbol.isFunction && symbol.size > 0) functions.push(symbol);
  }
  for (const name of ['exported', 'entry', 'missing']) image.symbol(name);
  const chosen = functions[random(functions.length + 1)];
  if (chosen !== undefined) askPlan(image, file, chosen, random, tally);
}

function askPlan(
  image: ElfImage,
  file: Buffer,
  { name, address, size }: ElfSymbol,
  random: (bound: number) => number,
  tally: Tally,
): void {
  const planned = planProbe(
    image,
    {
      program: 'any',
      function: { name, address: address + random(2) * random(16), size },
      when: random(2) === 0 ? 'entry' : 'return',
      stack: random(2) === 0,
      goStackCheck: random(2) === 0,
    },
    { safeReturnProbes: random(2) === 0 },
  );
  for (const { fileOffset } of planned) {
    tally.probes++;
    if (!(fileOffset >= 0 && fileOffset < file.length)) {
      throw new Error(`a probe of ${name} at ${fileOffset} of ${file.length} bytes`);
    }
  }
}

/** What a call returns; undefined when it throws as it may; an error when it throws what it must not. */
function attempt<T>(call: () => T, tally: Tally): T | Error | undefined {
  try {
    return call();
  } catch (error) {
    if (!(error instanceof LibtraceError) || !expectedCodes.has(error.code)) {
      return error instanceof Error
        ? new Error(error.stack ?? error.message)
        : new Error(String(error));
    }
    tally.errors[error.code] = (tally.errors[error.code] ?? 0) + 1;
    return undefined;
  }
}
