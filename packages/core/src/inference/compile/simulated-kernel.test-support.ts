// SPDX-License-Identifier: Apache-2.0
// Runs compiled programs in user space: the instructions that the compiler uses, as the standard describes them.
import type { Assembled } from './assembler.js';

const STACK_BYTES = 512;
/** Values of registers that are no numbers. */
const CONTEXT = { what: 'context' };
const STACK = { what: 'stack' };

type Value = bigint | object;

/**
 * Runs a chain of programs over a window, which they change; `slots` says which program a slot has.
 * @returns instructions that were executed
 */
export function simulate(
  chain: readonly Assembled[],
  slots: ReadonlyMap<number, Assembled>,
  window: Buffer,
): number {
  let executed = 0;
  let program: Assembled | undefined = chain[0];
  for (let hops = 0; program !== undefined; hops++) {
    if (hops > 33) throw new Error('too many tail calls');
    const next: { slot: number | undefined; executed: number } = run(program, window, slots);
    executed += next.executed;
    program = next.slot === undefined ? undefined : slots.get(next.slot);
  }
  return executed;
}

function run(
  { instructions, maps }: Assembled,
  window: Buffer,
  slots: ReadonlyMap<number, Assembled>,
): { slot: number | undefined; executed: number } {
  const code = Buffer.from(instructions.buffer, instructions.byteOffset, instructions.byteLength);
  const registers: (Value | undefined)[] = Array.from({ length: 11 });
  registers[1] = CONTEXT;
  registers[10] = STACK;
  let executed = 0;
  const number = (register: number): bigint => {
    const value = registers[register];
    if (typeof value !== 'bigint') throw new Error(`r${register} is no number`);
    return value;
  };
  for (let pc = 0; ; pc++) {
    executed++;
    const at = pc * 8;
    const opcode = code[at]!;
    const dst = code[at + 1]! & 15;
    const src = code[at + 1]! >> 4;
    const offset = code.readInt16LE(at + 2);
    const immediate = BigInt(code.readInt32LE(at + 4));
    const operand = (): bigint =>
      (opcode & 8) !== 0 ? number(src) : BigInt.asUintN(64, immediate);
    switch (opcode & 7) {
      case 0: {
        const map = maps.find(({ index }) => index === pc)?.map;
        const high = BigInt(code.readInt32LE(at + 12)) << 32n;
        registers[dst] =
          map === undefined
            ? BigInt.asUintN(64, high | BigInt.asUintN(32, immediate))
            : { what: map };
        pc++;
        break;
      }
      case 1:
      case 2: {
        const width = { 0x10: 1, 0x08: 2, 0x00: 4 }[opcode & 0x18];
        const base = registers[(opcode & 7) === 1 ? src : dst];
        if (width === undefined) throw new Error('width');
        if (base === STACK && (offset >= 0 || offset < -STACK_BYTES)) throw new Error('stack');
        if (base === STACK) break;
        if (base !== window || offset < 0 || offset + width > window.length) {
          throw new Error(`access outside the window: ${offset}, ${width} bytes`);
        }
        if ((opcode & 7) === 1) registers[dst] = BigInt(window.readUIntLE(offset, width));
        else window.writeUIntLE(Number(immediate), offset, width);
        break;
      }
      case 4: {
        const value = Number(BigInt.asUintN(32, number(dst)));
        if ((opcode & 0xf0) === 0xd0) {
          const bytes = Buffer.alloc(4);
          bytes.writeUInt32LE(value);
          const width = Number(immediate) / 8;
          registers[dst] = BigInt(bytes.readUIntBE(0, width));
        } else if ((opcode & 0xf0) === 0x50) {
          registers[dst] = BigInt((value & Number(immediate)) >>> 0);
        } else {
          registers[dst] = BigInt((value | Number(immediate)) >>> 0);
        }
        break;
      }
      case 7:
        if ((opcode & 0xf0) === 0xb0) {
          registers[dst] = (opcode & 8) !== 0 ? registers[src]! : operand();
        } else if (registers[dst] !== STACK) {
          registers[dst] = BigInt.asUintN(64, number(dst) + operand());
        }
        break;
      default: {
        const operation = opcode & 0xf0;
        if (operation === 0x90) return { slot: undefined, executed };
        if (operation === 0x80) {
          const [first, second, third] = [registers[1], registers[2], registers[3]];
          for (const lost of [1, 2, 3, 4, 5]) registers[lost] = undefined;
          registers[0] = immediate === 1n ? window : 0n;
          if (immediate === 1n && second !== STACK) throw new Error('key');
          if (immediate === 12n && first !== CONTEXT) throw new Error('context');
          if (immediate === 12n && slots.has(Number(third)))
            return { slot: Number(third), executed };
          break;
        }
        if (operation === 0) {
          pc += offset;
          break;
        }
        if (registers[dst] === window) break; // the look-up never fails here
        const bits = (opcode & 7) === 6 ? 32 : 64;
        const left = BigInt.asUintN(bits, number(dst));
        const right = BigInt.asUintN(bits, operand());
        if (jumps(operation, left, right, bits)) pc += offset;
      }
    }
  }
}

function jumps(operation: number, left: bigint, right: bigint, bits: number): boolean {
  const [a, b] = [BigInt.asIntN(bits, left), BigInt.asIntN(bits, right)];
  switch (operation) {
    case 0x10:
      return left === right;
    case 0x20:
      return left > right;
    case 0x40:
      return (left & right) !== 0n;
    case 0x50:
      return left !== right;
    case 0x60:
      return a > b;
    case 0x70:
      return a >= b;
    case 0xa0:
      return left < right;
    case 0xc0:
      return a < b;
    case 0xd0:
      return a <= b;
    default:
      throw new Error(`jump ${operation}`);
  }
}
