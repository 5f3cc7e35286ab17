// SPDX-License-Identifier: Apache-2.0
import type { Side } from '@libtrace/core/plugin';
import { isFlexible } from './apis.js';
import { programOf, type Step } from './layouts/program.js';

/** What a generated message says, by the roles of its fields, in the order of the wire. */
export interface Facts {
  readonly values: { readonly role: string; readonly value: number | string }[];
  /** Records in whole batches, without control batches. */
  records: number;
  /** Bytes of RECORDS fields. */
  recordBytes: number;
}

/** Options of {@link generateBody}. */
export interface GeneratorOptions {
  /** Error codes and throttle times are 0. Default: they vary. */
  readonly successful?: boolean;
  /** No nulls, nothing empty, no tagged fields: what every implementation reads. */
  readonly plain?: boolean;
  /** Bytes of the records of a batch. Default: up to 40. */
  readonly batchBytes?: number;
}

/** A small random number generator (mulberry32): a seed gives the same message everywhere. */
export function randomFrom(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

/** Writes a message of random content by its layout, from behind the correlation id or client id on. */
export function generateBody(
  side: Side,
  key: number,
  version: number,
  seed: number,
  options: GeneratorOptions = {},
): { readonly bytes: Buffer; readonly facts: Facts } {
  const writer = new BodyWriter(isFlexible(key, version), randomFrom(seed), options);
  writer.steps(programOf(side, key, version).steps);
  return { bytes: Buffer.concat(writer.parts), facts: writer.facts };
}

class BodyWriter {
  readonly parts: Buffer[] = [];
  readonly facts: Facts = { values: [], records: 0, recordBytes: 0 };
  readonly #compact: boolean;
  readonly #random: (below: number) => number;
  readonly #options: GeneratorOptions;

  constructor(compact: boolean, random: (below: number) => number, options: GeneratorOptions) {
    this.#compact = compact;
    this.#random = random;
    this.#options = options;
  }

  steps(steps: readonly Step[]): void {
    for (const step of steps) this.#step(step);
  }

  #step(step: Step): void {
    const random = this.#random;
    switch (step.type) {
      case 'fixed': {
        const value = this.#number(step.role);
        if (step.role !== undefined) this.facts.values.push({ role: step.role, value });
        const bytes = Buffer.alloc(step.bytes);
        bytes.writeIntBE(value, Math.max(0, step.bytes - 4), Math.min(4, step.bytes));
        this.parts.push(bytes);
        return;
      }
      case 'uuid': {
        const bytes = Buffer.from(Array.from({ length: 16 }, () => 1 + random(255)));
        if (step.role !== undefined) {
          this.facts.values.push({ role: step.role, value: bytes.toString('base64url') });
        }
        this.parts.push(bytes);
        return;
      }
      case 'text': {
        if (this.#options.plain !== true && random(8) === 0) {
          this.#length(-1, 2);
          return;
        }
        const text = `n${random(1000)}${'é'.repeat(random(2))}`;
        if (step.role !== undefined) this.facts.values.push({ role: step.role, value: text });
        const bytes = Buffer.from(text);
        this.#length(bytes.length, 2);
        this.parts.push(bytes);
        return;
      }
      case 'bytes': {
        const bytes = Buffer.alloc(random(20), random(256));
        this.#length(bytes.length, 4);
        this.parts.push(bytes);
        return;
      }
      case 'records': {
        const bytes = Buffer.concat(
          Array.from({ length: this.#options.plain === true ? 0 : random(3) }, () => this.#batch()),
        );
        this.facts.recordBytes += bytes.length;
        this.#length(bytes.length, 4);
        this.parts.push(bytes);
        return;
      }
      case 'list': {
        const least = this.#options.plain === true ? 1 : 0;
        const count = least + random(3);
        this.#length(count, 4);
        for (let i = 0; i < count; i++) this.steps(step.of);
        return;
      }
      case 'struct':
        this.steps(step.of);
        return;
      case 'tags': {
        const count = this.#options.plain === true ? 0 : random(8) === 0 ? 1 + random(2) : 0;
        this.parts.push(varint(count));
        for (let i = 0; i < count; i++) {
          const length = random(200);
          this.parts.push(varint(random(300)), varint(length), Buffer.alloc(length, 0x7f));
        }
        return;
      }
      case 'rest':
      case 'unread':
        this.parts.push(Buffer.alloc(random(30), 0x01));
    }
  }

  #number(role: string | undefined): number {
    const random = this.#random;
    switch (role) {
      case 'error':
        return this.#options.successful === true ? 0 : [0, 0, 0, 3, -1, 79, 133][random(7)]!;
      case 'throttle':
        return this.#options.successful === true ? 0 : random(2) * 100;
      case 'acks':
        return [-1, 1][random(2)]!;
      case 'coordinator-type':
        return random(2);
      case 'resource-type':
        return [2, 4][random(2)]!;
      default:
        return random(100);
    }
  }

  /** A batch of the current format (KIP-98). */
  #batch(): Buffer {
    const random = this.#random;
    const batch = Buffer.alloc(61 + (this.#options.batchBytes ?? random(40)), 0x61);
    const count = 1 + random(50);
    const control = random(6) === 0;
    batch.fill(0, 0, 61);
    batch.writeInt32BE(batch.length - 12, 8);
    batch.writeInt8(2, 16);
    batch.writeInt16BE(control ? 0x30 : random(5), 21);
    batch.writeInt32BE(count, 57);
    if (!control) this.facts.records += count;
    return batch;
  }

  #length(length: number, width: 2 | 4): void {
    if (this.#compact) {
      this.parts.push(varint(length + 1));
      return;
    }
    const bytes = Buffer.alloc(width);
    bytes.writeIntBE(length, 0, width);
    this.parts.push(bytes);
  }
}

function varint(value: number): Buffer {
  const bytes = [];
  let left = value;
  for (; left > 0x7f; left >>>= 7) bytes.push((left & 0x7f) | 0x80);
  bytes.push(left);
  return Buffer.from(bytes);
}
