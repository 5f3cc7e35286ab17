// SPDX-License-Identifier: Apache-2.0

const INSTRUCTION_BYTES = 8;
const MAX_JUMP = 0x7fff;

/** Registers, by what the calling convention of eBPF makes of them. */
export const register = {
  /** Result of a call. */
  r0: 0,
  /** Arguments of a call, lost by it. */
  r1: 1,
  r2: 2,
  r3: 3,
  /** Kept over calls. */
  r6: 6,
  r7: 7,
  /** Frame pointer. */
  r10: 10,
} as const;
export type Register = (typeof register)[keyof typeof register];

/** Helper functions of the kernel: include/uapi/linux/bpf.h, enum bpf_func_id. */
export const helper = { mapLookupElem: 1, tailCall: 12 } as const;

/** Instruction classes, sizes, sources and operations: Documentation/bpf/standardization/instruction-set.rst. */
const LDX_MEM = 0x61;
const ST_MEM = 0x62;
const sizes = { 1: 0x10, 2: 0x08, 4: 0x00 } as const;
const ALU = 0x04;
const JMP = 0x05;
const JMP32 = 0x06;
const ALU64 = 0x07;
const X = 0x08;
const LD_IMM64 = 0x18;
const jumps = {
  always: 0x00,
  eq: 0x10,
  gtUnsigned: 0x20,
  set: 0x40,
  ne: 0x50,
  gt: 0x60,
  ge: 0x70,
  call: 0x80,
  exit: 0x90,
  ltUnsigned: 0xa0,
  lt: 0xc0,
  le: 0xd0,
} as const;

/** Conditions of a jump; signed where it matters, unless they say otherwise. */
export type Condition = Exclude<keyof typeof jumps, 'always' | 'call' | 'exit'>;

/** A place in a program, to jump to. */
export class Label {
  /** For the eye, in errors. */
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/** Maps of the socket tracer that programs use. `windows` has one entry, per CPU or not. */
export type MapName = 'windows' | 'stages';

interface Instruction {
  readonly opcode: number;
  readonly dst: number;
  readonly src: number;
  readonly offset: number;
  readonly immediate: number;
  readonly target?: Label;
  readonly map?: MapName;
}

/** An assembled program. */
export interface Assembled {
  /** 8 bytes each, little-endian. */
  readonly instructions: Uint8Array;
  /** Maps by name, and the index of the 64-bit load that each goes into. */
  readonly maps: readonly { readonly index: number; readonly map: MapName }[];
}

/** Whether a number can be an immediate operand, which is extended with its sign. */
export function isImmediate(value: number): boolean {
  return value >= -0x80000000 && value <= 0x7fffffff;
}

/** Collects instructions, labels between them, and puts the distances into the jumps. Straight line: jumps go forward. */
export class Assembler {
  readonly #items: (Instruction | Label)[] = [];
  #length = 0;

  /** Instructions so far. */
  get length(): number {
    return this.#length;
  }

  /** What another one collected, with its labels. */
  append(other: Assembler): void {
    for (const item of other.#items) this.#items.push(item);
    this.#length += other.#length;
  }

  /** Here is what jumps to the label lead to. */
  place(label: Label): void {
    this.#items.push(label);
  }

  /** `to = *(unsigned *)(from + offset)`, in the byte order of the machine. */
  load(size: keyof typeof sizes, to: Register, from: Register, offset: number): void {
    this.#emit({ opcode: LDX_MEM | sizes[size], dst: to, src: from, offset });
  }

  /** `*(unsigned *)(to + offset) = value` */
  store(size: keyof typeof sizes, to: Register, offset: number, value: number): void {
    this.#emit({ opcode: ST_MEM | sizes[size], dst: to, offset, immediate: value });
  }

  /** `to = from` */
  move(to: Register, from: Register): void {
    this.#emit({ opcode: ALU64 | 0xb0 | X, dst: to, src: from });
  }

  /** `to = value`, for any safe integer. */
  set(to: Register, value: number): void {
    if (isImmediate(value)) {
      this.#emit({ opcode: ALU64 | 0xb0, dst: to, immediate: value });
      return;
    }
    const bits = BigInt.asUintN(64, BigInt(value));
    this.#emit({ opcode: LD_IMM64, dst: to, immediate: Number(BigInt.asIntN(32, bits)) });
    this.#emit({ opcode: 0, immediate: Number(BigInt.asIntN(32, bits >> 32n)) });
  }

  /** `to = the map`, filled in at load. */
  setMap(to: Register, map: MapName): void {
    this.#emit({ opcode: LD_IMM64, dst: to, map });
    this.#emit({ opcode: 0 });
  }

  /** `to += value`, 64 bits. */
  add(to: Register, value: number): void {
    this.#emit({ opcode: ALU64 | 0x00, dst: to, immediate: value });
  }

  /** `to += from`, 64 bits. */
  addRegister(to: Register, from: Register): void {
    this.#emit({ opcode: ALU64 | 0x00 | X, dst: to, src: from });
  }

  /** `to &= bits`, 32 bits, unsigned. */
  and(to: Register, bits: number): void {
    this.#emit({ opcode: ALU | 0x50, dst: to, immediate: bits | 0 });
  }

  /** `to |= bits`, 32 bits, unsigned. */
  or(to: Register, bits: number): void {
    this.#emit({ opcode: ALU | 0x40, dst: to, immediate: bits | 0 });
  }

  /** The value of `to`, which was loaded as if it were little-endian, as a big-endian one. */
  swap(to: Register, bits: 16 | 32): void {
    this.#emit({ opcode: ALU | 0xd0 | X, dst: to, immediate: bits });
  }

  /** Jumps when the condition holds of a register and a value. */
  jumpIf(condition: Condition, left: Register, right: number, target: Label): void {
    this.#emit({ opcode: JMP | jumps[condition], dst: left, immediate: right, target });
  }

  /** Jumps when the condition holds of two registers. */
  jumpIfRegister(condition: Condition, left: Register, right: Register, target: Label): void {
    this.#emit({ opcode: JMP | jumps[condition] | X, dst: left, src: right, target });
  }

  /** Jumps when the lower 32 bits of a register are, or are not, `bits`. */
  jumpIf32(condition: 'eq' | 'ne', left: Register, bits: number, target: Label): void {
    this.#emit({ opcode: JMP32 | jumps[condition], dst: left, immediate: bits | 0, target });
  }

  jump(target: Label): void {
    this.#emit({ opcode: JMP | jumps.always, target });
  }

  call(helperId: number): void {
    this.#emit({ opcode: JMP | jumps.call, immediate: helperId });
  }

  exit(): void {
    this.#emit({ opcode: JMP | jumps.exit });
  }

  /**
   * The program, with jumps resolved, and without what nothing leads to: the verifier refuses that.
   * @throws RangeError for a label that was not placed behind the jump, or is too far away: a defect of the compiler.
   */
  assemble(): Assembled {
    const { items, places } = this.#reachable();
    const instructions = Buffer.alloc(items.length * INSTRUCTION_BYTES);
    const maps: { index: number; map: MapName }[] = [];
    items.forEach((item, index) => {
      const offset = item.target === undefined ? item.offset : distance(item.target, index, places);
      const at = index * INSTRUCTION_BYTES;
      instructions[at] = item.opcode;
      instructions[at + 1] = item.dst | (item.src << 4);
      instructions.writeInt16LE(offset, at + 2);
      instructions.writeInt32LE(item.immediate, at + 4);
      if (item.map !== undefined) maps.push({ index, map: item.map });
    });
    return { instructions, maps };
  }

  /** Jumps go forward, so one pass over the program finds all that is reached, and where labels are. */
  #reachable(): { items: Instruction[]; places: ReadonlyMap<Label, number> } {
    const items: Instruction[] = [];
    const places = new Map<Label, number>();
    const targets = new Set<Label>();
    let isReached = true;
    for (const item of this.#items) {
      if (item instanceof Label) {
        places.set(item, items.length);
        isReached ||= targets.has(item);
        continue;
      }
      if (!isReached) continue;
      items.push(item);
      if (item.target !== undefined) targets.add(item.target);
      isReached = item.opcode !== (JMP | jumps.always) && item.opcode !== (JMP | jumps.exit);
    }
    return { items, places };
  }

  #emit(instruction: Partial<Instruction> & { readonly opcode: number }): void {
    this.#items.push({ dst: 0, src: 0, offset: 0, immediate: 0, ...instruction });
    this.#length++;
  }
}

function distance(target: Label, from: number, places: ReadonlyMap<Label, number>): number {
  const to = places.get(target);
  // Back would be a loop.
  if (to === undefined || to <= from || to - from - 1 > MAX_JUMP) {
    throw new RangeError(`no place to jump to: ${target.name}`);
  }
  return to - from - 1;
}
