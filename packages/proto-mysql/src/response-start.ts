// SPDX-License-Identifier: Apache-2.0
import type { ByteView } from '@libtrace/core/plugin';
import type { ResponseShape } from './commands.js';
import { HEADER_BYTES, payloadLength } from './packet-cursor.js';
import { beginsDefinition, EOF_BYTES, Header, readResultSetHead } from './result-packets.js';

/** The least OK_Packet of protocol 4.1; before, flags and warnings were not there. */
const LEAST_OK_BYTES = 7;
const LEAST_OLD_OK_BYTES = 3;
/** It may say much of what changed in the session. */
const MOST_OK_BYTES = 4096;
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
  // the head of a result set is short: what is not there yet is waited for by who reads it
  const isWhole = view.available >= at + HEADER_BYTES + length;
  const mayBeHead = isWhole ? readResultSetHead(view, at, length) !== undefined : length <= 5;
  switch (first) {
    case Header.OK:
      return length >= LEAST_OLD_OK_BYTES || mayBeHead;
    case Header.EOF:
      return length === 1 || length === EOF_BYTES || length >= LEAST_OK_BYTES;
    case Header.LOCAL_INFILE:
      return length > 1;
    case Header.ERR:
      return false;
    default:
      return mayBeHead;
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
      if ((length === 12 || length === 13) && isPrepared(view, at, end)) return true;
      if (length > MOST_OK_BYTES) return false;
      if (length < LEAST_OK_BYTES) return length === 2 && isLikely && isChain(view, at);
      return end === view.available || (isLikely && isChain(view, at));
    case Header.EOF:
      return length === EOF_BYTES && end === view.available && isLikely;
    case Header.LOCAL_INFILE:
      return isLikely && end === view.available && length <= MOST_OK_BYTES;
    default:
      return (
        readResultSetHead(view, at, length) !== undefined &&
        (followsDefinition(view, end) || (isLikely && isChain(view, at)))
      );
  }
}

/**
 * Whether a response to a command of this shape begins at `at`, which is where the bytes of a system call begin: for
 * responses that {@link beginsResponse} does not know.
 */
export function beginsAwaited(shape: ResponseShape, view: ByteView, at: number): boolean {
  const length = payloadLength(view, at);
  if (length < 1 || view.available <= at + HEADER_BYTES) return false;
  if (!isPlausibleFirst(shape, view, at, length)) return false;
  const isAlone = at + HEADER_BYTES + length === view.available;
  if (shape === 'login') return isAlone;
  if (view.u8(at + 3) !== 1) return false;
  switch (shape) {
    case 'text':
      return isAlone;
    case 'columns':
      return beginsDefinition(view, at);
    case 'rows':
    case 'events':
      return isAlone || isChain(view, at);
    case 'result':
    case 'prepare':
    case 'nothing':
      return false;
  }
}

/** COM_STMT_PREPARE_OK, alone or with the first definition behind it; or an OK_Packet of that length. */
function isPrepared(view: ByteView, at: number, end: number): boolean {
  return end === view.available || (view.u8(at + 13) === 0 && followsDefinition(view, end));
}

/** Packets to be seen in a row, when they do not end where the view does. */
const LEAST_CHAIN = 4;

/** Whether packets follow each other from `at` on, numbered in order, up to the very end of the view. */
function isChain(view: ByteView, at: number): boolean {
  let next = at;
  let number = 1;
  while (next + HEADER_BYTES <= view.available && view.u8(next + 3) === (number & 0xff)) {
    next += HEADER_BYTES + payloadLength(view, next);
    number++;
    if (next === view.available) return number > 2;
  }
  return next > view.available && number > LEAST_CHAIN;
}

/** Sequence number 2, and the catalog that every definition of protocol 4.1 begins with. */
function followsDefinition(view: ByteView, at: number): boolean {
  return view.u8(at + 3) === 2 && beginsDefinition(view, at);
}
