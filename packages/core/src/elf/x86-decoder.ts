// SPDX-License-Identifier: Apache-2.0
import type * as Iced from 'iced-x86';
import { iced, withX86 } from './iced.js';
import { isAcceptedByKernel, isEmulatedByKernel } from './x86-uprobes.js';

/** Where control goes after an instruction. `stop`: nowhere (`ud2`, `int3`). */
export type X86Flow = 'next' | 'jump' | 'conditional' | 'indirect' | 'call' | 'return' | 'stop';

/** An instruction of a function. */
export interface X86Instruction {
  /** Virtual address. */
  readonly address: number;
  /** Its bytes. */
  readonly bytes: Buffer;
  /** Where control goes. */
  readonly flow: X86Flow;
  /** Address that a direct jump, conditional jump or call goes to. */
  readonly target: number | undefined;
  /** The kernel emulates it when it is probed. */
  readonly isCheap: boolean;
  /** The kernel allows a probe there. */
  readonly isAccepted: boolean;
}

/** All instructions of a piece of code, one after the other; undefined when its bytes are not that. */
export function decodeX86(bytes: Buffer, address: number): X86Instruction[] | undefined {
  const { Decoder, DecoderOptions, Instruction } = iced();
  const decoder = new Decoder(64, bytes, DecoderOptions.None);
  const instruction = new Instruction();
  try {
    decoder.ip = BigInt(address);
    const found: X86Instruction[] = [];
    for (let at = 0; at < bytes.length; at += instruction.length) {
      decoder.decodeOut(instruction);
      if (instruction.isInvalid) return undefined;
      const own = bytes.subarray(at, at + instruction.length);
      found.push({
        address: address + at,
        bytes: own,
        ...flowOf(instruction),
        isCheap: isEmulatedByKernel(own),
        isAccepted: isAcceptedByKernel(own),
      });
    }
    return found;
  } finally {
    instruction.free();
    decoder.free();
  }
}

function flowOf(instruction: Iced.Instruction): Pick<X86Instruction, 'flow' | 'target'> {
  const { FlowControl } = iced();
  const target = () => {
    const value = instruction.nearBranchTarget;
    return value === 0n ? undefined : Number(value);
  };
  switch (instruction.flowControl) {
    case FlowControl.Next:
      return { flow: 'next', target: undefined };
    case FlowControl.UnconditionalBranch:
      return { flow: 'jump', target: target() };
    case FlowControl.ConditionalBranch:
    case FlowControl.XbeginXabortXend:
      return { flow: 'conditional', target: target() };
    case FlowControl.IndirectBranch:
      return { flow: 'indirect', target: undefined };
    case FlowControl.Call:
      return { flow: 'call', target: target() };
    case FlowControl.IndirectCall:
      return { flow: 'call', target: undefined };
    case FlowControl.Return:
      return { flow: 'return', target: undefined };
    default:
      return { flow: 'stop', target: undefined };
  }
}

/** An instruction as people write it (Intel's way): `push rbp`. */
export function textOfX86(at: Pick<X86Instruction, 'bytes' | 'address'>): string {
  const { Formatter, FormatterSyntax } = iced();
  return withX86(at, (instruction) => {
    const formatter = new Formatter(FormatterSyntax.Nasm);
    formatter.hexPrefix = '0x';
    formatter.hexSuffix = '';
    formatter.uppercaseHex = false;
    formatter.branchLeadingZeros = false;
    formatter.showBranchSize = false;
    formatter.spaceAfterOperandSeparator = true;
    const text = formatter.format(instruction);
    formatter.free();
    return text;
  });
}

/** Full names of the registers that an instruction may write, also without naming them: `rsp` of a push. */
export function registersWrittenByX86(
  at: Pick<X86Instruction, 'bytes' | 'address'>,
): ReadonlySet<string> {
  const { InstructionInfoFactory, OpAccess, Register, RegisterExt } = iced();
  const reads: readonly number[] = [
    OpAccess.None,
    OpAccess.Read,
    OpAccess.CondRead,
    OpAccess.NoMemAccess,
  ];
  return withX86(at, (instruction) => {
    const factory = new InstructionInfoFactory();
    const info = factory.info(instruction);
    const written = new Set<string>();
    for (const used of info.usedRegisters() as Iced.UsedRegister[]) {
      if (!reads.includes(used.access)) {
        written.add(Register[RegisterExt.fullRegister(used.register)].toLowerCase());
      }
      used.free();
    }
    info.free();
    factory.free();
    return written;
  });
}

/** Whether it is the full name of a general register: `rdi`, `r14`. */
export function isX86Register(name: string): boolean {
  return /^(r[abcd]x|r[sd]i|r[sb]p|r(8|9|1[0-5]))$/.test(name);
}
