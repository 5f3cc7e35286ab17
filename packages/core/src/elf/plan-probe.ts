// SPDX-License-Identifier: Apache-2.0
import type { ElfImage, FunctionProbe } from '../plugin/uprobe.js';
import { hexadecimal } from './address-map.js';
import {
  arm64ReturnSites,
  chooseArm64Entry,
  firstArm64Instruction,
  isArm64Code,
} from './arm64-code.js';
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

/** What one instruction set can tell about a function. */
interface FunctionCode {
  entry(): ChosenPlace;
  returns(): ReturnSites;
  /** The first instruction, where a return probe of the kernel is placed. */
  readonly first: Pick<ChosenPlace, 'instruction' | 'cost'>;
  /** Whether the kernel allows a probe there. */
  readonly isFirstAccepted: boolean;
}

const argumentRegisters = ['rdi', 'rsi', 'rdx', 'rcx', 'r8', 'r9'];

/**
 * Chooses where to place a program that a source wants in a function, from its code: nothing is attached. One place for an
 * entry. For a return one return probe of the kernel, where that is safe and allowed; otherwise one place for each return
 * instruction, of functions that leave in no other way.
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
  if (probe.returns !== 'sites' && conditions.safeReturnProbes) {
    requireAccepted(probe, decoded);
    const why = 'return probe of the kernel at the first instruction: it harms no program here';
    return [{ fileOffset: toOffset(code.address), kind: 'return', ...decoded.first, why }];
  }
  const { sites, others } = decoded.returns();
  if (others === undefined && sites.length > 0) {
    return sites.map(({ address, ...rest }) => ({
      fileOffset: toOffset(address),
      kind: 'site',
      ...rest,
    }));
  }
  const why = others ?? 'it has no return instruction';
  if (probe.returns === 'sites') {
    throw cannotProbe(probe, `its returns cannot all be probed: ${why}`);
  }
  throw cannotProbe(
    probe,
    `its returns cannot all be probed: ${why}; a return probe of the kernel might harm programs here`,
  );
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
    first: { instruction: textOfX86(first), cost: first.isCheap ? 'emulated' : 'stepped' },
    isFirstAccepted: first.isAccepted,
  };
}

function arm64Code(probe: FunctionProbe, code: CodeOfFunction): FunctionCode {
  if (!isArm64Code(code)) throw cannotProbe(probe, 'its bytes are not whole instructions');
  return {
    entry: () => chooseArm64Entry(code),
    returns: () => arm64ReturnSites(code, probe.goStackCheck !== true),
    first: firstArm64Instruction(code),
    isFirstAccepted: true,
  };
}
