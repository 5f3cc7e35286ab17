// SPDX-License-Identifier: Apache-2.0
import type { ByteView } from '@libtrace/core/plugin';
import { commandOf } from './commands.js';
import { HEADER_BYTES, payloadLength } from './packet-cursor.js';
import { operationOf } from './operations.js';
import { SqlScanner } from './sql-scanner.js';

/** A statement's first word stands within this. */
const MAX_LEAD_BYTES = 256;

/**
 * Whether a command begins at `at`, of a stream whose place is not known.
 * @param isLikely something else says that a packet begins here (the bytes of one system call).
 */
export function beginsCommand(view: ByteView, at: number, isLikely: boolean): boolean {
  const length = payloadLength(view, at);
  if (length < 1 || view.u8(at + 3) !== 0 || view.available <= at + HEADER_BYTES) return false;
  const command = commandOf(view.u8(at + HEADER_BYTES), length);
  if (command === undefined) return false;
  const end = at + HEADER_BYTES + length;
  switch (command.name) {
    case 'QUERY':
    case 'STMT_PREPARE':
      return holdsStatement(view, at, end) || (isLikely && end === view.available);
    case 'STMT_EXECUTE':
      return (
        isWord(view, at + HEADER_BYTES + 6, 1) &&
        (isLikely || view.available >= end) &&
        isId(view, at)
      );
    case 'STMT_CLOSE':
    case 'STMT_RESET':
      return isLikely && end <= view.available && isId(view, at);
    case 'INIT_DB':
    case 'CREATE_DB':
    case 'DROP_DB':
      return isLikely && end === view.available && isText(view, at + HEADER_BYTES + 1, end);
    case 'SLEEP':
      return false;
    default:
      return isLikely && end === view.available;
  }
}

function holdsStatement(view: ByteView, at: number, end: number): boolean {
  const body = at + HEADER_BYTES + 1;
  const first = view.u8(body);
  // without attributes: their count, and one set
  const from = first >= 0 && first < 0x09 && view.u8(body + 1) === 1 ? body + 2 : body;
  const word = firstWord(view.latin1(from, Math.min(end, from + MAX_LEAD_BYTES)));
  return word !== undefined && operationOf(word) !== undefined;
}

/** The first word of a statement, behind white space, parentheses and comments. */
function firstWord(text: string): string | undefined {
  const scanner = new SqlScanner(text, { backslashEscapes: true, characterSet: 'other' });
  for (;;) {
    const kind = scanner.next();
    if (kind === 'word') return scanner.token;
    const isBefore = kind === 'space' || kind === 'comment' || kind === 'hint';
    if (!isBefore && scanner.token !== '(') return undefined;
  }
}

/** Statements are numbered from 1, or named -1. */
function isId(view: ByteView, at: number): boolean {
  const high = view.u8(at + HEADER_BYTES + 4);
  return high === 0 || isWord(view, at + HEADER_BYTES + 1, 0xffffffff);
}

function isWord(view: ByteView, at: number, value: number): boolean {
  if (at + 4 > view.available) return false;
  const bytes =
    view.u8(at) | (view.u8(at + 1) << 8) | (view.u8(at + 2) << 16) | (view.u8(at + 3) << 24);
  return bytes >>> 0 === value;
}

function isText(view: ByteView, from: number, to: number): boolean {
  return to > from && /^[^\u0000-\u001f]+$/.test(view.latin1(from, to));
}
