// SPDX-License-Identifier: Apache-2.0
import type { OpKind, Register } from 'iced-x86';
import { iced, withX86 } from './iced.js';

/** The operands of an instruction, as far as `switch` statements need them. Registers by their full names. */
export interface X86Operands {
  /** `lea`, `movsxd`, `cmp`. */
  readonly mnemonic: string;
  /** First operand, when it is a register. */
  readonly register: string | undefined;
  /** Operand in memory, if there is one. */
  readonly memory:
    | {
        readonly base: string | undefined;
        readonly index: string | undefined;
        readonly scale: number;
        /** Constant part; the address itself for an operand relative to the instruction. */
        readonly displacement: number;
        readonly isRelative: boolean;
      }
    | undefined;
  /** Second operand, when it is a constant. */
  readonly constant: number | undefined;
}

/** What an instruction works on. */
export function operandsOfX86(at: {
  readonly bytes: Buffer;
  readonly address: number;
}): X86Operands {
  const { Mnemonic, OpKind: kindsOf, Register: registers, RegisterExt } = iced();
  const nameOf = (register: Register) =>
    register === registers.None
      ? undefined
      : registers[RegisterExt.fullRegister(register)].toLowerCase();
  return withX86(at, (instruction) => {
    const count = instruction.opCount;
    const kinds = Array.from({ length: count }, (_, index) => instruction.opKind(index));
    const constants: readonly OpKind[] = [
      kindsOf.Immediate8,
      kindsOf.Immediate16,
      kindsOf.Immediate32,
      kindsOf.Immediate64,
      kindsOf.Immediate8to16,
      kindsOf.Immediate8to32,
      kindsOf.Immediate8to64,
      kindsOf.Immediate32to64,
    ];
    const hasConstant = count === 2 && constants.includes(kinds[1]!);
    return {
      mnemonic: Mnemonic[instruction.mnemonic].toLowerCase(),
      register: kinds[0] === kindsOf.Register ? nameOf(instruction.opRegister(0)) : undefined,
      memory: kinds.includes(kindsOf.Memory)
        ? {
            base: nameOf(instruction.memoryBase),
            index: nameOf(instruction.memoryIndex),
            scale: instruction.memoryIndexScale,
            displacement: Number(BigInt.asIntN(64, instruction.memoryDisplacement)),
            isRelative: instruction.isIpRelMemoryOperand,
          }
        : undefined,
      constant: hasConstant ? Number(BigInt.asIntN(64, instruction.immediate(1))) : undefined,
    };
  });
}
