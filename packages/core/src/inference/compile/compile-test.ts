// SPDX-License-Identifier: Apache-2.0
import type { Field, Operand, Test } from '../../plugin/index.js';
import { reach } from '../interpret.js';
import { Label, isImmediate, register, type Assembler, type Condition } from './assembler.js';
import type { WindowLayout } from './window-layout.js';

const { r1, r2, r3, r7 } = register;

type Comparison = Extract<Test, { kind: 'cmp' }>;
type Text = Extract<Test, { kind: 'bytes' }>;
type Op = Comparison['op'];

const opposite: Readonly<Record<Op, Op>> = {
  eq: 'ne',
  ne: 'eq',
  lt: 'ge',
  ge: 'lt',
  le: 'gt',
  gt: 'le',
};
const mirrored: Readonly<Record<Op, Op>> = {
  eq: 'eq',
  ne: 'ne',
  lt: 'gt',
  gt: 'lt',
  le: 'ge',
  ge: 'le',
};

/** Where a test leads. */
interface Outcome {
  readonly holds: Label;
  readonly fails: Label;
  /**
   * Where it leads when it depends on bytes that are not there: one of the two others. A rule that lacks bytes does not
   * match, so whatever it is made of leads, lacking bytes, to where the rule fails; a negation swaps the other two only.
   */
  readonly short: Label;
  /** The label that is placed right behind the test: no jump is needed to get there. */
  readonly next: Label;
  /** Bytes that are there wherever the test is asked: they need not be looked for again. */
  readonly there: number;
}

/**
 * Compiles one test: jumps to `holds` or to `fails`, as the interpreter's answer is `true` or not. Register r7 holds the
 * address of the window; r1 to r3 are used. `next` of the two comes right behind.
 */
export function compileTest(
  test: Test,
  window: WindowLayout,
  into: Assembler,
  { holds, fails, next }: Omit<Outcome, 'short' | 'there'>,
): void {
  new TestCompiler(window, into).compile(test, { holds, fails, short: fails, next, there: 0 });
}

class TestCompiler {
  readonly #window: WindowLayout;
  readonly #into: Assembler;

  constructor(window: WindowLayout, into: Assembler) {
    this.#window = window;
    this.#into = into;
  }

  compile(test: Test, to: Outcome): void {
    switch (test.kind) {
      case 'cmp':
        this.#comparison(test, to);
        return;
      case 'bytes':
        this.#text(test, to);
        return;
      case 'not':
        this.compile(test.of, { ...to, holds: to.fails, fails: to.holds });
        return;
      case 'all':
        this.#parts(test.of, to, 'holds');
        return;
      case 'any':
        this.#parts(test.of, to, 'fails');
    }
  }

  /**
   * `all` goes on with the next part while parts hold, `any` while they fail. A part that lacks bytes leads to where the
   * whole leads when that is decided by it alone, else on to the next part: a later one may still decide.
   */
  #parts(parts: readonly Test[], to: Outcome, goesOn: 'holds' | 'fails'): void {
    if (parts.length === 0) {
      this.#jump(to[goesOn], to.next);
      return;
    }
    let { there } = to;
    parts.forEach((part, i) => {
      if (i === parts.length - 1) {
        this.compile(part, { ...to, there });
        return;
      }
      const next = new Label('next part');
      const goesOnShort = to.short === to[goesOn];
      const short = goesOnShort ? next : to.short;
      this.compile(part, { ...to, [goesOn]: next, short, next, there });
      this.#into.place(next);
      if (!goesOnShort) there = Math.max(there, bytesSeen(part, goesOn));
    });
  }

  #comparison({ op, left, right }: Comparison, to: Outcome): void {
    const into = this.#into;
    if (typeof left === 'number' && typeof right === 'number') {
      this.#jump(holdsOf(op, left, right) ? to.holds : to.fails, to.next);
      return;
    }
    if (typeof left === 'number') {
      this.#comparison({ kind: 'cmp', op: mirrored[op], left: right, right: left }, to);
      return;
    }
    this.#needs(reach({ kind: 'cmp', op, left, right }), to);
    this.#operand(left, r1);
    const jump = (condition: Condition, target: Label): void => {
      if (typeof right === 'number' && isImmediate(right)) {
        into.jumpIf(condition, r1, right, target);
        return;
      }
      this.#operand(right, r2);
      into.jumpIfRegister(condition, r1, r2, target);
    };
    if (to.next === to.holds) {
      jump(opposite[op], to.fails);
      return;
    }
    jump(op, to.holds);
    this.#jump(to.fails, to.next);
  }

  /** Puts the value of an operand into a register, as a signed number of 64 bits; uses r3. */
  #operand(value: Operand, to: typeof r1 | typeof r2): void {
    if (typeof value === 'number') {
      this.#into.set(to, value);
      return;
    }
    if ('at' in value) this.#field(value, to);
    else this.#into.load(4, to, r7, this.#window.lengthAt);
    const plus = value.plus ?? 0;
    if (plus === 0) return;
    if (isImmediate(plus)) {
      this.#into.add(to, plus);
      return;
    }
    this.#into.set(r3, plus);
    this.#into.addRegister(to, r3);
  }

  #field({ at, width, order, mask }: Field, to: typeof r1 | typeof r2): void {
    this.#into.load(width, to, r7, this.#window.dataAt + at);
    if (width > 1 && order !== 'le') this.#into.swap(to, width === 2 ? 16 : 32);
    if (mask !== undefined) this.#into.and(to, mask);
  }

  #text({ anyOf, at, ignoreCase = false }: Text, to: Outcome): void {
    const isShortFail = to.short === to.fails;
    let { there } = to;
    if (isShortFail) {
      const least = at + Math.min(...anyOf.map((text) => text.length));
      this.#needs(least, to);
      there = Math.max(there, least);
    }
    // What r1 holds wherever the next text begins: the same first bytes may be looked at again.
    let loaded = '';
    anyOf.forEach((text, i) => {
      const isLast = i === anyOf.length - 1;
      const other = isLast ? to.fails : new Label('next text');
      if (isShortFail) {
        const [first, ...rest] = piecesOf(text, at, ignoreCase);
        const key = `${first!.width} ${first!.caseBits}`;
        if (key !== loaded) this.#loadPiece(first!, r1);
        loaded = key;
        this.#needs(at + text.length, { short: other, there });
        this.#into.jumpIf32('ne', r1, first!.wanted, other);
        for (const piece of rest) this.#piece(piece, other);
      } else {
        // Where a text that is there as far as bytes are there leads elsewhere: byte by byte.
        [...Buffer.from(text, 'latin1').keys()].forEach((k) => {
          this.#needs(at + k + 1, to);
          this.#piece(piecesOf(text.charAt(k), at + k, ignoreCase)[0]!, other);
        });
      }
      this.#jump(to.holds, isLast ? to.next : undefined);
      if (!isLast) this.#into.place(other);
    });
  }

  /** Jumps when the bytes are not this piece of a text. */
  #piece(piece: Piece, fails: Label): void {
    this.#loadPiece(piece, r2);
    this.#into.jumpIf32('ne', r2, piece.wanted, fails);
  }

  #loadPiece({ width, at, caseBits }: Piece, to: typeof r1 | typeof r2): void {
    this.#into.load(width, to, r7, this.#window.dataAt + at);
    if (caseBits !== 0) this.#into.or(to, caseBits);
  }

  /** Jumps when fewer bytes are there. Loaded each time: what the verifier knows of it must not grow with the program. */
  #needs(bytes: number, { short, there }: Pick<Outcome, 'short' | 'there'>): void {
    if (bytes <= there) return;
    this.#into.load(4, r3, r7, this.#window.availableAt);
    this.#into.jumpIf('ltUnsigned', r3, bytes, short);
  }

  #jump(target: Label, next: Label | undefined): void {
    if (target !== next) this.#into.jump(target);
  }
}

/** Part of a text that one load reads. */
interface Piece {
  readonly at: number;
  readonly width: 1 | 2 | 4;
  /** What is loaded when the text stands there; letters that match in either case are small ones. */
  readonly wanted: number;
  /** Bits that make those letters small. */
  readonly caseBits: number;
}

function piecesOf(text: string, at: number, ignoreCase: boolean): Piece[] {
  const pieces: Piece[] = [];
  const bytes = Buffer.from(text, 'latin1');
  const caseBits = Buffer.alloc(bytes.length);
  for (let i = 0; ignoreCase && i < bytes.length; i++) {
    const lower = bytes[i]! | 0x20;
    if (lower < 0x61 || lower > 0x7a) continue;
    bytes[i] = lower;
    caseBits[i] = 0x20;
  }
  for (let i = 0; i < bytes.length;) {
    const left = bytes.length - i;
    const width = left >= 4 ? 4 : left >= 2 ? 2 : 1;
    pieces.push({
      at: at + i,
      width,
      wanted: bytes.readUIntLE(i, width),
      caseBits: caseBits.readUIntLE(i, width),
    });
    i += width;
  }
  return pieces;
}

/** Bytes that are there for sure when a test has this outcome, and had the bytes that it needed. */
function bytesSeen(test: Test, outcome: 'holds' | 'fails'): number {
  const other = outcome === 'holds' ? 'fails' : 'holds';
  switch (test.kind) {
    case 'cmp':
      return reach(test);
    case 'bytes':
      return outcome === 'holds' ? test.at + Math.min(...test.anyOf.map((t) => t.length)) : 0;
    case 'not':
      return bytesSeen(test.of, other);
    case 'all':
    case 'any': {
      const seen = test.of.map((part) => bytesSeen(part, outcome));
      // Each part had this outcome; or one of them, it is not known which.
      const each = (test.kind === 'all') === (outcome === 'holds');
      return each ? Math.max(0, ...seen) : Math.min(...seen);
    }
  }
}

function holdsOf(op: Op, left: number, right: number): boolean {
  switch (op) {
    case 'eq':
      return left === right;
    case 'ne':
      return left !== right;
    case 'lt':
      return left < right;
    case 'le':
      return left <= right;
    case 'gt':
      return left > right;
    case 'ge':
      return left >= right;
  }
}
