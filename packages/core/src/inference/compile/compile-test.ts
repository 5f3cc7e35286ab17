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
}

/**
 * Compiles one test: jumps to `holds` or to `fails`, as the interpreter's answer is `true` or not. Register r7 holds the
 * address of the window; r1 to r3 are used. `next` of the two comes right behind.
 */
export function compileTest(
  test: Test,
  window: WindowLayout,
  into: Assembler,
  { holds, fails, next }: Omit<Outcome, 'short'>,
): void {
  new TestCompiler(window, into).compile(test, { holds, fails, short: fails, next });
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
    parts.forEach((part, i) => {
      if (i === parts.length - 1) {
        this.compile(part, to);
        return;
      }
      const next = new Label('next part');
      const short = to.short === to[goesOn] ? next : to.short;
      this.compile(part, { ...to, [goesOn]: next, short, next });
      this.#into.place(next);
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
    this.#needs(reach({ kind: 'cmp', op, left, right }), to.short);
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

  #text(test: Text, to: Outcome): void {
    const { anyOf, at } = test;
    const ignoreCase = test.ignoreCase === true;
    anyOf.forEach((text, i) => {
      const other = i === anyOf.length - 1 ? to.fails : new Label('next text');
      if (to.short === to.fails) this.#wholeText(text, at, ignoreCase, other);
      else this.#textSoFar(text, at, ignoreCase, other, to.short);
      this.#jump(to.holds, other === to.fails ? to.next : undefined);
      if (other !== to.fails) this.#into.place(other);
    });
  }

  /** Goes on when the text stands there, jumps when it does not or not all of it is there. */
  #wholeText(text: string, at: number, ignoreCase: boolean, fails: Label): void {
    this.#needs(at + text.length, fails);
    for (let i = 0; i < text.length;) {
      const left = text.length - i;
      const width = left >= 4 ? 4 : left >= 2 ? 2 : 1;
      this.#piece(text.slice(i, i + width), at + i, width, ignoreCase, fails);
      i += width;
    }
  }

  /** The same where a text that is there as far as bytes are there leads elsewhere: byte by byte. */
  #textSoFar(text: string, at: number, ignoreCase: boolean, fails: Label, short: Label): void {
    for (let i = 0; i < text.length; i++) {
      this.#needs(at + i + 1, short);
      this.#piece(text.charAt(i), at + i, 1, ignoreCase, fails);
    }
  }

  /** Jumps when the bytes at an offset are not this piece of a text. */
  #piece(piece: string, at: number, width: 1 | 2 | 4, ignoreCase: boolean, fails: Label): void {
    const wanted = Buffer.from(piece, 'latin1');
    const caseBits = Buffer.alloc(width);
    for (let i = 0; ignoreCase && i < width; i++) {
      const lower = wanted[i]! | 0x20;
      if (lower < 0x61 || lower > 0x7a) continue;
      wanted[i] = lower;
      caseBits[i] = 0x20;
    }
    this.#into.load(width, r1, r7, this.#window.dataAt + at);
    const bits = caseBits.readUIntLE(0, width);
    if (bits !== 0) this.#into.or(r1, bits);
    this.#into.jumpIf32('ne', r1, wanted.readUIntLE(0, width), fails);
  }

  /** Jumps when fewer bytes are there. Loaded each time: what the verifier knows of it must not grow with the program. */
  #needs(bytes: number, short: Label): void {
    if (bytes === 0) return;
    this.#into.load(4, r1, r7, this.#window.availableAt);
    this.#into.jumpIf('ltUnsigned', r1, bytes, short);
  }

  #jump(target: Label, next: Label | undefined): void {
    if (target !== next) this.#into.jump(target);
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
