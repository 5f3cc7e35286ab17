// SPDX-License-Identifier: Apache-2.0
import type { SqlMode, Statement } from './frames.js';
import { SqlScanner } from './sql-scanner.js';
import { type DatabaseChange, StatementStructure } from './statement-structure.js';

/** What a record says of a statement. */
export interface StatementSummary {
  /**
   * Literals are `?`. Ends with an ellipsis when it was cut. Undefined when it cannot be told where a string ends: a
   * backslash before a quote, and it is not known whether backslashes escape.
   */
  readonly redacted: string | undefined;
  /** First keyword; behind `WITH` that of the statement it belongs to. Undefined when it is none of SQL's. */
  readonly operation: string | undefined;
  /** The only table that is named. */
  readonly table: string | undefined;
  /** How many statements the text holds. */
  readonly statements: number;
  /** Databases that are selected and dropped, in order. */
  readonly changes: readonly DatabaseChange[];
}

const ELLIPSIS = '…';
/** Longer statements are not kept: they seldom come again. */
const MAX_CACHED_LENGTH = 4096;
const MAX_CACHED = 256;

/** Summaries of statements; those of the last ones are kept. */
export class StatementSummaries {
  readonly #cache = new Map<string, StatementSummary>();

  of(statement: Statement, mode: SqlMode): StatementSummary {
    const { latin1, cut } = statement;
    if (latin1.length > MAX_CACHED_LENGTH) return summarize(statement, mode);
    const key = `${String(mode.backslashEscapes)} ${mode.characterSet} ${String(cut)} ${latin1}`;
    const cache = this.#cache;
    const known = cache.get(key);
    if (known !== undefined) return known;
    const summary = summarize(statement, mode);
    cache.set(key, summary);
    if (cache.size > MAX_CACHED) {
      for (const oldest of cache.keys()) {
        cache.delete(oldest);
        break;
      }
    }
    return summary;
  }
}

/** Reads a statement once: redacts its literals, finds out what it does. */
export function summarize(statement: Statement, mode: SqlMode): StatementSummary {
  const { cut } = statement;
  const latin1 = cut ? statement.latin1.replace(partOfNumber, '') : statement.latin1;
  // a text that changes how backslashes are read is read in both ways
  const isFixed = !/no_backslash_escapes/i.test(latin1);
  const certain = isFixed ? mode : { ...mode, backslashEscapes: undefined };
  const structure = new StatementStructure();
  const scanner = new SqlScanner(latin1, certain);
  let redacted = '';
  for (;;) {
    const kind = scanner.next();
    if (kind === 'end') break;
    if (kind === 'ambiguous') return finish(undefined, structure);
    // the last word of a statement that was cut need not be whole
    const isPart = cut && scanner.to === latin1.length;
    if (isPart && partOfLiteral.test(scanner.token)) break;
    if (kind === 'comment') redacted += redactComment(latin1, certain, scanner.from, scanner.to);
    else redacted += kind === 'literal' ? '?' : scanner.token;
    if (kind !== 'comment' && kind !== 'space' && !isPart) structure.take(kind, scanner.token);
  }
  return finish(decodeText(redacted, cut), structure);
}

/** The beginning of a number, or of a name that begins with digits, at the end of a text. */
const partOfNumber = /(?<![\w$\u0080-\u00ff`])[\d.][\w.$]*[+-]?$/;
/** The beginning of `x'1f'`, `b'01'` or `n'text'`, perhaps. */
const partOfLiteral = /^[xbn]$/i;

function finish(redacted: string | undefined, structure: StatementStructure): StatementSummary {
  const { operation, table, statements, changes } = structure;
  return { redacted, operation, table, statements, changes };
}

/** A comment may hold values (a statement that was commented out, the context of a trace). */
function redactComment(latin1: string, mode: SqlMode, from: number, to: number): string {
  const opening = latin1.startsWith('/*', from) ? 2 : latin1[from] === '#' ? 1 : 2;
  const closing = latin1.startsWith('/*', from) && latin1.endsWith('*/', to) ? 2 : 0;
  const scanner = new SqlScanner(latin1, mode, from + opening, to - closing);
  let redacted = latin1.slice(from, from + opening);
  for (;;) {
    const kind = scanner.next();
    if (kind === 'end') break;
    if (kind === 'literal' && /^[\d.]/.test(scanner.token)) {
      redacted += '?';
      continue;
    }
    if (kind === 'literal' || kind === 'comment' || kind === 'ambiguous') {
      // a quote may as well be an apostrophe: what is behind it may stand in quotes or not
      redacted += '?';
      break;
    }
    redacted += scanner.token;
  }
  return redacted + latin1.slice(to - closing, to);
}

/** A text of one character a byte as what it stands for in UTF-8; what is malformed becomes U+FFFD. */
export function decodeText(latin1: string, cut: boolean): string {
  const text = Buffer.from(latin1, 'latin1').toString('utf8');
  return cut ? `${text.replace(/\uFFFD$/, '')}${ELLIPSIS}` : text;
}
