// SPDX-License-Identifier: Apache-2.0
import type { SqlMode } from './frames.js';
import { summarize } from './statement-summary.js';

/** Where an error's message quotes a value: what stands before it and behind it stays. */
const duplicate = /^([^']*').*(' for key .*)$/s;
const incorrect = /( value: ').*('(?: for (?:column|function) .*)?)$/s;

/**
 * Errors whose messages hold values of a statement or of a table, by number; all others hold names only ("Server Error
 * Message Reference"; MariaDB: "Error Codes").
 */
const withValue: Readonly<Record<number, RegExp>> = {
  // Duplicate entry 'x' for key 'k'
  1062: duplicate,
  1586: duplicate,
  // Variable 'v' can't be set to the value of 'x'
  1231: /( the value of ').*(')$/s,
  // Incorrect INTEGER value: 'x' for column 'c' at row 1; Truncated incorrect DOUBLE value: 'x'
  1292: incorrect,
  1366: incorrect,
  1411: incorrect,
  1525: incorrect,
  // Invalid utf8mb4 character string: 'x'
  1300: /( string: ').*(')$/s,
  // Illegal double 'x' value found during parsing
  1367: /^(Illegal [^']*').*(' value found)/s,
  // Table has no partition for value x
  1526: /( for value ).*()$/s,
  // Foreign key constraint for table 't', record 'x' would lead to a duplicate entry in table 't', key 'k'
  1761: /(, record ').*(' would lead )/s,
  1762: /(, record ').*(' would lead )/s,
};

/** Errors whose messages hold a piece of the statement, by number. */
const withStatement: Readonly<Record<number, RegExp>> = {
  // … near 'x' at line 1
  1064: /^([^]*? near ')([^]*)(' at line \d+)$/,
  1149: /^([^]*? near ')([^]*)(' at line \d+)$/,
  // BIGINT value is out of range in 'x'
  1690: /^([^']*')([^]*)(')$/,
};

/**
 * What the server says of an error, without values: `Duplicate entry '?' for key 'PRIMARY'`. Where a message is not in
 * English, or was cut, all that stands in quotes is hidden.
 */
export function redactMessage(message: string, code: number | undefined, mode: SqlMode): string {
  if (code === undefined) return message;
  const statement = withStatement[code];
  if (statement !== undefined) {
    const parts = statement.exec(message);
    if (parts === null) return hideQuoted(message);
    const [, before, quoted, behind] = parts;
    const latin1 = Buffer.from(quoted!, 'utf8').toString('latin1');
    return `${before!}${summarize({ latin1, cut: false, isPartial: false }, mode).redacted ?? '?'}${behind!}`;
  }
  const value = withValue[code];
  if (value === undefined) return message;
  return value.test(message) ? message.replace(value, '$1?$2') : hideQuoted(message);
}

function hideQuoted(message: string): string {
  return message.replace(/(['"`]).*/s, '$1?');
}
