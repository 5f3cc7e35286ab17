// SPDX-License-Identifier: Apache-2.0
import { defaultNames, goImageParts } from './go-image.test-support.js';
import type { GoImageRecipe } from './go-image.test-support.js';
import { MemoryImage } from './memory-image.test-support.js';
import type { MemoryPart } from './memory-image.test-support.js';
import { planGoProgram } from './plan.js';

/** What {@link fuzzGo} saw. */
export interface GoFuzzReport {
  /** Inputs tried. */
  readonly inputs: number;
  /** How many still gave a plan, a reason, or nothing. */
  readonly outcomes: { readonly plan: number; readonly reason: number; readonly nothing: number };
  /** Time of the processor that the slowest input took, milliseconds. */
  readonly maxMs: number;
  /** Bytes that one input made the reader read, at most, for each byte that it has. */
  readonly maxReadRatio: number;
  /** Each says which input, and what went wrong; at most 20. */
  readonly findings: readonly string[];
}

const maxFindings = 20;
/** Of the processor's time, for one input. */
const limitMs = 1000;
/** Each part is read through a few times at most. Everything beyond is a loop that something in the file controls. */
const limitRatio = 50;

const recipes: readonly GoImageRecipe[] = (['1.2', '1.16', '1.18', '1.20'] as const).flatMap(
  (format) => [
    { format },
    { format, hasSections: false, cBytes: 64 },
    { format, hasSections: false, textStart: 0, machine: 'aarch64', cBytes: 32 },
    { format, names: defaultNames.slice(18, 28), textStart: 0x401010 },
  ],
);

/**
 * Damages programs of Go and inspects them: nothing may be thrown (the file is in memory, so that no error of reading is in
 * order), no input may take long, none may be read over and over.
 * @param seed the same seed gives the same inputs; input n of seed s is the first one of seed s + n
 */
export function fuzzGo(inputs: number, seed: number): GoFuzzReport {
  const originals = recipes.map((recipe) => ({ recipe, parts: goImageParts(recipe) }));
  const outcomes = { plan: 0, reason: 0, nothing: 0 };
  const findings: string[] = [];
  let maxMs = 0;
  let maxReadRatio = 0;
  let tried = 0;
  for (; tried < inputs && findings.length < maxFindings; tried++) {
    const random = randomNumbers(seed + tried);
    const { recipe, parts } = originals[random(originals.length)]!;
    const image = new MemoryImage(recipe.machine ?? 'x86_64', damage(parts, random));
    const start = process.cpuUsage();
    try {
      const plan = planGoProgram(image);
      outcomes[plan === undefined ? 'nothing' : 'reason' in plan ? 'reason' : 'plan']++;
    } catch (error) {
      findings.push(
        `seed ${seed + tried}: ${error instanceof Error ? error.stack : String(error)}`,
      );
    }
    const { user, system } = process.cpuUsage(start);
    const took = (user + system) / 1000;
    const ratio = image.bytesRead / image.segments.reduce((sum, { size }) => sum + size, 1);
    if (took > limitMs) findings.push(`seed ${seed + tried}: took ${took.toFixed(0)} ms`);
    if (ratio > limitRatio) findings.push(`seed ${seed + tried}: read ${ratio.toFixed(0)} times`);
    maxMs = Math.max(maxMs, took);
    maxReadRatio = Math.max(maxReadRatio, ratio);
  }
  return { inputs: tried, outcomes, maxMs, maxReadRatio, findings };
}

/** A number from 0 to below `limit`. */
type Random = (limit: number) => number;

/** mulberry32: a small generator, whose state is one number. */
function randomNumbers(seed: number): Random {
  let state = Math.imul(seed, 0x9e3779b1) | 0;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}

/** One of the parts is changed in one to eight places, cut, or moved. */
function damage(parts: readonly MemoryPart[], random: Random): readonly MemoryPart[] {
  // The table most of the time.
  const chosen = [1, 1, 1, 1, 0, 2][random(6)]!;
  return parts.map((part, index): MemoryPart => {
    if (index !== chosen) return part;
    const bytes = Buffer.from(part.bytes);
    const how = random(10);
    if (how === 0) return { ...part, bytes: bytes.subarray(0, random(bytes.length)) };
    if (how === 1) return { ...part, bytes, address: part.address + random(64) };
    for (let count = 1 + random(8); count > 0; count--) damageOnce(bytes, random);
    return { ...part, bytes };
  });
}

const extremes = [0, 1, 2, 8, 0x7f, 0xff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff];

function damageOnce(bytes: Buffer, random: Random): void {
  // The head, and what offsets point to, at least as often as the rest.
  const within = random(2) === 0 ? Math.min(bytes.length, 80) : bytes.length;
  const at = random(within);
  switch (random(5)) {
    case 0:
      bytes[at] = random(256);
      break;
    case 1:
      bytes[at]! ^= 1 << random(8);
      break;
    case 2:
      if (at + 4 <= bytes.length) bytes.writeUInt32LE(extremes[random(extremes.length)]!, at);
      break;
    case 3: {
      // A number that stands where numbers stand, a little off.
      const aligned = at & ~3;
      if (aligned + 4 > bytes.length) break;
      bytes.writeUInt32LE((bytes.readUInt32LE(aligned) + random(65) - 32) >>> 0, aligned);
      break;
    }
    default: {
      const from = random(bytes.length);
      bytes.copy(bytes, at, from, from + 1 + random(24));
    }
  }
}
