// SPDX-License-Identifier: Apache-2.0
import type { ElfImage } from '../plugin/uprobe.js';
import { u64 } from './file-bytes.js';
import type { X86Instruction } from './x86-decoder.js';
import { operandsOfX86, type X86Operands } from './x86-operands.js';

/** Where the places that a `switch` jumps to are listed. */
interface JumpTable {
  readonly address: number;
  /** Entries are addresses (8 bytes), or distances from the table (4 bytes). */
  readonly entrySize: 4 | 8;
}

const lookBack = 16;
const maxEntries = 4096;

/**
 * Tells whether an indirect jump of a function goes only to places of the function itself. So it is when the jump takes its
 * target from a table, as compilers write `switch`, when a comparison before it bounds the table, and when every entry of
 * the table leads to an instruction of the function. Go's compiler writes a jump by a table for nothing else, and its tables
 * may be filled when the program is loaded: there the form is enough.
 * @returns whether the jump of that index is one
 */
export function switchesOf(
  image: ElfImage,
  code: readonly X86Instruction[],
  isGo: boolean,
): (index: number) => boolean {
  const places = new Set(code.map(({ address }) => address));
  return (index) => {
    const jump = operandsOfX86(code[index]!);
    if (isGo) return jump.memory?.index !== undefined && jump.memory.scale === 8;
    const before = code.slice(Math.max(0, index - lookBack), index);
    const operands = before.map(operandsOfX86);
    const table = tableOf(image, jump, operands);
    const count = boundOf(before, operands);
    if (table === undefined || count === undefined) return false;
    const targets = targetsIn(image, table, count);
    return targets.length === count && targets.every((target) => places.has(target));
  };
}

/** Where the entries of a table lead; fewer than there are when it is not all in the file. */
function targetsIn(image: ElfImage, { address, entrySize }: JumpTable, count: number): number[] {
  const bytes = image.read(address, count * entrySize);
  return Array.from({ length: Math.floor(bytes.length / entrySize) }, (_, index) => {
    const at = index * entrySize;
    return entrySize === 8 ? u64(bytes, at) : address + bytes.readInt32LE(at);
  });
}

/** The table that a jump takes its target from. */
function tableOf(
  image: ElfImage,
  jump: X86Operands,
  before: readonly X86Operands[],
): JumpTable | undefined {
  if (jump.memory !== undefined) {
    const { base, index, scale, displacement } = jump.memory;
    // Addresses in a position-independent file are filled in when it is loaded.
    if (index === undefined || scale !== 8 || image.isRelocatable) return undefined;
    if (base === undefined) return { address: displacement, entrySize: 8 };
    const start = loadedAddress(before, base);
    return start === undefined ? undefined : { address: start + displacement, entrySize: 8 };
  }
  const load = before.findLast(
    ({ mnemonic, memory }) => mnemonic === 'movsxd' && memory?.scale === 4,
  );
  const hasAdded = before.some(
    ({ mnemonic, register }) => mnemonic === 'add' && register === jump.register,
  );
  if (load?.memory?.base === undefined || load.memory.displacement !== 0 || !hasAdded)
    return undefined;
  const start = loadedAddress(before, load.memory.base);
  return start === undefined ? undefined : { address: start, entrySize: 4 };
}

/** The address that `lea register, [rip + …]` puts into a register. */
function loadedAddress(before: readonly X86Operands[], register: string): number | undefined {
  const lea = before.findLast((each) => each.mnemonic === 'lea' && each.register === register);
  return lea?.memory?.isRelative === true ? lea.memory.displacement : undefined;
}

/** Entries of the table, by the comparison that bounds it: `cmp eax, 7` and `ja` have eight. */
function boundOf(
  before: readonly X86Instruction[],
  operands: readonly X86Operands[],
): number | undefined {
  const jump = operands.findLastIndex(({ mnemonic }) => mnemonic === 'ja');
  if (jump < 1 || before[jump]?.flow !== 'conditional') return undefined;
  const { mnemonic, constant } =
    operands.slice(0, jump).findLast((each) => each.mnemonic === 'cmp') ?? {};
  if (mnemonic === undefined || constant === undefined) return undefined;
  return constant >= 0 && constant < maxEntries ? constant + 1 : undefined;
}
