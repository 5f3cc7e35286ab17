// SPDX-License-Identifier: Apache-2.0
import { expect } from 'vitest';
import type { LibtraceError } from '../errors.js';
import type { ElfImage, FunctionProbe } from '../plugin/uprobe.js';
import { compile } from './compiled.test-support.js';
import { openElf } from './open-elf.js';
import { planProbe } from './plan-probe.js';
import type { PlanConditions, PlannedProbe } from './planned-probe.js';

/** Options for a library of nothing but what is written. */
export const library = ['-shared', '-fPIC', '-nostdlib', '-O2'];

/** A file with one function, in the assembler's language (Intel's way), and one that it may jump to. */
export function assembled(code: string, options: readonly string[] = library): ElfImage {
  const source = `__asm__(".intel_syntax noprefix\\n.text\\n"
    ".globl other\\n.type other, @function\\nother: .Lother: ret\\n.size other, .-other\\n"
    ".globl f\\n.type f, @function\\nf: .Lf:\\n${code.trim().split('\n').join('\\n')}\\n.size f, .-f\\n"
    ".att_syntax\\n");`;
  return openElf(compile(source, options));
}

/** What a plan is to be for. */
export type Wish = Partial<Omit<FunctionProbe, 'program'>>;

/** Plans a probe of the function `f`, at its entry unless something else is wished. */
export function plan(image: ElfImage, wish: Wish = {}, conditions: Partial<PlanConditions> = {}) {
  const probe = { program: 'any', function: image.symbol('f')!, when: 'entry' as const, ...wish };
  return planProbe(image, probe, { safeReturnProbes: true, ...conditions });
}

/** Where a probe is, from the beginning of the function, and its instruction. */
export function placed(image: ElfImage, { fileOffset, instruction, cost }: PlannedProbe): string {
  const at = fileOffset - image.symbol('f')!.fileOffset!;
  return `+${at} ${instruction} ${cost}`;
}

/** Where the entry of a function is probed. */
export function entryOf(
  code: string,
  wish: Wish = {},
  conditions: Partial<PlanConditions> = {},
): string {
  const image = assembled(code);
  const [first, ...others] = plan(image, { when: 'entry', ...wish }, conditions);
  expect(others).toEqual([]);
  expect(first!.kind).toBe('entry');
  return placed(image, first!);
}

/** Where the returns of a function are probed, when they are at its return instructions. */
export function sitesOf(
  code: string,
  wish: Wish = {},
  options: readonly string[] = library,
): string[] {
  const image = assembled(code, options);
  const found = plan(image, { when: 'return', ...wish }, { safeReturnProbes: false });
  expect(new Set(found.map(({ kind }) => kind))).toEqual(new Set(['site']));
  return found.map((each) => placed(image, each));
}

/** What a call throws. */
export function failure(act: () => unknown): Pick<LibtraceError, 'code' | 'message'> {
  try {
    act();
  } catch (error) {
    const { code, message } = error as LibtraceError;
    return { code, message };
  }
  throw new Error('nothing was thrown');
}

/** Why no place is found for a probe of a function, of its return unless something else is wished. */
export const refused = (code: string, wish: Wish = {}) =>
  failure(() => plan(assembled(code), { when: 'return', ...wish }, { safeReturnProbes: false }));
