// SPDX-License-Identifier: Apache-2.0
import { isUtf8 } from 'node:buffer';
import type { SqlMode } from './frames.js';

/** What a piece of a statement is. */
export type TokenKind =
  | 'end'
  | 'space'
  /** A keyword, a name, a variable. */
  | 'word'
  /** A name in backticks. */
  | 'name'
  /** A string, a number, a hexadecimal or bit value. */
  | 'literal'
  /** A comment that holds neither hints nor code. */
  | 'comment'
  /** An optimizer hint, the beginning or the end of a comment that holds code. */
  | 'hint'
  | 'mark'
  /** Where the string that begins here ends depends on what is not known. */
  | 'ambiguous';

const QUOTE = 0x27;
const DOUBLE_QUOTE = 0x22;
const BACKTICK = 0x60;
const BACKSLASH = 0x5c;
const HASH = 0x23;
const MINUS = 0x2d;
const SLASH = 0x2f;
const STAR = 0x2a;
const DOT = 0x2e;
const SPACE = 0x20;
const LEAST_LEAD = 0x81;
const LEAST_TRAIL = 0x40;

/** 1: may stand in a word. */
const WORD = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte >= 0x80 || /[0-9A-Za-z_$]/.test(String.fromCharCode(byte)) ? 1 : 0,
);

const numberPattern = /0[xX][0-9a-fA-F]+|0[bB][01]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/y;
const codePattern = /\/\*M?!\d{0,6}/y;

/**
 * Splits a statement, one character a byte, into tokens as MySQL's lexer does ("Lexical Structure", "Comments"). Double
 * quotes are taken for strings, whatever the SQL mode: better too much is hidden than too little.
 */
export class SqlScanner {
  readonly #text: string;
  readonly #mode: SqlMode;
  /** Only inside a comment that was found to be one: what looks like the beginning of a comment is none. */
  readonly #end: number;
  /** Where the token begins and ends. */
  from = 0;
  to = 0;
  kind: TokenKind = 'end';
  #isInCode = false;
  #lastKind: TokenKind = 'space';
  #isUtf8: boolean | undefined;

  constructor(text: string, mode: SqlMode, from = 0, end = text.length) {
    this.#text = text;
    this.#mode = mode;
    this.#end = end;
    this.to = from;
  }

  /** Steps to the next token. */
  next(): TokenKind {
    if (this.kind !== 'space' && this.kind !== 'comment') this.#lastKind = this.kind;
    this.from = this.to;
    this.kind = this.#take();
    return this.kind;
  }

  /** The token as it stands. */
  get token(): string {
    return this.#text.slice(this.from, this.to);
  }

  #at(index: number): number {
    return index < this.#end ? this.#text.charCodeAt(index) : -1;
  }

  #take(): TokenKind {
    const { from } = this;
    const byte = this.#at(from);
    if (byte < 0) return 'end';
    if (byte <= SPACE) return this.#while((next) => next >= 0 && next <= SPACE, 'space');
    switch (byte) {
      case QUOTE:
      case DOUBLE_QUOTE:
        return this.#string(from, byte);
      case BACKTICK:
        return this.#name();
      case HASH:
        return this.#line();
      case MINUS:
        if (this.#at(from + 1) === MINUS && this.#at(from + 2) <= SPACE) return this.#line();
        break;
      case SLASH:
        if (this.#at(from + 1) === STAR) return this.#comment();
        break;
      case STAR:
        if (this.#isInCode && this.#at(from + 1) === SLASH) {
          this.#isInCode = false;
          return this.#until(from + 2, 'hint');
        }
        break;
      case DOT:
        // behind a name it separates
        if (isDigit(this.#at(from + 1)) && this.#lastKind !== 'word' && this.#lastKind !== 'name') {
          return this.#number();
        }
        break;
    }
    if (isDigit(byte)) return this.#number();
    if (WORD[byte] === 1) return this.#word();
    return this.#until(from + 1, 'mark');
  }

  #until(to: number, kind: TokenKind): TokenKind {
    this.to = Math.min(to, this.#end);
    return kind;
  }

  #while(holds: (byte: number) => boolean, kind: TokenKind): TokenKind {
    let at = this.from;
    while (holds(this.#at(at))) at++;
    return this.#until(at, kind);
  }

  #word(): TokenKind {
    const { from } = this;
    let at = from;
    while (WORD[this.#at(at)] === 1) at++;
    // x'1f', b'01', n'text'; the character set in _utf8'text' is a word of its own
    const next = this.#at(at);
    if (at === from + 1 && next === QUOTE && /[xbn]/i.test(this.#text[from]!)) {
      return this.#string(at, QUOTE);
    }
    return this.#until(at, 'word');
  }

  /** `12`, `1.5`, `.5`, `1e-3`, `0x1f`, `0b01`; a name may begin with digits. */
  #number(): TokenKind {
    numberPattern.lastIndex = this.from;
    const length = numberPattern.exec(this.#text)?.[0].length ?? 1;
    const end = Math.min(this.from + length, this.#end);
    const isName = WORD[this.#at(end)] === 1 && !this.#text.slice(this.from, end).includes('.');
    return isName ? this.#word() : this.#until(end, 'literal');
  }

  #name(): TokenKind {
    let at = this.from + 1;
    for (;;) {
      const end = this.#text.indexOf('`', at);
      if (end < 0 || end >= this.#end) return this.#until(this.#end, 'name');
      if (this.#at(end + 1) !== BACKTICK) return this.#until(end + 1, 'name');
      at = end + 2;
    }
  }

  #string(open: number, quote: number): TokenKind {
    let at = open + 1;
    for (;;) {
      const byte = this.#at(at);
      if (byte < 0) return this.#until(this.#end, 'literal');
      if (byte === quote) {
        if (this.#at(at + 1) !== quote) return this.#until(at + 1, 'literal');
        at += 2;
      } else if (byte === BACKSLASH && this.#mode.backslashEscapes !== false) {
        if (this.#at(at + 1) === quote && !this.#isEscapeKnown()) {
          return this.#until(this.#end, 'ambiguous');
        }
        at += 2;
      } else if (byte >= LEAST_LEAD && this.#isPair(byte, this.#at(at + 1))) {
        at += 2;
      } else {
        at++;
      }
    }
  }

  /** Whether a backslash surely escapes, and is not half of a character in a set that is not known. */
  #isEscapeKnown(): boolean {
    if (this.#mode.backslashEscapes === undefined) return false;
    if (this.#mode.characterSet !== 'other') return true;
    this.#isUtf8 ??= isUtf8(Buffer.from(this.#text, 'latin1'));
    return this.#isUtf8;
  }

  #isPair(lead: number, trail: number): boolean {
    const { characterSet } = this.#mode;
    if (characterSet === 'other' || trail < LEAST_TRAIL) return false;
    return characterSet === 'gbk' || lead < 0xa1 || lead > 0xdf;
  }

  #line(): TokenKind {
    const end = this.#text.indexOf('\n', this.from);
    return this.#until(end < 0 ? this.#end : end, 'comment');
  }

  /** Those that begin with an exclamation mark (of MariaDB with `M!`) hold code, those with a plus sign hints. */
  #comment(): TokenKind {
    const { from } = this;
    codePattern.lastIndex = from;
    const opening = codePattern.exec(this.#text)?.[0];
    if (opening !== undefined) {
      this.#isInCode = true;
      return this.#until(from + opening.length, 'hint');
    }
    const end = this.#text.indexOf('*/', from + 2);
    if (end < 0 || end + 2 > this.#end) return this.#until(this.#end, 'comment');
    return this.#until(end + 2, this.#text[from + 2] === '+' ? 'hint' : 'comment');
  }
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}
