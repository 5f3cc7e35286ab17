// SPDX-License-Identifier: Apache-2.0
import type { ElfImage, FunctionProbe } from '../plugin/uprobe.js';
import { hexadecimal } from './address-map.js';
import { arm64ReturnSites, chooseArm64Entry, isArm64Code } from './arm64-code.js';
import { limits } from './limits.js';
import {
  cannotProbe,
  type ChosenPlace,
  type CodeOfFunction,
  type PlanConditions,
  type PlannedProbe,
  type ReturnSites,
} from './planned-probe.js';
import { decodeX86, isX86Register, textOfX86, type X86Instruction } from './x86-decoder.js';
import { chooseX86Entry } from './x86-entry.js';
import { x86ReturnSites } from './x86-returns.js';
import { switchesOf } from './x86-switch.js';
import { cheapTails } from './x86-tail.js';

/** What one instruction set can tell about a function. */
interface FunctionCode {
  entry(): ChosenPlace;
  returns(): ReturnSites;
  /** Emulated places, one in front of each return instruction; undefined when there are none. */
  tails(): readonly ChosenPlace[] | undefined;
  /** The first instruction, where a return probe of the kernel is placed. */
  readonly first: Pick<ChosenPlace, 'address' | 'instruction' | 'cost'>;
  /** Whether the kernel allows a probe there. */
  readonly isFirstAccepted: boolean;
}

const argumentRegisters = ['rdi', 'rsi', 'rdx', 'rcx', 'r8', 'r9'];

/**
 * Chooses where to place a program that a source wants in a function, from its code: nothing is attached. One place for an
 * entry. For a return one place at or in front of each return instruction, of functions that leave in no other way: in front
 * of it the result is in its register, and the stack pointer may still be that of the function; with `returns: 'sites'` it
 * is at the return instruction itself. Where that is not possible, one return probe of the kernel, if it is allowed and safe.
 * @throws LibtraceError `ERR_UPROBE_ATTACH` when it cannot be probed safely: the message says why
 */
export function planProbe(
  image: ElfImage,
  probe: FunctionProbe,
  conditions: PlanConditions,
): readonly PlannedProbe[] {
  const code = readCode(image, probe);
  const toOffset = (address: number) => image.fileOffset(address)!;
  const decoded =
    image.machine === 'x86_64'
      ? x86Code(image, probe, code, conditions.choice ?? 'cheapest')
      : arm64Code(probe, code);
  if (probe.when === 'entry') {
    const { address, ...rest } = decoded.entry();
    if (address === code.address) requireAccepted(probe, decoded);
    return [{ fileOffset: toOffset(address), kind: 'entry', ...rest }];
  }
  return planReturn(probe, decoded, conditions).map(({ address, kind, ...rest }) => ({
    fileOffset: toOffset(address),
    kind,
    ...rest,
  }));
}

type ReturnPlace = ChosenPlace & Pick<PlannedProbe, 'kind'>;

/**
 * Where a function's return is seen: at places that the kernel emulates, in front of its return instructions, or at these.
 * A return probe of the kernel is the last resort, for what cannot be done without: the kernel keeps a thread's return
 * probes in the order of its stack, and kills a program that leaves functions in another order, as one does that switches
 * between coroutines within a call (kernel/events/uprobes.c, uprobe_handle_trampoline).
 */
function planReturn(
  probe: FunctionProbe,
  code: FunctionCode,
  { safeReturnProbes, choice }: PlanConditions,
): readonly ReturnPlace[] {
  const { sites, others } = code.returns();
  const isCovered = others === undefined && sites.length > 0;
  const isFree = probe.returns !== 'sites';
  if (isCovered && !(choice === 'naive' && isFree && safeReturnProbes)) {
    return asSites((isFree ? code.tails() : undefined) ?? sites);
  }
  const why = `its returns cannot all be probed: ${others ?? 'it has no return instruction'}`;
  if (!isFree) throw cannotProbe(probe, why);
  if (!safeReturnProbes) {
    throw cannotProbe(probe, `${why}; a return probe of the kernel may kill programs here`);
  }
  if (probe.optional === true && choice !== 'naive') {
    throw cannotProbe(
      probe,
      `${why}; a return probe of the kernel is not worth its risk for a function that can be done without`,
    );
  }
  requireAccepted(probe, code);
  return [
    {
      ...code.first,
      kind: 'return',
      why: `return probe of the kernel: ${why}. A program that switches between coroutines within this call would be killed`,
    },
  ];
}

function asSites(places: readonly ChosenPlace[]): ReturnPlace[] {
  return places.map((place) => ({ ...place, kind: 'site' }));
}

function requireAccepted(probe: FunctionProbe, { first, isFirstAccepted }: FunctionCode): void {
  if (!isFirstAccepted) {
    throw cannotProbe(
      probe,
      `the kernel refuses a probe at its first instruction, ${first.instruction}`,
    );
  }
}

/** The bytes of a function. @throws LibtraceError `ERR_UPROBE_ATTACH` when they are not code that can be probed */
function readCode(image: ElfImage, probe: FunctionProbe): CodeOfFunction {
  const { name, address, size } = probe.function;
  if (!Number.isSafeInteger(address) || !Number.isSafeInteger(size) || size <= 0) {
    throw cannotProbe(probe, 'its size is not known');
  }
  if (size > limits.functionBytes) {
    throw cannotProbe(probe, `it has ${size} bytes; at most ${limits.functionBytes} are looked at`);
  }
  const segment = image.segments.find(
    (each) => address >= each.address && address + size <= each.address + each.size,
  );
  if (segment === undefined) {
    throw cannotProbe(probe, `its code at ${hexadecimal(address)} is not in the file`);
  }
  if (!segment.isExecutable)
    throw cannotProbe(probe, 'it is not in a part of the file that holds code');
  // The kernel probes no mapping that may be written.
  if (segment.isWritable) throw cannotProbe(probe, 'its code may be overwritten by the program');
  const bytes = image.read(address, size);
  if (bytes.length < size) throw cannotProbe(probe, 'the file ends inside it');
  return { name, address, bytes };
}

function x86Code(
  image: ElfImage,
  probe: FunctionProbe,
  code: CodeOfFunction,
  choice: 'cheapest' | 'naive',
): FunctionCode {
  const instructions = decodeX86(code.bytes, code.address);
  if (instructions === undefined) throw cannotProbe(probe, 'its bytes are not only instructions');
  const registers = probe.registers ?? argumentRegisters;
  const unknown = registers.find((name) => !isX86Register(name));
  if (unknown !== undefined) throw cannotProbe(probe, `there is no register ${unknown}`);
  const { stack = false, goStackCheck = false } = probe;
  const first: X86Instruction = instructions[0]!;
  return {
    entry: () => chooseX86Entry(instructions, { registers, stack, goStackCheck }, choice),
    returns: () => x86ReturnSites(instructions, switchesOf(image, instructions, goStackCheck)),
    tails: () => cheapTails(instructions),
    first: {
      address: first.address,
      instruction: textOfX86(first),
      cost: first.isCheap ? 'emulated' : 'stepped',
    },
    isFirstAccepted: first.isAccepted,
  };
}

function arm64Code(probe: FunctionProbe, code: CodeOfFunction): FunctionCode {
  if (!isArm64Code(code)) throw cannotProbe(probe, 'its bytes are not whole instructions');
  const returns = () => arm64ReturnSites(code, probe.goStackCheck !== true);
  return {
    entry: () => chooseArm64Entry(code),
    returns,
    // The kernel emulates `ret`.
    tails: () => returns().sites,
    first: chooseArm64Entry(code),
    isFirstAccepted: true,
  };
}
