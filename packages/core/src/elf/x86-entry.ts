// SPDX-License-Identifier: Apache-2.0
import { distance, type ChosenPlace } from './planned-probe.js';
import { registersWrittenByX86, textOfX86, type X86Instruction } from './x86-decoder.js';
import { savesCallersRegister } from './x86-uprobes.js';

/** What must still hold where the program runs. */
export interface EntryNeeds {
  /** Full names of registers that must still hold what the caller put there. */
  readonly registers: readonly string[];
  /** The stack pointer must not have moved. */
  readonly stack: boolean;
  /** Go's check for stack space is stepped over. */
  readonly goStackCheck: boolean;
}

/** The instructions that each call runs exactly once, in order, with the arguments still in place. */
interface Walk {
  readonly instructions: readonly X86Instruction[];
  /** How many of them come before the end of Go's check for stack space, and may run twice; 0 without one. */
  readonly twice: number;
  /** Why it ends: `the next one is the target of a jump`. */
  readonly end: string;
}

/** Instructions of a function by what jumps to where. */
interface Jumps {
  /** Where direct jumps and calls in the function go. */
  readonly targets: ReadonlySet<number>;
  /** There are jumps of which only the running program knows where they go, or into code outside that may come back. */
  readonly hasUnknown: boolean;
}

const goCheckInstructions = 64;
/** Instructions, and parts of Go's check for stack space, that are looked at. */
const [maxInstructions, maxGoChecks] = [256, 8];

/**
 * Chooses where in a function to run a program that wants its arguments: the first instruction that the kernel emulates,
 * of those that every call runs once with the arguments still in place; the first one of the function when there is none.
 */
export function chooseX86Entry(
  code: readonly X86Instruction[],
  needs: EntryNeeds,
  choice: 'cheapest' | 'naive',
): ChosenPlace {
  const first = code[0]!;
  if (choice === 'naive') {
    return place(first, first, 'the first instruction, without looking for a cheaper one');
  }
  const jumps = jumpsOf(code);
  const walk = walkOn(code, needs, jumps);
  const once = walk.instructions.slice(walk.twice);
  const cheap = once.find((each, index) => each.isCheap && isSure(each, index + walk.twice, jumps));
  const held = heldText(needs);
  if (cheap !== undefined) {
    const passed = walk.instructions.slice(0, walk.instructions.indexOf(cheap));
    return place(first, cheap, `${held}${passedText(passed)}`);
  }
  if (once[0]?.isAccepted === true && walk.twice > 0) {
    return place(
      first,
      once[0],
      `the first one behind Go’s check for stack space, which may run twice; ${held}`,
    );
  }
  return place(first, first, `no cheaper one with the arguments in place: ${walk.end}`);
}

function place(first: X86Instruction, chosen: X86Instruction, why: string): ChosenPlace {
  const cost = chosen.isCheap ? 'emulated' : 'stepped';
  const where = chosen === first ? 'first instruction' : distance(first.address, chosen.address);
  const how = chosen.isCheap ? 'the kernel emulates it' : 'the kernel has to step over it';
  const instruction = textOfX86(chosen);
  return { address: chosen.address, instruction, cost, why: `${where}, ${how}: ${why}` };
}

function heldText({ registers, stack }: EntryNeeds): string {
  const held = [...registers, ...(stack ? ['the stack pointer'] : [])];
  if (held.length === 0) return 'it runs once at each call';
  return `${held.join(', ')} still ${held.length === 1 ? 'is' : 'are'} as the caller left ${held.length === 1 ? 'it' : 'them'}`;
}

function passedText(passed: readonly X86Instruction[]): string {
  if (passed.length === 0) return '';
  const names = passed.slice(0, 4).map(textOfX86);
  if (passed.length > names.length) names.push(`${passed.length - names.length} more`);
  return `; passed over: ${names.join(', ')}`;
}

function jumpsOf(code: readonly X86Instruction[]): Jumps {
  const [start, last] = [code[0]!.address, code[code.length - 1]!];
  const end = last.address + last.bytes.length;
  const targets = new Set<number>();
  let hasUnknown = false;
  for (const { flow, target } of code) {
    if (target !== undefined) targets.add(target);
    if (flow === 'indirect') hasUnknown = true;
    const isJump = flow === 'jump' || flow === 'conditional';
    if (isJump && (target === undefined || target < start || target >= end)) hasUnknown = true;
  }
  return { targets, hasUnknown };
}

/**
 * Whether nothing leads back to an instruction. Direct jumps are known; what an indirect one, or code outside (the cold
 * part of the function), leads back to is not: then only what cannot be part of a loop is sure.
 */
function isSure(instruction: X86Instruction, index: number, jumps: Jumps): boolean {
  return index === 0 || !jumps.hasUnknown || savesCallersRegister(instruction.bytes);
}

function walkOn(code: readonly X86Instruction[], needs: EntryNeeds, jumps: Jumps): Walk {
  const instructions: X86Instruction[] = [];
  let [twice, checks] = [0, 0];
  for (const each of code.slice(0, maxInstructions)) {
    if (instructions.length > 0 && jumps.targets.has(each.address)) {
      return { instructions, twice, end: `a jump leads to ${textOfX86(each)}` };
    }
    instructions.push(each);
    const mayBeCheck = each.flow === 'conditional' && needs.goStackCheck && checks++ < maxGoChecks;
    if (mayBeCheck && isGoStackCheck(code, each)) {
      twice = instructions.length;
      continue;
    }
    const end = endBehind(each, needs);
    if (end !== undefined) return { instructions, twice, end };
  }
  return { instructions, twice, end: 'nothing cheap comes' };
}

/** Why the instructions behind this one are not looked at; undefined when they are. */
function endBehind(each: X86Instruction, needs: EntryNeeds): string | undefined {
  if (each.flow !== 'next') return `${textOfX86(each)} leads elsewhere`;
  const written = registersWrittenByX86(each);
  const lost = needs.registers.find((name) => written.has(name));
  if (lost !== undefined) return `${textOfX86(each)} writes ${lost}`;
  return needs.stack && written.has('rsp') ? `${textOfX86(each)} moves the stack` : undefined;
}

/**
 * Whether a conditional jump is Go's check for stack space: where it leads, something is called (`runtime.morestack`), and
 * then the function begins anew. Around the call arguments are saved and loaded again.
 */
function isGoStackCheck(code: readonly X86Instruction[], jump: X86Instruction): boolean {
  const from = code.findIndex(({ address }) => address === jump.target);
  if (from < 0) return false;
  let hasCalled = false;
  for (const { flow, target } of code.slice(from, from + goCheckInstructions)) {
    if (flow === 'call') hasCalled = true;
    else if (flow === 'jump') return hasCalled && target === code[0]!.address;
    else if (flow !== 'next') return false;
  }
  return false;
}
