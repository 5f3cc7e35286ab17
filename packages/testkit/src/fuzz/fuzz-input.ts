// SPDX-License-Identifier: Apache-2.0
import type { AnyProtocol, Role, Test } from '@libtrace/core';
import type { Fixture, Sender } from '../fixture/fixture.js';
import { Random } from '../run/random.js';

/** What one system call moved in a fuzzed conversation. */
export interface FuzzStep {
  readonly from: Sender;
  readonly bytes: Buffer;
  /** Bytes lost behind them. */
  readonly lost: number;
}

/** One fuzzed connection. */
export interface FuzzInput {
  readonly steps: readonly FuzzStep[];
  readonly role: Role;
  /** The kernel names the protocol; otherwise inference does, or does not. */
  readonly hint: boolean;
  readonly midstream: boolean;
}

const roles: readonly Role[] = ['server', 'server', 'client', 'client', 'unknown'];
/** Numbers at which lengths and counts go wrong. */
const edges = [0, 1, 0x0a, 0x0d, 0x20, 0x30, 0x7f, 0x80, 0xfb, 0xfe, 0xff];
const maxSteps = 10;
const maxStepBytes = 700;
const maxPieceBytes = 2048;

/** Makes fuzzed conversations out of fixtures, of what the rules look for, and of nothing; a seed makes each again. */
export class FuzzInputs {
  readonly #fixtures: readonly Fixture[];
  readonly #words: readonly Buffer[];
  /** Used over and over: an input is valid until the next one is made. */
  readonly #memory = Buffer.alloc(64 * 1024);
  #used = 0;

  constructor(plugin: AnyProtocol, fixtures: readonly Fixture[]) {
    this.#fixtures = fixtures.filter((fixture) => fixture.steps.length > 0);
    this.#words = [
      ...plugin.inference.rules.flatMap((rule) => wordsOf(rule.when)),
      ...['\r\n', '\n', ' ', ':', '0', '-1', '99999999999999999999'],
      ...['\x00\x00\x00\x00', '\xff\xff\xff\xff', '\x7f\xff\xff\xff', '\x00\x00\x00\x01'],
    ].map((word) => Buffer.from(word, 'latin1'));
  }

  /** The input of a seed. Its buffers are overwritten by the next call. */
  make(seed: number): FuzzInput {
    const random = new Random(seed);
    this.#used = 0;
    const kind = random.below(20);
    const steps =
      kind < 15 && this.#fixtures.length > 0
        ? this.#fromFixture(random)
        : this.#fromNothing(random, kind < 18);
    return {
      steps,
      role: random.pick(roles),
      hint: random.below(4) > 0,
      midstream: random.below(8) === 0,
    };
  }

  #fromFixture(random: Random): FuzzStep[] {
    const fixture = random.pick(this.#fixtures);
    const first = random.below(3) === 0 ? random.below(fixture.steps.length) : 0;
    const count = random.between(1, maxSteps);
    const mutated = random.below(10) === 0 ? -1 : random.below(count);
    const steps: FuzzStep[] = [];
    for (let i = 0; i < count && first + i < fixture.steps.length; i++) {
      const step = fixture.steps[first + i]!;
      const from = random.below(40) === 0 ? swapped(step.from) : step.from;
      if (random.below(30) === 0) continue;
      const mutates = i === mutated || random.below(6) === 0;
      const whole = step.bytes.length <= maxStepBytes || random.below(50) === 0;
      const taken = whole ? step.bytes : step.bytes.subarray(0, random.between(1, maxStepBytes));
      const bytes = this.#write(taken);
      this.#add(steps, from, mutates ? this.#mutate(bytes, random) : bytes, random);
      if (random.below(60) === 0) this.#add(steps, from, bytes, random);
    }
    return steps;
  }

  #fromNothing(random: Random, useWords: boolean): FuzzStep[] {
    const steps: FuzzStep[] = [];
    const count = random.between(1, 5);
    for (let i = 0; i < count; i++) {
      const start = this.#used;
      const length = random.below(4) === 0 ? random.below(300) : random.below(24);
      if (useWords && this.#words.length > 0) {
        const words = random.below(10);
        for (let word = 0; word < words; word++) this.#write(random.pick(this.#words));
      }
      for (let at = 0; at < length && this.#used < this.#memory.length; at++) {
        this.#memory[this.#used++] = random.below(5) === 0 ? random.pick(edges) : random.below(256);
      }
      const bytes = this.#memory.subarray(start, this.#used);
      this.#add(steps, random.below(2) === 0 ? 'client' : 'server', bytes, random);
    }
    return steps;
  }

  /** Adds a step, whole or in two segments, now and then with a hole behind it. */
  #add(steps: FuzzStep[], from: Sender, bytes: Buffer, random: Random): void {
    const lost =
      random.below(25) === 0 ? random.between(1, random.below(3) === 0 ? 70_000 : 60) : 0;
    if (bytes.length > 1 && random.below(3) === 0) {
      const at = random.between(1, bytes.length - 1);
      steps.push({ from, bytes: bytes.subarray(0, at), lost: 0 });
      steps.push({ from, bytes: bytes.subarray(at), lost });
    } else if (bytes.length + lost > 0) {
      steps.push({ from, bytes, lost });
    }
  }

  /** Changes bytes of a step that lies at the end of the memory. */
  #mutate(bytes: Buffer, random: Random): Buffer {
    let result = bytes;
    const times = random.between(1, 4);
    for (let i = 0; i < times; i++) result = this.#mutateOnce(result, random);
    return result;
  }

  #mutateOnce(bytes: Buffer, random: Random): Buffer {
    if (bytes.length === 0) return bytes;
    // Heads decide most: half of the places are among the first bytes.
    const at =
      random.below(2) === 0 ? random.below(Math.min(16, bytes.length)) : random.below(bytes.length);
    switch (random.below(9)) {
      case 0:
        bytes[at] = bytes[at]! ^ (1 << random.below(8));
        return bytes;
      case 1:
        bytes[at] = random.pick(edges);
        return bytes;
      case 2:
        bytes[at] = random.below(256);
        return bytes;
      case 3:
        bytes[at] = bytes[at]! + random.between(-3, 3);
        return bytes;
      case 4:
        return bytes.subarray(0, at);
      case 5:
        return bytes.subarray(at);
      case 6: {
        const word = random.pick(this.#words);
        word.copy(bytes, at, 0, Math.min(word.length, bytes.length - at));
        return bytes;
      }
      case 7: {
        const from = random.below(bytes.length);
        bytes.copyWithin(at, from, from + random.between(1, 16));
        return bytes;
      }
      default: {
        const start = this.#used;
        this.#write(bytes.subarray(0, at));
        this.#write(random.below(2) === 0 ? random.pick(this.#words) : bytes.subarray(at));
        this.#write(bytes.subarray(at));
        return this.#memory.subarray(start, this.#used);
      }
    }
  }

  #write(bytes: Buffer): Buffer {
    const start = this.#used;
    const length = Math.min(bytes.length, maxPieceBytes, this.#memory.length - start);
    bytes.copy(this.#memory, start, 0, length);
    this.#used += length;
    return this.#memory.subarray(start, start + length);
  }
}

function swapped(from: Sender): Sender {
  return from === 'client' ? 'server' : 'client';
}

function wordsOf(test: Test): string[] {
  switch (test.kind) {
    case 'bytes':
      return [...test.anyOf];
    case 'all':
    case 'any':
      return test.of.flatMap(wordsOf);
    case 'not':
      return wordsOf(test.of);
    case 'cmp':
      return [];
  }
}
