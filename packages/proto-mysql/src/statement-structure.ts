// SPDX-License-Identifier: Apache-2.0
import { isMainOperation, operationOf } from './operations.js';
import type { TokenKind } from './sql-scanner.js';

/** A statement that selects or drops a database. */
export interface DatabaseChange {
  readonly kind: 'use' | 'drop';
  readonly database: string;
}

/** Deeper parentheses are taken for this deep. */
const MAX_DEPTH = 255;
/** Words between the first one and the name of a table. */
const modifiers = new Set(
  'LOW_PRIORITY HIGH_PRIORITY DELAYED IGNORE QUICK INTO TABLE TABLES IF NOT EXISTS TEMPORARY ONLY OR REPLACE'.split(
    ' ',
  ),
);
/** Words behind which the list of tables is over. */
const clauses = new Set(
  'WHERE GROUP ORDER HAVING LIMIT SET VALUES VALUE SELECT FOR PROCEDURE WINDOW UNION'.split(' '),
);
/** Operations whose first name is that of a table. */
const namesTable = new Set(['INSERT', 'REPLACE', 'UPDATE', 'TRUNCATE', 'TABLE']);
/** Operations that name a table behind the word TABLE. */
const behindTable = new Set(['CREATE', 'ALTER', 'DROP', 'LOAD', 'ANALYZE', 'OPTIMIZE', 'CHECK']);

/**
 * Follows the tokens of a text of one or more statements: what the first one does, to which table if it is one, and
 * which databases are selected.
 */
export class StatementStructure {
  operation: string | undefined;
  readonly changes: DatabaseChange[] = [];
  #depth = 0;
  /** First word of the statement at hand. */
  #first: string | undefined;
  /** Statements that began. */
  statements = 0;
  #isWith = false;
  /** What the next name is that of. */
  #expects: 'table' | 'use' | 'drop' | undefined;
  /** A name was just taken, and a dot would make it a qualifier. */
  #named: 'table' | 'use' | 'drop' | undefined;
  #isQualified = false;
  #table: string | undefined;
  #tables = 0;
  /** Behind a table a comma brings another. */
  #inTables = false;
  /** Depths at which a FROM names tables. */
  readonly #selects = new Uint8Array(MAX_DEPTH + 1);

  /** The table of the first statement, when it is the only statement and names just one. */
  get table(): string | undefined {
    return this.statements === 1 && this.#tables === 1 ? this.#table : undefined;
  }

  /** Takes the next token that is neither space nor comment. */
  take(kind: TokenKind, token: string): void {
    if (kind === 'hint') return;
    if (kind === 'mark') this.#mark(token);
    else if (kind === 'word' && this.#first === undefined) this.#begin(token);
    else if (kind === 'word' || kind === 'name') this.#word(kind, token);
    else this.#expects = this.#named = undefined;
  }

  #begin(token: string): void {
    const operation = operationOf(token) ?? '';
    this.#first = operation;
    if (++this.statements === 1) {
      this.operation = operation === '' ? undefined : operation;
      this.#isWith = operation === 'WITH';
    }
    this.#operates(operation);
  }

  #operates(operation: string): void {
    this.#expects = operation === 'USE' ? 'use' : namesTable.has(operation) ? 'table' : undefined;
    if (operation === 'SELECT' || operation === 'DELETE') this.#selects[this.#depth] = 1;
  }

  #word(kind: TokenKind, token: string): void {
    const upper = kind === 'word' ? token.toUpperCase() : '';
    const isBehindName = this.#named !== undefined && !this.#isQualified;
    if (this.#isWith && this.#depth === 0 && isMainOperation(upper)) {
      this.#isWith = false;
      if (this.statements === 1) this.operation = upper;
      this.#first = upper;
      this.#operates(upper);
      return;
    }
    if (this.#expects !== undefined || this.#isQualified) {
      if (this.#isQualified || !modifiers.has(upper)) this.#takeName(kind, token);
      return;
    }
    if (isBehindName) this.#named = undefined;
    if (clauses.has(upper)) this.#inTables = false;
    if (upper === 'SELECT') this.#selects[this.#depth] = 1;
    else if (upper === 'FROM' && this.#selects[this.#depth] === 1) this.#expects = 'table';
    else if (upper === 'JOIN' || upper === 'STRAIGHT_JOIN') this.#tables = 2;
    else if (upper === 'TABLE' && behindTable.has(this.#first ?? '')) this.#expects = 'table';
    else if ((upper === 'DATABASE' || upper === 'SCHEMA') && this.#first === 'DROP') {
      this.#expects = 'drop';
    }
  }

  #takeName(kind: TokenKind, token: string): void {
    const name = decodeName(kind, token);
    const what = this.#expects ?? this.#named;
    if (what === 'table') {
      if (!this.#isQualified) this.#tables += /^dual$/i.test(name) ? 0 : 1;
      if (this.statements === 1) this.#table = name;
      this.#inTables = true;
    } else if (what !== undefined && !this.#isQualified) {
      this.changes.push({ kind: what, database: name });
    }
    this.#named = what;
    this.#expects = undefined;
    this.#isQualified = false;
  }

  #mark(mark: string): void {
    switch (mark) {
      case '(':
        // a table that is made by a query
        if (this.#expects === 'table') this.#tables = 2;
        if (this.#depth < MAX_DEPTH) this.#depth++;
        this.#selects[this.#depth] = 0;
        this.#inTables = false;
        break;
      case ')':
        if (this.#depth > 0) this.#depth--;
        break;
      case ',':
        if (this.#inTables) this.#tables++;
        break;
      case '.':
        this.#isQualified = this.#named !== undefined;
        return;
      case ';':
        this.#first = undefined;
        this.#depth = 0;
        this.#isWith = this.#inTables = false;
        this.#selects.fill(0);
        break;
    }
    this.#expects = this.#named = undefined;
    this.#isQualified = false;
  }
}

function decodeName(kind: TokenKind, token: string): string {
  const name = kind === 'name' ? token.replace(/^`|`$/g, '').replaceAll('``', '`') : token;
  return Buffer.from(name, 'latin1').toString('utf8');
}
