// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { LibtraceError } from '../errors.js';
import type { ElfImage, FunctionProbe } from '../plugin/uprobe.js';
import { compact, compile, shopSource } from './compiled.test-support.js';
import { openElf } from './open-elf.js';
import { planProbe } from './plan-probe.js';
import type { PlanConditions, PlannedProbe } from './planned-probe.js';

const library = ['-shared', '-fPIC', '-nostdlib', '-O2'];

/** A file with one function, in the assembler's language (Intel's way), and one that it may jump to. */
function assembled(code: string, options: readonly string[] = library): ElfImage {
  const source = `__asm__(".intel_syntax noprefix\\n.text\\n"
    ".globl other\\n.type other, @function\\nother: .Lother: ret\\n.size other, .-other\\n"
    ".globl f\\n.type f, @function\\nf: .Lf:\\n${code.trim().split('\n').join('\\n')}\\n.size f, .-f\\n"
    ".att_syntax\\n");`;
  return openElf(compile(source, options));
}

type Wish = Partial<Omit<FunctionProbe, 'program'>>;

function plan(image: ElfImage, wish: Wish = {}, conditions: Partial<PlanConditions> = {}) {
  const probe = { program: 'any', function: image.symbol('f')!, when: 'entry' as const, ...wish };
  return planProbe(image, probe, { safeReturnProbes: true, ...conditions });
}

/** Where a probe is, from the beginning of the function, and its instruction. */
function placed(image: ElfImage, { fileOffset, instruction, cost }: PlannedProbe): string {
  const at = fileOffset - image.symbol('f')!.fileOffset!;
  return `+${at} ${instruction} ${cost}`;
}

function entryOf(code: string, wish: Wish = {}, conditions: Partial<PlanConditions> = {}): string {
  const image = assembled(code);
  const [first, ...others] = plan(image, { when: 'entry', ...wish }, conditions);
  expect(others).toEqual([]);
  expect(first!.kind).toBe('entry');
  return placed(image, first!);
}

function sitesOf(code: string, wish: Wish = {}, options: readonly string[] = library): string[] {
  const image = assembled(code, options);
  const found = plan(image, { when: 'return', ...wish }, { safeReturnProbes: false });
  expect(new Set(found.map(({ kind }) => kind))).toEqual(new Set(['site']));
  return found.map((each) => placed(image, each));
}

function failure(act: () => unknown): Pick<LibtraceError, 'code' | 'message'> {
  try {
    act();
  } catch (error) {
    const { code, message } = error as LibtraceError;
    return { code, message };
  }
  throw new Error('nothing was thrown');
}

const refused = (code: string, wish: Wish = {}) =>
  failure(() => plan(assembled(code), { when: 'return', ...wish }, { safeReturnProbes: false }));

describe('the entry of a function', () => {
  it('is its first instruction when the kernel emulates it', () => {
    expect(entryOf('push rbp\nmov rbp, rsp\npop rbp\nret')).toBe('+0 push rbp emulated');
    expect(entryOf('jmp other')).toMatch(/^\+0 jmp 0x[0-9a-f]+ emulated$/);
    expect(entryOf('nop\nret')).toBe('+0 nop emulated');
    expect(entryOf('push r12\npop r12\nret')).toBe('+0 push r12 emulated');
  });

  it('is the first cheap one behind instructions that leave the arguments alone', () => {
    expect(entryOf('endbr64\npush rbx\npop rbx\nret')).toBe('+4 push rbx emulated');
    expect(
      entryOf('sub rsp, 24\nmov rax, fs:40\nxor eax, eax\ntest edx, edx\njs 1f\nret\n1: ret'),
    ).toMatch(/^\+17 js 0x[0-9a-f]+ emulated$/);
    expect(entryOf('sub rsp, 8\ncall other\nadd rsp, 8\nret')).toMatch(
      /^\+4 call 0x[0-9a-f]+ emulated$/,
    );
  });

  it('is not behind an instruction that writes an argument, or a part of one', () => {
    for (const writes of [
      'mov rdi, rax',
      'xor edx, edx',
      'mov cl, 1',
      'pop r8',
      'cmovz esi, eax',
      'xchg rax, r9',
      'cpuid',
      'rep movsb',
      'mul rbx',
    ]) {
      const cheap = entryOf(`${writes}\npush rbx\npop rbx\nret`);
      expect(cheap, writes).toMatch(/^\+0 .* stepped$/);
    }
  });

  it('is not behind an instruction that writes a register that was asked for', () => {
    const code = 'mov rax, 1\npush rbx\npop rbx\nret';
    expect(entryOf(code, { registers: ['rdi'] })).toBe('+7 push rbx emulated');
    expect(entryOf(code, { registers: ['rax', 'rdi'] })).toBe('+0 mov rax, 1 stepped');
    expect(entryOf('mov rdi, 1\npush rbx\npop rbx\nret', { registers: [] })).toBe(
      '+7 push rbx emulated',
    );
  });

  it('is not where the stack has moved, when the program reads it', () => {
    expect(entryOf('sub rsp, 8\ncall other\nadd rsp, 8\nret', { stack: true })).toBe(
      '+0 sub rsp, 8 stepped',
    );
    expect(entryOf('endbr64\npush rbx\npop rbx\nret', { stack: true })).toBe(
      '+4 push rbx emulated',
    );
    expect(entryOf('lea rsp, [rsp-8]\npush rbx\npop rbx\nret', { stack: true })).toMatch(
      /^\+0 lea/,
    );
  });

  it('is not where a jump leads to: it would run more than once', () => {
    expect(entryOf('xor eax, eax\n1: nop\ndec edx\njnz 1b\nret')).toBe('+0 xor eax, eax stepped');
    expect(entryOf('xor eax, eax\n1: push rbx\npop rbx\ncall 1b\nret')).toBe(
      '+0 xor eax, eax stepped',
    );
  });

  it('is not behind a jump or call: it may not run at all', () => {
    expect(entryOf('test edi, edi\n.byte 0x3e\njz 1f\npush rbx\npop rbx\n1: ret')).toBe(
      '+0 test edi, edi stepped',
    );
    expect(entryOf('call [rax]\npush rbx\npop rbx\nret')).toMatch(/^\+0 call/);
    expect(entryOf('xor eax, eax\nsyscall\npush rbx\npop rbx\nret', { registers: [] })).not.toMatch(
      /push/,
    );
  });

  it('is not a branch that code elsewhere may lead back to', () => {
    const loop = 'xor eax, eax\ntest edx, edx\njz 1f\nret\n1:';
    expect(entryOf(`${loop} ret`)).toMatch(/^\+4 je/);
    // The cold part of a function lies outside of it; an indirect jump may lead anywhere in it.
    expect(entryOf(`${loop} jmp other`)).toMatch(/^\+0 xor/);
    expect(entryOf(`${loop} jmp [rax]`)).toMatch(/^\+0 xor/);
    // What saves registers of the caller is no part of a loop.
    expect(entryOf('xor eax, eax\npush rbp\npop rbp\njmp [rax]')).toBe('+2 push rbp emulated');
    expect(entryOf('xor eax, eax\npush rdi\npop rdi\njmp [rax]')).toBe('+0 xor eax, eax stepped');
  });

  it('is not an instruction that looks cheap and is not', () => {
    for (const dear of [
      '.byte 0x66, 0x90',
      '.byte 0x49, 0x90',
      '.byte 0x48, 0x55',
      'nop dword ptr [rax]',
      'push [rax]',
      'push 1',
      '.byte 0x66, 0x50',
    ]) {
      expect(entryOf(`${dear}\nret`, { registers: [] }), dear).toMatch(/^\+0 .* stepped$/);
    }
  });

  it('is the first instruction when that is asked for', () => {
    const found = entryOf('endbr64\npush rbx\npop rbx\nret', {}, { choice: 'naive' });
    expect(found).toBe('+0 endbr64 stepped');
  });

  it('says why', () => {
    const [cheap] = plan(assembled('endbr64\npush rbx\npop rbx\nret'), {
      registers: ['rdi', 'rsi'],
    });
    expect(cheap!.why).toBe(
      '+0x4, the kernel emulates it: rdi, rsi still are as the caller left them; passed over: endbr64',
    );
    const [dear] = plan(assembled('xor edi, edi\nret'));
    expect(dear!.why).toBe(
      'first instruction, the kernel has to step over it: no cheaper one with the arguments in place: xor edi, edi writes rdi',
    );
  });

  it('is refused where the kernel refuses it', () => {
    for (const code of [
      'lock inc dword ptr [rax]\nret',
      'int3\nret',
      'hlt\nret',
      'in al, dx\nret',
      'cs mov eax, [rax]\nret',
    ]) {
      const { code: kind, message } = refused(code, { when: 'entry' });
      expect(kind).toBe('ERR_UPROBE_ATTACH');
      expect(message).toMatch(/^f: the kernel refuses/);
    }
  });
});

describe('the entry of a Go function', () => {
  const go = { goStackCheck: true, registers: ['rax', 'rbx', 'rcx', 'rdi', 'rsi', 'r8', 'r14'] };
  const more = 'mov [rsp+8], rax\ncall other\nmov rax, [rsp+8]\njmp f';

  it('is behind the check for stack space, which may run twice', () => {
    const code = `cmp rsp, [r14+16]\njbe 1f\npush rbp\nmov rbp, rsp\npop rbp\nret\n1: ${more}`;
    expect(entryOf(code, go)).toBe('+6 push rbp emulated');
    expect(entryOf(code, { registers: go.registers })).toMatch(/^\+4 jbe/);
  });

  it('is behind all of it, when large frames make it long', () => {
    const code = `mov r12, rsp\nsub r12, 4096\njb 1f\ncmp r12, [r14+16]\njbe 1f\npush rbp\npop rbp\nret\n1: ${more}`;
    expect(entryOf(code, go)).toMatch(/^\+18 push rbp/);
  });

  it('is the first one behind it when none is cheap', () => {
    const code = `cmp rsp, [r14+16]\njbe 1f\nsub rsp, 24\nmov rax, 1\nadd rsp, 24\nret\n1: ${more}`;
    expect(entryOf(code, go)).toBe('+6 sub rsp, 0x18 stepped');
    expect(entryOf(code, { goStackCheck: true, registers: [], stack: true })).toBe(
      '+6 sub rsp, 0x18 stepped',
    );
  });

  it('does not take another jump for the check', () => {
    const away = 'test eax, eax\njz 1f\npush rbp\npop rbp\nret\n1: ';
    for (const end of [
      'call other\nret',
      'jmp f',
      `call other\njmp other`,
      'call other\njz 1b\njmp f',
    ]) {
      expect(entryOf(away + end, go), end).not.toMatch(/push/);
    }
  });
});

describe('the return of a function', () => {
  it('is a return probe of the kernel where that is safe', () => {
    const image = assembled('endbr64\npush rbx\npop rbx\nret');
    const [first, ...others] = plan(image, { when: 'return' });
    expect(others).toEqual([]);
    expect(first!.kind).toBe('return');
    expect(placed(image, first!)).toBe('+0 endbr64 stepped');
  });

  it('is every return instruction where it is not, or when that is asked for', () => {
    const code = 'test edi, edi\njz 1f\nret\n1: test esi, esi\njz 2f\n.byte 0xf3\nret\n2: ret 8';
    const expected = ['+4 ret stepped', '+9 rep ret stepped', '+11 ret 8 stepped'];
    expect(sitesOf(code)).toEqual(expected);
    const image = assembled(code);
    const asked = plan(image, { when: 'return', returns: 'sites' }, { safeReturnProbes: true });
    expect(asked.map((each) => placed(image, each))).toEqual(expected);
  });

  it('is refused when the function may leave in another way', () => {
    const ways: Record<string, RegExp> = {
      'test edi, edi\njz 1f\nret\n1: jmp other': /it may leave by jmp 0x\w+ at \+0x5$/,
      'test edi, edi\njz other\nret': /it may leave by je 0x\w+ at \+0x2$/,
      'test edi, edi\njz 1f\nret\n1: jmp rax': /it may leave by jmp rax at \+0x5$/,
      'test edi, edi\njz 1f\nret\n1: jmp [rax+8*rdi]': /it may leave by jmp/,
      'test edi, edi\njz 1f\nret\n1: nop': /it may run on into what follows it$/,
      'test edi, edi\njz 1f\nret\n1: retf': /it returns by retf at/,
      'jmp f': /it has no return instruction$/,
    };
    for (const [code, why] of Object.entries(ways)) {
      for (const returns of ['any', 'sites'] as const) {
        const { code: kind, message } = refused(code, { returns });
        expect(kind).toBe('ERR_UPROBE_ATTACH');
        expect(message.replace(/; a return probe of the kernel.*/, ''), code).toMatch(why);
      }
    }
  });

  it('may follow a call that does not come back, and padding', () => {
    expect(sitesOf('test edi, edi\njz 1f\nret\n1: call other')).toHaveLength(1);
    expect(sitesOf('test edi, edi\njz 1f\nret\n1: ud2')).toHaveLength(1);
    expect(sitesOf('ret\nnop\nnop dword ptr [rax]')).toHaveLength(1);
  });

  it('is refused when there are too many', () => {
    const { message } = refused('ret\n'.repeat(257));
    expect(message).toMatch(/it has 257 return instructions/);
    expect(sitesOf('ret\n'.repeat(256))).toHaveLength(256);
  });
});

describe('a switch', () => {
  const cases = '1: ret\n2: nop\nret\n3: jmp 1b\n';
  const relative =
    'cmp edi, 2\nja 1f\nlea rdx, [rip+9f]\nmovsxd rax, dword ptr [rdx+rdi*4]\nadd rax, rdx\njmp rax\n';
  const table = (entries: string) => `.section .rodata\n.balign 4\n9: ${entries}\n.text`;
  const distances = table('.long 1b-9b, 2b-9b, 3b-9b');

  function sites(code: string, data: string, options: readonly string[] = library): number {
    const source = `__asm__(".intel_syntax noprefix\\n.text\\n.globl other\\n.type other, @function\\nother: .Lother: ret\\n.size other, .-other\\n"
      ".globl f\\n.type f, @function\\nf: .Lf:\\n${`${code}.size f, .-f\n${data}`.trim().split('\n').join('\\n')}\\n.att_syntax\\n"); void entry(void) {}`;
    const image = openElf(compile(source, options));
    return plan(image, { when: 'return' }, { safeReturnProbes: false }).length;
  }

  it('stays inside the function when every entry of its table does', () => {
    expect(sites(relative + cases, distances)).toBe(2);
    const program = [...compact, '-static', '-no-pie', '-Wl,-e,entry'];
    const absolute = 'cmp edi, 2\nja 1f\njmp [rdi*8+9f]\n';
    expect(sites(absolute + cases, table('.quad 1b, 2b, 3b'), program)).toBe(2);
  });

  it('may leave when an entry lies elsewhere, in an instruction, or when nothing bounds the table', () => {
    const outside = table('.long 1b-9b, .Lother-9b, 3b-9b');
    expect(failure(() => sites(relative + cases, outside)).message).toMatch(/jmp rax/);
    const inside = table('.long 1b-9b, 3b-9b, 3b-9b+1');
    expect(failure(() => sites(relative + cases, inside)).message).toMatch(/jmp rax/);
    const unbounded = relative.replace('cmp edi, 2\nja 1f\n', '');
    expect(failure(() => sites(unbounded + cases, distances)).message).toMatch(/jmp rax/);
    const longer = relative.replace('cmp edi, 2', 'cmp edi, 2000');
    expect(failure(() => sites(longer + cases, distances)).message).toMatch(/jmp rax/);
  });

  it('of Go needs no look at its table', () => {
    const code = 'cmp rax, 2\njae 1f\nlea rcx, [rip+.Lf]\njmp [rcx+rax*8]\n1: ret';
    expect(sitesOf(code, { goStackCheck: true, returns: 'sites' })).toHaveLength(1);
    expect(refused(code, { returns: 'sites' }).message).toMatch(/may leave/);
    const tail = 'test rax, rax\njz 1f\njmp [rcx+24]\n1: ret';
    expect(refused(tail, { goStackCheck: true, returns: 'sites' }).message).toMatch(/may leave/);
  });
});

describe('a function that cannot be probed', () => {
  const image = assembled('push rbx\npop rbx\nret');
  const f = image.symbol('f')!;
  const attempt = (change: Partial<FunctionProbe['function']>, wish: Wish = {}) =>
    failure(() => plan(image, { ...wish, function: { ...f, ...change } })).message;

  it.each([
    ['without a size', { size: 0 }, /size is not known/],
    ['with a size that is none', { size: 1.5 }, /size is not known/],
    ['that is too large', { size: 65_537 }, /at most 65536/],
    ['that is not in the file', { address: 0x7fff0000 }, /is not in the file/],
    ['that is longer than its segment', { size: 65_536 }, /is not in the file/],
    ['that ends in an instruction', { address: f.address - 1, size: 0 }, /size/],
  ])('%s is refused', (_, change, why) => {
    expect(attempt(change)).toMatch(why);
  });

  it('whose bytes are no instructions is refused', () => {
    expect(refused('.byte 0x06, 0x07', { when: 'entry' }).message).toMatch(/not only instructions/);
    expect(refused('ret\n.byte 0xe8, 0x01', { when: 'entry' }).message).toMatch(
      /not only instructions/,
    );
  });

  it('that is data is refused', () => {
    const source =
      'const int constant[4] = {1, 2}; int variable[4] = {1, 2}; int entry(void) { return 0; }';
    const options = ['-shared', '-fPIC', '-nostdlib'];
    const data = openElf(compile(source, options));
    for (const name of ['constant', 'variable']) {
      const function_ = data.symbol(name)!;
      expect(failure(() => plan(data, { function: function_ })).message).toMatch(/holds code/);
    }
    const writable = openElf(compile(source, [...options, '-Wl,-N']));
    const entry = { function: writable.symbol('entry')! };
    expect(failure(() => plan(writable, entry)).message).toMatch(/overwritten/);
  });

  it('for a register that does not exist is refused', () => {
    expect(attempt({}, { registers: ['rdi', 'eax'] })).toMatch(/no register eax/);
  });
});

describe('arm64', () => {
  /** An image over words of code at 0x1000. */
  function armImage(words: readonly number[]): ElfImage {
    const code = Buffer.alloc(words.length * 4);
    words.forEach((word, index) => code.writeUInt32LE(word, index * 4));
    const file = Buffer.alloc(0x1000 + code.length);
    file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
    file.writeUInt16LE(3, 16);
    file.writeUInt16LE(183, 18);
    file.writeBigUInt64LE(64n, 32);
    file.writeUInt16LE(56, 54);
    file.writeUInt16LE(1, 56);
    file.writeUInt32LE(1, 64);
    file.writeUInt32LE(5, 68);
    file.writeBigUInt64LE(BigInt(file.length), 96);
    file.writeBigUInt64LE(BigInt(file.length), 104);
    code.copy(file, 0x1000);
    return openElf(file);
  }
  const [save, nop, ret, call] = [0xa9bf7bfd, 0xd503201f, 0xd65f03c0, 0x94000001];
  const planArm = (words: readonly number[], wish: Wish, safeReturnProbes = false) => {
    const code = { name: 'f', address: 0x1000, size: words.length * 4 };
    const probe = { program: 'any', function: code, when: 'return' as const, ...wish };
    return planProbe(armImage(words), probe, { safeReturnProbes });
  };

  it('probes entries at the first instruction', () => {
    const [entry] = planArm([save, nop, ret], { when: 'entry' });
    expect(entry).toMatchObject({
      fileOffset: 0x1000,
      cost: 'stepped',
      instruction: '.inst 0xa9bf7bfd',
    });
  });

  it('probes returns at every ret', () => {
    const branch = 0x54000040; // b.eq +8
    const found = planArm([save, branch, ret, call, 0xd65f0140], {});
    expect(
      found.map(({ fileOffset, instruction }) => `${fileOffset - 0x1000} ${instruction}`),
    ).toEqual(['8 ret', '16 ret x10']);
    expect(found[0]!.cost).toBe('emulated');
  });

  it.each([
    ['b far', 0x14000100],
    ['b backwards', 0x17ffff00],
    ['b.eq far', 0x54008000],
    ['cbz far', 0x34008000],
    ['tbz far', 0x36007000],
    ['br x8', 0xd61f0100],
    ['braaz x8', 0xd61f091f],
    ['retaa', 0xd65f0bff],
    ['retab', 0xd65f0fff],
  ])('refuses a function that may leave by %s', (_, word) => {
    expect(failure(() => planArm([save, word, ret], {})).message).toMatch(/may leave by/);
    expect(planArm([save, word, ret], {}, true)[0]!.kind).toBe('return');
  });

  it('takes br in a Go function for a switch', () => {
    expect(planArm([save, 0xd61f0100, ret], { goStackCheck: true, returns: 'sites' })).toHaveLength(
      1,
    );
  });

  it('refuses what is no whole number of instructions', () => {
    const code = { name: 'f', address: 0x1002, size: 4 };
    const act = () => planArm([save, nop, ret], { function: code });
    expect(failure(act).message).toMatch(/whole instructions/);
  });
});

describe('against objdump', () => {
  it('finds the return instructions of compiled functions', () => {
    const directory = mkdtempSync(join(tmpdir(), 'libtrace-elf-'));
    try {
      const path = join(directory, 'library');
      writeFileSync(path, compile(shopSource, [...library, '-fno-reorder-blocks-and-partition']));
      using image = openElf(path);
      const text = execFileSync('objdump', ['-d', '--no-show-raw-insn', path]).toString();
      for (const name of ['leaf', 'exported', 'entry']) {
        const listing = text.split(`<${name}>:\n`)[1]!.split('\n\n')[0]!;
        const expected = [...listing.matchAll(/^ *([0-9a-f]+):\tret/gm)].map((match) =>
          Number.parseInt(match[1]!, 16),
        );
        const found = planProbe(
          image,
          { program: 'any', function: image.symbol(name)!, when: 'return', returns: 'sites' },
          { safeReturnProbes: true },
        );
        expect(found.map(({ fileOffset }) => fileOffset)).toEqual(
          expected.map((address) => image.fileOffset(address)),
        );
        expect(found.length).toBeGreaterThan(0);
      }
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
});
