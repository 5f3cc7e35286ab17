// SPDX-License-Identifier: Apache-2.0
import { distance, type ChosenPlace } from './planned-probe.js';
import { registersWrittenByX86, textOfX86, type X86Instruction } from './x86-decoder.js';
import { isNearReturn } from './x86-uprobes.js';

/** Instructions in front of a return that are looked at. */
const maxTail = 32;

/**
 * Places where a function is as good as returned, at instructions that the kernel emulates: one in front of each of its
 * return instructions, behind which nothing writes the result (rax) and nothing leads into or away. The stack pointer may
 * still be that of the function. Undefined when a return has no such place, or the function has jumps that are not known.
 *
 * Such a place is the check of the stack protector: `jne` to a call of `__stack_chk_fail`. That this does not come back is
 * known from its place: it is the end of the function.
 */
export function cheapTails(code: readonly X86Instruction[]): ChosenPlace[] | undefined {
  if (code.some(({ flow }) => flow === 'indirect')) return undefined;
  const targets = new Set(code.map(({ target }) => target));
  const last = code[code.length - 1]!;
  const firstCall = code.find(({ flow }) => flow === 'call')?.address ?? Infinity;
  const places: ChosenPlace[] = [];
  for (const [index, each] of code.entries()) {
    if (each.flow !== 'return') continue;
    const place = isNearReturn(each.bytes) ? cheapTailOf(code, index, targets, last) : undefined;
    // Before the first call stands the beginning of the function, where its entry is probed.
    if (place === undefined || place.address < firstCall) return undefined;
    const [from, to] = [place, each].map(({ address }) => distance(code[0]!.address, address));
    places.push({
      address: place.address,
      instruction: textOfX86(place),
      cost: 'emulated',
      why: `${from!}, the kernel emulates it: the result is in its register, and only the return instruction at ${to!} follows`,
    });
  }
  return places.length === 0 ? undefined : places;
}

function cheapTailOf(
  code: readonly X86Instruction[],
  returnIndex: number,
  targets: ReadonlySet<number | undefined>,
  last: X86Instruction,
): X86Instruction | undefined {
  const end = Math.max(0, returnIndex - maxTail);
  for (let index = returnIndex; index > end; index--) {
    // What is led to from elsewhere is reached without what stands before it.
    if (targets.has(code[index]!.address)) return undefined;
    const before = code[index - 1]!;
    if (before.flow === 'conditional') return isFinalCheck(before, last) ? before : undefined;
    if (before.flow !== 'next') return undefined;
    if (before.isCheap && before.bytes[0] === 0x90) return before;
    if (registersWrittenByX86(before).has('rax')) return undefined;
  }
  return undefined;
}

/** Whether a conditional jump leads nowhere but to a call that ends the function, and so never comes back. */
function isFinalCheck(jump: X86Instruction, last: X86Instruction): boolean {
  return jump.isCheap && last.flow === 'call' && jump.target === last.address;
}
