// SPDX-License-Identifier: Apache-2.0
import type { Machine } from '@libtrace/core/plugin';

/** What tells where functions of Go's compiler begin. */
export interface GoCode {
  /** Functions begin at multiples of it. */
  readonly alignment: number;
  /** Bytes of an instruction, or the smallest part of one. */
  readonly unit: number;
  /** Whether a function may begin between two units: behind the end of another one, or what fills the space there. */
  readonly isBorder: (before: Buffer, first: Buffer) => boolean;
  /** First bytes of a function that checks for stack space, as all but the smallest do. */
  readonly beginnings: readonly Buffer[];
}

const bytes = (hex: string) => Buffer.from(hex.replaceAll(' ', ''), 'hex');

/** `int3` fills the space between functions, and there always is some. */
const amd64: GoCode = {
  alignment: 16,
  unit: 1,
  isBorder: (before, first) => before[0] === 0xcc && first[0] !== 0xcc,
  beginnings: [
    bytes('49 3b 66 10'), // cmp rsp, [r14+16]
    bytes('4c 8d 64 24'), // lea r12, [rsp-n]; cmp r12, [r14+16]
    bytes('4c 8d a4 24'), // the same, n larger
    bytes('49 89 e4'), // mov r12, rsp; sub r12, n
    // Before Go 1.17: g comes from the thread's own memory.
    bytes('64 48 8b 0c 25 f8 ff ff ff'), // mov rcx, fs:[-8]
    bytes('48 c7 c1 f8 ff ff ff'), // mov rcx, -8; mov rcx, fs:[rcx]
    bytes('48 8b 0d'), // mov rcx, [rip+n]; mov rcx, fs:[rcx]
  ],
};

/** Zeros fill the space between functions; those without any end in `ret` or in a jump to where more stack is made. */
const arm64: GoCode = {
  alignment: 16,
  unit: 4,
  isBorder: (before, first) => {
    const word = before.readUInt32LE(0);
    const isEnd = word === 0 || word === 0xd65f03c0 || word >>> 26 === 5;
    return isEnd && first.readUInt32LE(0) !== 0;
  },
  beginnings: [
    bytes('90 0b 40 f9'), // ldr x16, [x28, #16]
    bytes('81 0b 40 f9'), // ldr x1, [x28, #16], before Go 1.17
  ],
};

/** By instruction set. */
export const goCode: Readonly<Record<Machine, GoCode>> = { x86_64: amd64, aarch64: arm64 };
