// SPDX-License-Identifier: Apache-2.0
import type { ByteView } from '@libtrace/core/plugin';
import type { ResponseShape } from './commands.js';
import { HEADER_BYTES, payloadLength } from './packet-cursor.js';
import { beginsDefinition, EOF_BYTES, Header, readResultSetHead } from './result-packets.js';

/** The least OK_Packet of protocol 4.1; before, flags and warnings were not there. */
const LEAST_OK_BYTES = 7;
const LEAST_OLD_OK_BYTES = 3;
/** The least and the most of an ERR_Packet: header and code, and a message of 512 bytes with its SQLSTATE. */
const LEAST_ERR_BYTES = 3;
const MOST_ERR_BYTES = 2048;
/** Codes of servers begin here. */
const LEAST_ERR_CODE = 1000;
const SQL_STATE_MARK = 0x23;

/** Whether the packet at `at` is an ERR_Packet, as far as its first bytes tell. */
export function isFailure(view: ByteView, at: number, length: number): boolean {
  if (view.u8(at + HEADER_BYTES) !== Header.ERR) return false;
  if (length < LEAST_ERR_BYTES || length > MOST_ERR_BYTES) return false;
  const low = view.u8(at + HEADER_BYTES + 1);
  const high = view.u8(at + HEADER_BYTES + 2);
  return low < 0 || high < 0 || (low | (high << 8)) >= LEAST_ERR_CODE;
}

/** Whether the packet at `at` may be the first one of a response to a command of this shape; undefined: of any command. */
export function isPlausibleFirst(
  shape: ResponseShape | undefined,
  view: ByteView,
  at: number,
  length: number,
): boolean {
  const first = view.u8(at + HEADER_BYTES);
  if (isFailure(view, at, length)) return true;
  switch (shape) {
    case 'text':
    case 'login':
    case 'nothing':
      return true;
    case 'events':
      return first === Header.OK || first === Header.EOF;
    case 'columns':
      return first !== Header.OK && first !== Header.ERR;
    case 'rows':
      return first === Header.OK || (first === Header.EOF && length < 0xffff);
    case 'prepare':
    case 'result':
      return isResult(view, at, length, first);
    case undefined:
      // it may be a request for another kind of authentication as well
      return first === Header.EOF ? length === EOF_BYTES : isResult(view, at, length, first);
  }
}

function isResult(view: ByteView, at: number, length: number, first: number): boolean {
  switch (first) {
    case Header.OK:
      return length >= LEAST_OLD_OK_BYTES || readResultSetHead(view, at, length) !== undefined;
    case Header.EOF:
      return length === 1 || length === EOF_BYTES || length >= LEAST_OK_BYTES;
    case Header.LOCAL_INFILE:
      return length > 1;
    case Header.ERR:
      return false;
    default:
      // the head is short: what is not there yet is waited for by who reads it
      if (view.available < at + HEADER_BYTES + length) return length <= 5;
      return readResultSetHead(view, at, length) !== undefined;
  }
}

/**
 * Whether a response begins at `at`, of a stream whose place is not known: stricter than {@link isPlausibleFirst}.
 * @param isLikely something else says that a packet begins here (the bytes of one system call).
 */
export function beginsResponse(view: ByteView, at: number, isLikely: boolean): boolean {
  const length = payloadLength(view, at);
  if (length < 1 || view.available < at + HEADER_BYTES + 1 || view.u8(at + 3) !== 1) return false;
  const first = view.u8(at + HEADER_BYTES);
  const end = at + HEADER_BYTES + length;
  switch (first) {
    case Header.ERR:
      return isFailure(view, at, length) && view.u8(at + HEADER_BYTES + 3) === SQL_STATE_MARK;
    case Header.OK:
      if (end > view.available) return false;
      if (length === 12 || length === 13) return isPrepared(view, at, end);
      return length >= LEAST_OK_BYTES && length < 1024 && end === view.available;
    case Header.EOF:
      return length === EOF_BYTES && end === view.available && isLikely;
    case Header.LOCAL_INFILE:
      return isLikely && end === view.available && length < 1024;
    default:
      return readResultSetHead(view, at, length) !== undefined && followsDefinition(view, end);
  }
}

/** COM_STMT_PREPARE_OK, alone or with the first definition behind it; or an OK_Packet of that length. */
function isPrepared(view: ByteView, at: number, end: number): boolean {
  return end === view.available || (view.u8(at + 13) === 0 && followsDefinition(view, end));
}

/** Sequence number 2, and the catalog that every definition of protocol 4.1 begins with. */
function followsDefinition(view: ByteView, at: number): boolean {
  return view.u8(at + 3) === 2 && beginsDefinition(view, at);
}
