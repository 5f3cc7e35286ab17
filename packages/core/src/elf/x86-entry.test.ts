// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { assembled, entryOf, plan, refused } from './assembled.test-support.js';

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
