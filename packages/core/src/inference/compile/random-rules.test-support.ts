// SPDX-License-Identifier: Apache-2.0
// Random rules, and windows that come close to matching given rules: for the comparison of the two back ends.
import type { Field, Operand, Test, Transport } from '../../plugin/index.js';
import type { Inferable } from '../candidates.js';
import { maxInferenceBytes } from '../validate-plugin.js';

/** Repeatable random numbers. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A number of `0 … 1`: xorshift32 after a step of an LCG. */
  next(): number {
    let x = (Math.imul(this.#state, 1664525) + 1013904223) >>> 0;
    this.#state = x;
    x ^= x >>> 15;
    x = Math.imul(x, 0x2c1b3c6d);
    x ^= x >>> 12;
    return (x >>> 0) / 2 ** 32;
  }

  /** A whole number of `least … most`. */
  int(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(values: readonly T[]): T {
    return values[this.int(0, values.length - 1)]!;
  }
}

/** What one window is made of; `bytes` are all that is there of `length`. */
export interface WindowCase {
  readonly bytes: Buffer;
  /** Left behind them by an earlier window. */
  readonly behind: Buffer;
  readonly length: number;
  readonly side: 'request' | 'response' | undefined;
  readonly transport: Transport;
  readonly localPort: number;
  readonly remotePort: number;
}

/** Few, so that windows and rules meet: both ends of the alphabet, what lies beside it, and the extremes. */
const letters: readonly number[] = Array.from(
  Buffer.from('aAzZ@[`{ \u0000\u0001\u00ff\u007f\u0080', 'latin1'),
);
const numbers = [
  0,
  1,
  2,
  3,
  4,
  16,
  22,
  23,
  127,
  128,
  255,
  256,
  65535,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32 - 1,
];
const pluses = [
  0,
  1,
  -1,
  4,
  -4,
  2 ** 31 - 1,
  -(2 ** 31),
  2 ** 31,
  -(2 ** 31) - 1,
  2 ** 40,
  2 ** 52,
  -(2 ** 52),
];
const ops = ['eq', 'ne', 'lt', 'le', 'gt', 'ge'] as const;
export const transports = ['tcp', 'udp', 'unix', 'tls'] as const;
export const portsInUse = [80, 3306, 9092, 65535] as const;

function randomText(random: Random): string {
  const length = random.int(1, random.pick([2, 5, 9]));
  return Array.from({ length }, () => String.fromCharCode(random.pick(letters))).join('');
}

function randomField(random: Random): Field {
  const width = random.pick([1, 2, 4] as const);
  const at = random.chance(0.85) ? random.int(0, 12) : random.int(0, maxInferenceBytes - width);
  return {
    at,
    width,
    ...(random.chance(0.5) ? { order: random.pick(['be', 'le'] as const) } : {}),
    ...(random.chance(0.3)
      ? { mask: random.pick([0, 1, 0x7f, 0xffff, 0x80000000, 0xffffffff]) }
      : {}),
    ...(random.chance(0.3) ? { plus: random.pick(pluses) } : {}),
  };
}

function randomOperand(random: Random): Operand {
  const kind = random.next();
  if (kind < 0.4) return random.pick(numbers) * (random.chance(0.1) ? -1 : 1);
  if (kind < 0.5) return random.pick(pluses);
  if (kind < 0.65)
    return { length: true, ...(random.chance(0.5) ? { plus: random.pick(pluses) } : {}) };
  return randomField(random);
}

export function randomTest(random: Random, depth = 0): Test {
  const kind = random.next();
  if (depth < 4 && kind < 0.3) {
    const of = Array.from({ length: random.int(1, 3) }, () => randomTest(random, depth + 1));
    return { kind: random.pick(['all', 'any'] as const), of };
  }
  if (depth < 4 && kind < 0.42) return { kind: 'not', of: randomTest(random, depth + 1) };
  if (kind < 0.65) {
    const anyOf = Array.from({ length: random.int(1, 3) }, () => randomText(random));
    const at = random.chance(0.9) ? random.int(0, 6) : random.int(200, maxInferenceBytes - 9);
    return { kind: 'bytes', at, anyOf, ...(random.chance(0.5) ? { ignoreCase: true } : {}) };
  }
  return {
    kind: 'cmp',
    op: random.pick(ops),
    left: randomOperand(random),
    right: randomOperand(random),
  };
}

/** Plugins with random rules, in conflict with each other. */
export function randomPlugins(random: Random): Inferable[] {
  return Array.from({ length: random.int(1, 6) }, (_, i) => ({
    name: `random-${i}`,
    transports: transports.filter(() => random.chance(0.7)),
    inference: {
      rules: Array.from({ length: random.int(1, 6) }, () => ({
        says: random.pick(['request', 'response', 'either'] as const),
        when: randomTest(random),
        ...(random.chance(0.4) ? { strength: random.pick(['certain', 'likely'] as const) } : {}),
      })),
      ...(random.chance(0.5) ? { ports: portsInUse.filter(() => random.chance(0.5)) } : {}),
    },
  }));
}

/** Changes the bytes so that a test comes close to holding, as far as that is easy. */
function bend(test: Test, bytes: Buffer, random: Random): void {
  switch (test.kind) {
    case 'bytes':
      if (test.at < bytes.length) bytes.write(random.pick(test.anyOf), test.at, 'latin1');
      return;
    case 'cmp': {
      const [field, value] =
        typeof test.left === 'object' && 'at' in test.left
          ? [test.left, test.right]
          : [test.right, test.left];
      if (typeof field !== 'object' || !('at' in field)) return;
      const wanted =
        typeof value === 'number'
          ? value
          : 'length' in value
            ? bytes.length + (value.plus ?? 0)
            : random.pick(numbers);
      const number = (wanted - (field.plus ?? 0) + random.int(-1, 1)) >>> 0;
      const raw = Buffer.alloc(4);
      if (field.order === 'le') raw.writeUInt32LE(number);
      else raw.writeUInt32BE(number);
      const part =
        field.order === 'le' ? raw.subarray(0, field.width) : raw.subarray(4 - field.width);
      if (field.at + field.width <= bytes.length) part.copy(bytes, field.at);
      return;
    }
    case 'not':
      if (random.chance(0.3)) bend(test.of, bytes, random);
      return;
    case 'all':
      for (const part of test.of) bend(part, bytes, random);
      return;
    case 'any':
      bend(random.pick(test.of), bytes, random);
  }
}

/** The head of a TLS record, or nearly one. */
function nearlyTls(random: Random): number[] {
  return [
    random.int(19, 24),
    random.int(2, 4),
    random.int(0, 5),
    random.pick([0, 1, 0x48]),
    random.int(0, 2),
  ];
}

/** A window for some plugins: what one of their rules wants, or a real opening, or noise; then perhaps spoilt. */
export function randomWindow(
  random: Random,
  plugins: readonly Inferable[],
  openings: readonly Buffer[] = [],
): WindowCase {
  const size = random.pick([random.int(0, 16), random.int(0, 64), random.int(200, 300)]);
  let bytes: Buffer = Buffer.alloc(size);
  const isNoise = random.chance(0.5);
  for (let i = 0; i < size; i++) bytes[i] = isNoise ? random.int(0, 255) : random.pick(letters);
  const kind = random.next();
  if (kind < 0.6) {
    const { rules } = random.pick(plugins).inference;
    bend(random.pick(rules).when, bytes, random);
  } else if (kind < 0.85 && openings.length > 0) {
    bytes = Buffer.from(random.pick(openings).subarray(0, random.pick([300, size])));
  } else if (kind < 0.9) {
    Buffer.from(nearlyTls(random)).copy(bytes);
  }
  for (let spoilt = random.pick([0, 0, 1, 2]); spoilt > 0 && bytes.length > 0; spoilt--) {
    bytes[random.int(0, Math.min(bytes.length - 1, 12))] = random.int(0, 255);
  }
  const cut = random.chance(0.3) ? random.int(0, Math.min(bytes.length, 16)) : bytes.length;
  const behind = bytes.subarray(cut);
  bytes = bytes.subarray(0, cut);
  const moved = random.chance(0.8) ? bytes.length : bytes.length + random.int(1, 2 ** 31 - 400);
  const port = (): number => (random.chance(0.4) ? random.pick(portsInUse) : random.int(0, 65535));
  return {
    bytes,
    behind,
    length: moved,
    side: random.pick([undefined, 'request', 'response'] as const),
    transport: random.chance(0.7) ? 'tcp' : random.pick(transports),
    localPort: port(),
    remotePort: port(),
  };
}
