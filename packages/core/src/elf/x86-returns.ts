// SPDX-License-Identifier: Apache-2.0
import { distance, maxReturnSites, type ReturnSites } from './planned-probe.js';
import { textOfX86, type X86Instruction } from './x86-decoder.js';
import { isNearReturn } from './x86-uprobes.js';

/** Tells whether an indirect jump goes to a place of the function itself: a `switch`. */
export type StaysInside = (index: number) => boolean;

/** The return instructions of a function, and whether it may leave in another way. */
export function x86ReturnSites(
  code: readonly X86Instruction[],
  staysInside: StaysInside,
): ReturnSites {
  const start = code[0]!.address;
  const returns = code.filter(({ flow, bytes }) => flow === 'return' && isNearReturn(bytes));
  const sites = returns.slice(0, maxReturnSites).map((each) => ({
    address: each.address,
    instruction: textOfX86(each),
    cost: 'stepped' as const,
    why: `return instruction at ${distance(start, each.address)}, the kernel has to step over it`,
  }));
  if (returns.length > maxReturnSites) {
    return { sites, others: `it has ${returns.length} return instructions` };
  }
  return { sites, others: otherWayOut(code, staysInside) };
}

function otherWayOut(
  code: readonly X86Instruction[],
  staysInside: StaysInside,
): string | undefined {
  const [start, last] = [code[0]!.address, code[code.length - 1]!];
  const end = last.address + last.bytes.length;
  for (const [index, each] of code.entries()) {
    const { flow, target, bytes } = each;
    const at = () => `${textOfX86(each)} at ${distance(start, each.address)}`;
    const isJump = flow === 'jump' || flow === 'conditional';
    if (isJump && (target === undefined || target < start || target >= end)) {
      return `it may leave by ${at()}`;
    }
    if (flow === 'indirect' && !staysInside(index)) return `it may leave by ${at()}`;
    if (flow === 'return' && !isNearReturn(bytes)) return `it returns by ${at()}`;
    if (flow === 'return' && !each.isAccepted) return `the kernel refuses a probe at ${at()}`;
  }
  return runsOn(code) ? 'it may run on into what follows it' : undefined;
}

/** Whether control may pass the last instruction. A call there is one that does not return. */
function runsOn(code: readonly X86Instruction[]): boolean {
  const targets = new Set(code.map(({ target }) => target));
  const last = code.findLast((each) => !isPadding(each) || targets.has(each.address))?.flow;
  return last === undefined || last === 'next' || last === 'conditional';
}

function isPadding({ bytes, flow }: X86Instruction): boolean {
  if (flow !== 'next') return false;
  const opcode = bytes.findIndex((byte) => byte !== 0x66 && byte !== 0x2e);
  return bytes[opcode] === 0x90 || (bytes[opcode] === 0x0f && bytes[opcode + 1] === 0x1f);
}
