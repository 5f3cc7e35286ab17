// SPDX-License-Identifier: Apache-2.0
import type { ByteView } from '@libtrace/core/plugin';
import type { Body } from './body.js';
import type { TextRole } from './layouts/field.js';
import type { Program, Step, StructureStep } from './layouts/program.js';
import type { RecordCounter } from './record-counter.js';

/** Longer names are stepped over: their values are unknown. */
const MAX_TEXT = 4096;

/** Why {@link BodyReader.read} stopped. */
export type Stop =
  /** The message ends at `at`. */
  | 'done'
  /** `wanted` bytes from `at` are needed, and may come. */
  | 'more'
  /** They lie in a hole: what follows in the message is unknown. */
  | 'lost'
  /** The bytes are no message of this kind. */
  | 'malformed';

type Outcome = Stop | 'next';

/** A structure that is being read: its steps, the next of them, and how often it still comes. */
interface Level {
  steps: readonly Step[];
  next: number;
  left: number;
}

/**
 * Reads a message piece by piece, as its bytes arrive. What no record says (records, above all) is stepped over, so
 * that it may be missing. One object is used for every message of a direction.
 */
export class BodyReader {
  /** Offset in the view up to which the message was read; beyond the view after a step over bytes that have not come. */
  at = 0;
  /** Bytes of the message behind `at`. */
  left = 0;
  wanted = 0;
  /** False when a part of the message was not read but stepped over as a whole, up to its end. */
  exact = true;
  readonly #levels: Level[] = [];
  #depth = -1;
  #compact = false;
  #body!: Body;
  #records: RecordCounter | undefined;
  /** Tagged fields that are still to be read; -1 when their number is. */
  #tags = -1;
  #varintBytes = 0;

  /** A message of this length follows. */
  begin(program: Program, length: number, body: Body): void {
    this.left = length;
    this.exact = true;
    this.#compact = program.compact;
    this.#body = body;
    this.#records = undefined;
    this.#tags = -1;
    this.#depth = -1;
    this.#enter(program.steps, 1);
  }

  /** Goes on at an offset of the view. */
  read(view: ByteView, at: number): Stop {
    this.at = at;
    for (;;) {
      if (this.#depth < 0) return this.left === 0 ? 'done' : 'malformed';
      const level = this.#levels[this.#depth]!;
      const step = level.steps[level.next];
      if (step === undefined) {
        level.next = 0;
        if (--level.left <= 0) this.#depth--;
        continue;
      }
      const outcome = this.#step(step, level, view);
      if (outcome !== 'next') return outcome;
    }
  }

  #step(step: Step, level: Level, view: ByteView): Outcome {
    switch (step.type) {
      case 'fixed': {
        if (!this.#has(view, step.bytes)) return this.#missing(view, step.bytes);
        if (step.role !== undefined)
          this.#body.number(step.role, signed(view, this.at, step.bytes));
        return this.#over(step.bytes, level);
      }
      case 'uuid': {
        if (!this.#has(view, 16)) return this.#missing(view, 16);
        if (step.role !== undefined) {
          this.#body.id(step.role, view.bytes(this.at, this.at + 16).toString('base64url'));
        }
        return this.#over(16, level);
      }
      case 'text':
        return this.#text(step.role, level, view);
      case 'bytes': {
        const length = this.#length(view, 4);
        if (typeof length === 'string') return length;
        return this.#over(this.#prefix(4) + Math.max(0, length), level);
      }
      case 'records':
        return this.#recordSet(level, view);
      case 'list':
        return this.#list(step, level, view);
      case 'struct':
        level.next++;
        this.#enter(step.of, 1);
        return 'next';
      case 'tags':
        return this.#taggedFields(level, view);
      case 'unread':
        this.#body.state = 'unread';
        return this.#toEnd();
      case 'rest':
        return this.#toEnd();
    }
  }

  #text(role: TextRole | undefined, level: Level, view: ByteView): Outcome {
    const length = this.#length(view, 2);
    if (typeof length === 'string') return length;
    const prefix = this.#prefix(2);
    const bytes = prefix + Math.max(0, length);
    if (role === undefined) return this.#over(bytes, level);
    if (length < 0 || length > MAX_TEXT) {
      this.#body.text(role, undefined);
      return this.#over(bytes, level);
    }
    if (!this.#has(view, bytes)) return this.#missing(view, bytes);
    this.#body.text(role, view.utf8(this.at + prefix, this.at + bytes));
    return this.#over(bytes, level);
  }

  #recordSet(level: Level, view: ByteView): Outcome {
    let counter = this.#records;
    if (counter === undefined) {
      const length = this.#length(view, 4);
      if (typeof length === 'string') return length;
      const prefix = this.#prefix(4);
      if (prefix + length > this.left) return 'malformed';
      this.at += prefix;
      this.left -= prefix;
      counter = this.#body.records(Math.max(0, length));
      this.#records = counter;
    }
    const before = counter.left;
    this.at = counter.read(view, this.at);
    this.left -= before - counter.left;
    if (counter.left > 0) {
      this.wanted = counter.wanted;
      return 'more';
    }
    this.#records = undefined;
    level.next++;
    return 'next';
  }

  #list(step: StructureStep, level: Level, view: ByteView): Outcome {
    const count = this.#length(view, 4);
    if (typeof count === 'string') return count;
    const prefix = this.#prefix(4);
    if (count * Math.max(1, step.leastBytes) > this.left - prefix) return 'malformed';
    const only = step.of.length === 1 ? step.of[0] : undefined;
    const plain = only?.type === 'fixed' && only.role === undefined;
    const outcome = this.#over(prefix + (plain ? Math.max(0, count) * only.bytes : 0), level);
    if (outcome === 'next' && count > 0 && !plain) this.#enter(step.of, count);
    return outcome;
  }

  /** KIP-482: their number, then each with a tag, a length and that many bytes, all varints. */
  #taggedFields(level: Level, view: ByteView): Outcome {
    if (this.#tags < 0) {
      const count = this.#varint(view, this.at);
      if (typeof count === 'string') return count;
      if (this.#varintBytes + count * 2 > this.left) return 'malformed';
      this.at += this.#varintBytes;
      this.left -= this.#varintBytes;
      this.#tags = count;
    }
    for (; this.#tags > 0; this.#tags--) {
      const tag = this.#varint(view, this.at);
      if (typeof tag === 'string') return tag;
      const tagBytes = this.#varintBytes;
      const length = this.#varint(view, this.at + tagBytes);
      if (typeof length === 'string') return length;
      const bytes = tagBytes + this.#varintBytes + length;
      if (bytes > this.left) return 'malformed';
      this.at += bytes;
      this.left -= bytes;
    }
    this.#tags = -1;
    level.next++;
    return 'next';
  }

  #enter(steps: readonly Step[], count: number): void {
    const level = (this.#levels[++this.#depth] ??= { steps, next: 0, left: count });
    level.steps = steps;
    level.next = 0;
    level.left = count;
  }

  /** A step is done: so many bytes are behind it, whether they have come or not. */
  #over(bytes: number, level: Level): Outcome {
    if (bytes > this.left) return 'malformed';
    this.at += bytes;
    this.left -= bytes;
    level.next++;
    return 'next';
  }

  #toEnd(): Outcome {
    this.exact = false;
    this.at += this.left;
    this.left = 0;
    this.#depth = -1;
    return 'next';
  }

  #has(view: ByteView, bytes: number): boolean {
    return bytes <= this.left && this.at + bytes <= view.available;
  }

  #missing(view: ByteView, bytes: number): Stop {
    if (bytes > this.left) return 'malformed';
    this.wanted = bytes;
    return view.hole > 0 && this.at <= view.available ? 'lost' : 'more';
  }

  /** Length of a string, bytes or array: -1 for null. `width`: of the prefix when it is not compact. */
  #length(view: ByteView, width: 2 | 4): number | Stop {
    if (this.#compact) {
      const value = this.#varint(view, this.at);
      return typeof value === 'string' ? value : value - 1;
    }
    if (!this.#has(view, width)) return this.#missing(view, width);
    const length = signed(view, this.at, width);
    return length < -1 ? 'malformed' : length;
  }

  /** Bytes of the prefix that `#length` has just read. */
  #prefix(width: 2 | 4): number {
    return this.#compact ? this.#varintBytes : width;
  }

  /** UNSIGNED_VARINT: seven bits a byte, the lowest first, at most five bytes. */
  #varint(view: ByteView, at: number): number | Stop {
    let value = 0;
    for (let i = 0; i < 5; i++) {
      const needed = at - this.at + i + 1;
      if (!this.#has(view, needed)) return this.#missing(view, needed);
      const next = view.u8(at + i);
      value += (next & 0x7f) * 2 ** (7 * i);
      if (next < 0x80) {
        this.#varintBytes = i + 1;
        return value > 0x7fffffff ? 'malformed' : value;
      }
    }
    return 'malformed';
  }
}

/** Signed big-endian integer; 8 bytes are never asked for their value. */
function signed(view: ByteView, at: number, bytes: number): number {
  switch (bytes) {
    case 1:
      return (view.u8(at) << 24) >> 24;
    case 2:
      return (view.u16(at) << 16) >> 16;
    default:
      return view.u32(at) | 0;
  }
}
