// SPDX-License-Identifier: Apache-2.0
import {
  distance,
  maxReturnSites,
  type ChosenPlace,
  type CodeOfFunction,
  type ReturnSites,
} from './planned-probe.js';

/** An instruction of arm64: 4 bytes (Arm Architecture Reference Manual, «A64 instruction set encoding»). */
interface Word {
  readonly address: number;
  readonly value: number;
}

const is = (mask: number, bits: number) => (word: number) => (word & mask) >>> 0 === bits;
const isReturn = is(0xfffffc1f, 0xd65f0000);
/** `retaa`, `retab`: the kernel refuses probes there. */
const isSignedReturn = is(0xfffffbff, 0xd65f0bff);
const isBranch = is(0xfc000000, 0x14000000);
const isCall = is(0xfc000000, 0x94000000);
const isConditional = is(0xff000010, 0x54000000);
const isCompareBranch = is(0x7e000000, 0x34000000);
const isTestBranch = is(0x7e000000, 0x36000000);
/** `br`, `braa` and its like; `blr` and its like differ in a bit. */
const isIndirectBranch = is(0xfefff000, 0xd61f0000);
const isIndirectCall = is(0xfefff000, 0xd63f0000);
const isAddress = is(0x1f000000, 0x10000000);
const isLiteralLoad = is(0xbf000000, 0x18000000);
const isBreak = is(0xffe0001f, 0xd4200000);
const isNop = is(0xffffffff, 0xd503201f);
const isUndefined = is(0xffff0000, 0);

/** What the kernel emulates (arch/arm64/kernel/probes/decode-insn.c): what depends on where it runs. */
const emulated = [
  isReturn,
  isBranch,
  isCall,
  isConditional,
  isCompareBranch,
  isTestBranch,
  isIndirectBranch,
  isIndirectCall,
  isAddress,
  isLiteralLoad,
];

/** Where to run a program that wants the arguments of a function: at its first instruction. */
export function chooseArm64Entry(code: CodeOfFunction): ChosenPlace {
  const word = { address: code.address, value: code.bytes.readUInt32LE(0) };
  const cost = costOf(word.value);
  const how = cost === 'emulated' ? 'the kernel emulates it' : 'the kernel has to step over it';
  const why = `first instruction, ${how}; cheaper ones are not looked for on arm64`;
  return { address: word.address, instruction: textOf(word), cost, why };
}

/**
 * The return instructions of a function, and whether it may leave in another way. Constants between instructions are read
 * as such: one that looks like a way out makes it one, to be on the safe side.
 */
export function arm64ReturnSites(code: CodeOfFunction, hasTailCalls: boolean): ReturnSites {
  const words = Array.from({ length: code.bytes.length / 4 }, (_, index) => ({
    address: code.address + index * 4,
    value: code.bytes.readUInt32LE(index * 4),
  }));
  const returns = words.filter(({ value }) => isReturn(value));
  const sites = returns.slice(0, maxReturnSites).map((word) => ({
    address: word.address,
    instruction: textOf(word),
    cost: costOf(word.value),
    why: `return instruction at ${distance(code.address, word.address)}, the kernel emulates it`,
  }));
  if (returns.length > maxReturnSites) {
    return { sites, others: `it has ${returns.length} return instructions` };
  }
  const end = code.address + code.bytes.length;
  const leaving = words.find((word) => {
    if (isSignedReturn(word.value)) return true;
    if (isIndirectBranch(word.value)) return hasTailCalls;
    const target = targetOf(word);
    return target !== undefined && (target < code.address || target >= end);
  });
  if (leaving !== undefined) {
    const at = distance(code.address, leaving.address);
    return { sites, others: `it may leave by ${textOf(leaving)} at ${at}` };
  }
  return { sites, others: runsOn(words) ? 'it may run on into what follows it' : undefined };
}

/** Whether the bytes of a function are whole instructions where instructions may be. */
export function isArm64Code({ address, bytes }: CodeOfFunction): boolean {
  return address % 4 === 0 && bytes.length % 4 === 0 && bytes.length > 0;
}

function costOf(value: number): ChosenPlace['cost'] {
  return emulated.some((matches) => matches(value)) ? 'emulated' : 'stepped';
}

/** Where a direct jump goes. */
function targetOf({ address, value }: Word): number | undefined {
  if (isBranch(value)) return address + ((value << 6) >> 6) * 4;
  if (isConditional(value) || isCompareBranch(value)) return address + ((value << 8) >> 13) * 4;
  if (isTestBranch(value)) return address + ((value << 13) >> 18) * 4;
  return undefined;
}

function runsOn(words: readonly Word[]): boolean {
  const last = words.findLast(({ value }) => !isNop(value) && !isUndefined(value))?.value ?? 0;
  const ends = [isReturn, isBranch, isCall, isIndirectBranch, isIndirectCall, isBreak];
  return !ends.some((matches) => matches(last));
}

function textOf(word: Word): string {
  if (isReturn(word.value)) {
    const register = (word.value >>> 5) & 31;
    return register === 30 ? 'ret' : `ret x${register}`;
  }
  if (isSignedReturn(word.value)) return (word.value & 0x400) === 0 ? 'retaa' : 'retab';
  const target = targetOf(word);
  if (isBranch(word.value) && target !== undefined) return `b 0x${target.toString(16)}`;
  if (isIndirectBranch(word.value)) return `br x${(word.value >>> 5) & 31}`;
  return `.inst 0x${word.value.toString(16).padStart(8, '0')}`;
}
