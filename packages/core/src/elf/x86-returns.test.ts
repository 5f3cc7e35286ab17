// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  assembled,
  failure,
  library,
  plan,
  placed,
  refused,
  sitesOf,
  type Wish,
} from './assembled.test-support.js';
import { compact, compile, shopSource } from './compiled.test-support.js';
import { openElf } from './open-elf.js';
import { planProbe } from './plan-probe.js';

describe('the return of a function', () => {
  it('is its return instructions, also where a return probe of the kernel is safe', () => {
    const image = assembled('push rbx\npop rbx\nret');
    for (const safeReturnProbes of [true, false]) {
      const [only, ...others] = plan(image, { when: 'return' }, { safeReturnProbes });
      expect(others).toEqual([]);
      expect([only!.kind, placed(image, only!)]).toEqual(['site', '+2 ret stepped']);
    }
    const [naive] = plan(image, { when: 'return' }, { choice: 'naive' });
    expect([naive!.kind, placed(image, naive!)]).toEqual(['return', '+0 push rbx emulated']);
  });

  it('is a return probe only where nothing else is possible, it is safe, and the function is needed', () => {
    const image = assembled('push rbx\npop rbx\ntest edi, edi\njz other\nret');
    const [place, ...others] = plan(image, { when: 'return' });
    expect(others).toEqual([]);
    expect([place!.kind, placed(image, place!)]).toEqual(['return', '+0 push rbx emulated']);
    expect(place!.why).toMatch(/it may leave by je/);
    const attempt = (wish: Wish, safeReturnProbes: boolean) =>
      failure(() => plan(image, { when: 'return', ...wish }, { safeReturnProbes })).code;
    expect(attempt({ optional: true }, true)).toBe('ERR_UPROBE_ATTACH');
    expect(attempt({ returns: 'sites' }, true)).toBe('ERR_UPROBE_ATTACH');
    expect(attempt({}, false)).toBe('ERR_UPROBE_ATTACH');
  });

  describe('in front of its return instruction', () => {
    const check =
      'sub rsp, 24\ncall other\nsub rdx, fs:40\njne 9f\nadd rsp, 24\nxor edx, edx\nret\n';
    const tail = (code: string) => plan(assembled(code), { when: 'return' })[0]!;

    it('is the check of the stack protector, which the kernel emulates', () => {
      const image = assembled(`${check}9: call other`);
      for (const safeReturnProbes of [true, false]) {
        const [place, ...others] = plan(image, { when: 'return' }, { safeReturnProbes });
        expect(others).toEqual([]);
        expect(place!.kind).toBe('site');
        expect(placed(image, place!)).toMatch(/^\+18 jne 0x[0-9a-f]+ emulated$/);
        expect(place!.why).toMatch(/only the return instruction at \+0x\w+ follows$/);
      }
      const [exact] = plan(image, { when: 'return', returns: 'sites' });
      expect(exact!.instruction).toBe('ret');
    });

    it('is a nop', () => {
      expect(tail('call other\nnop\nret').instruction).toBe('nop');
    });

    it.each([
      [
        'the result is written behind it',
        check.replace('xor edx, edx', 'xor eax, eax') + '9: call other',
      ],
      [
        'something leads in behind it',
        `test edi, edi\njz 1f\n${check.replace('xor edx', '1: xor edx')}9: call other`,
      ],
      [
        'something leads to the return',
        `test edi, edi\njz 1f\n${check.replace('ret', '1: ret')}9: call other`,
      ],
      ['the jump leads to what may return', `${check}9: call other\nret`],
      ['the jump leads to something else', `${check}9: xor eax, eax\ncall other`],
      ['the jump leads back', `${check.replace('call', '1: call')}9: jmp 1b`],
      [
        'one of two returns has no such place',
        `test edi, edi\njz 1f\n${check}1: xor eax, eax\nret\n9: call other`,
      ],
      [
        'no call comes before: it is the entry',
        'mov eax, [rdi]\ncmp eax, esi\njne 9f\nret\n9: call other',
      ],
      ['a jump is not known', `test edi, edi\njz 1f\n${check}1: jmp rax\n9: call other`],
      ['the last instruction is behind it', `${check}9: call other\nnop`],
    ])('is none when %s', (_, code) => {
      const { kind, instruction } = tail(code);
      expect(kind === 'return' || instruction === 'ret').toBe(true);
    });
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
