// SPDX-License-Identifier: Apache-2.0
import type { ByteView } from '@libtrace/core/plugin';
import { Capability, Status } from './capabilities.js';
import { HEADER_BYTES, PacketCursor } from './packet-cursor.js';

/** First bytes of a payload that say what it is ("Generic Response Packets"). */
export const Header = { OK: 0x00, LOCAL_INFILE: 0xfb, EOF: 0xfe, ERR: 0xff } as const;

/** A payload of this length or more that begins with 0xfe is an OK_Packet, a shorter one an EOF_Packet. */
const LEAST_OK_BYTES = 7;
/** Payload of an EOF_Packet of protocol 4.1; before, it was a single byte. */
export const EOF_BYTES = 5;

/** Whether a packet of this first byte and length is an EOF_Packet. */
export function isEof(first: number, length: number): boolean {
  return first === Header.EOF && length < LEAST_OK_BYTES;
}

/** Whether a definition stands at `at`: all of protocol 4.1 begin with the catalog `def`. */
export function beginsDefinition(view: ByteView, at: number): boolean {
  return view.matches('\x03def', at + HEADER_BYTES);
}

/** What an OK_Packet or an EOF_Packet says. */
export interface Success {
  readonly isEof: boolean;
  readonly affectedRows: number | undefined;
  readonly lastInsertId: number | undefined;
  readonly statusFlags: number | undefined;
  readonly warnings: number | undefined;
  /** The database that is selected now, when the server says that it changed. */
  readonly schema: string | undefined;
  /** Some of it was not captured. */
  readonly isPartial: boolean;
}

/** What an ERR_Packet says. */
export interface Failure {
  readonly code: number | undefined;
  readonly sqlState: string | undefined;
  readonly message: string | undefined;
  /** Some of it was not captured. */
  readonly isPartial: boolean;
}

/** MariaDB: an ERR_Packet of this code reports progress, and the response goes on. */
export const PROGRESS_CODE = 0xffff;

/**
 * The OK_Packet or EOF_Packet whose header stands at `at`.
 * ```
 *  00 or fe | affected rows lenenc | last insert id lenenc | status 2 | warnings 2 | info | state changes
 *  fe | warnings 2 | status 2
 * ```
 */
export function readSuccess(
  view: ByteView,
  at: number,
  length: number,
  capabilities: number | undefined,
): Success {
  const cursor = new PacketCursor(view, at + HEADER_BYTES, at + HEADER_BYTES + length);
  const header = cursor.uint(1);
  if (isEof(header, length)) {
    const warnings = known(cursor.uint(2));
    const statusFlags = known(cursor.uint(2));
    const rest = { affectedRows: undefined, lastInsertId: undefined, schema: undefined };
    return { isEof: true, warnings, statusFlags, ...rest, isPartial: cursor.isPartial };
  }
  const affectedRows = known(cursor.lenenc());
  const lastInsertId = known(cursor.lenenc());
  const statusFlags = known(cursor.uint(2));
  const warnings = known(cursor.uint(2));
  const changed = statusFlags !== undefined && (statusFlags & Status.SESSION_STATE_CHANGED) !== 0;
  const tracks = capabilities === undefined || (capabilities & Capability.SESSION_TRACK) !== 0;
  const schema = changed && tracks ? readSchemaChange(cursor) : undefined;
  const { isPartial } = cursor;
  return { isEof: false, affectedRows, lastInsertId, statusFlags, warnings, schema, isPartial };
}

const SESSION_TRACK_SCHEMA = 1;

/** "Session State Information": `info lenenc | changes lenenc`, each of them `type 1 | data lenenc`. */
function readSchemaChange(cursor: PacketCursor): string | undefined {
  cursor.skip(Math.max(0, cursor.lenenc()));
  const total = cursor.lenenc();
  if (total < 0) return undefined;
  let schema: string | undefined;
  while (cursor.left > 0 && !cursor.cut) {
    const type = cursor.uint(1);
    const length = cursor.lenenc();
    if (length < 0) break;
    const behind = cursor.left - length;
    if (type === SESSION_TRACK_SCHEMA) schema = cursor.lenencString();
    if (cursor.left > behind) cursor.skip(cursor.left - behind);
  }
  return cursor.cut ? undefined : schema;
}

/** The ERR_Packet whose header stands at `at`: `ff | code 2 | # | SQLSTATE 5 | message`; before login no `#` part. */
export function readFailure(view: ByteView, at: number, length: number): Failure {
  const end = at + HEADER_BYTES + length;
  const cursor = new PacketCursor(view, at + HEADER_BYTES + 1, end);
  const code = known(cursor.uint(2));
  let sqlState: string | undefined;
  if (cursor.peek() === 0x23) {
    cursor.skip(1);
    sqlState = cursor.latin1(5);
    if (cursor.cut || !/^[0-9A-Z]{5}$/.test(sqlState)) sqlState = undefined;
  }
  const hasMessage = !cursor.cut && (cursor.left > 0 || !cursor.isPartial);
  const message = hasMessage ? cursor.utf8(cursor.left) + (cursor.isPartial ? '…' : '') : undefined;
  return { code, sqlState, message, isPartial: cursor.isPartial };
}

/** Column count and whether definitions follow, of the packet that begins a result set. */
export interface ResultSetHead {
  readonly columns: number;
  readonly hasMetadata: boolean;
}

/** More columns than any server allows (4,096) are none. */
const MAX_COLUMNS = 65_535;

/**
 * `column count lenenc`, and with CLIENT_OPTIONAL_RESULTSET_METADATA (or MariaDB's CACHE_METADATA) a byte that says
 * whether definitions follow. The documents disagree about which comes first; no result set has 0 columns, so that the
 * bytes tell. Undefined when this is no such packet.
 */
export function readResultSetHead(
  view: ByteView,
  at: number,
  length: number,
): ResultSetHead | undefined {
  if (length < 1 || length > 5) return undefined;
  const cursor = new PacketCursor(view, at + HEADER_BYTES, at + HEADER_BYTES + length);
  const first = cursor.lenenc();
  if (cursor.cut || first < 0) return undefined;
  if (cursor.left === 0) return headOf(first, 1);
  const second = cursor.lenenc();
  if (second < 0 || cursor.left > 0) return undefined;
  // both are 1 when there is one column with its definition
  return second <= 1 && first > 0 ? headOf(first, second) : headOf(second, first);
}

function headOf(columns: number, flag: number): ResultSetHead | undefined {
  if (columns < 1 || columns > MAX_COLUMNS || flag > 1) return undefined;
  return { columns, hasMetadata: flag === 1 };
}

/** What COM_STMT_PREPARE_OK says. */
export interface Prepared {
  readonly statementId: number;
  readonly columns: number;
  readonly parameters: number;
  readonly warnings: number | undefined;
  readonly hasMetadata: boolean;
}

/**
 * `00 | statement 4 | columns 2 | parameters 2 | 00 | warnings 2 | metadata follows 1`; undefined when it was not captured
 * as far as it says what follows.
 */
export function readPrepared(view: ByteView, at: number, length: number): Prepared | undefined {
  const cursor = new PacketCursor(view, at + HEADER_BYTES + 1, at + HEADER_BYTES + length);
  const statementId = cursor.uint(4);
  const columns = cursor.uint(2);
  const parameters = cursor.uint(2);
  if (cursor.cut) return undefined;
  cursor.skip(1);
  const warnings = cursor.left >= 2 ? cursor.uint(2) : undefined;
  // in a hole: definitions may follow or not
  if (length > 12 && cursor.left === 0) return undefined;
  const hasMetadata = cursor.left === 0 || cursor.uint(1) !== 0;
  return { statementId, columns, parameters, warnings, hasMetadata };
}

/** Whether an OK_Packet may just as well be a COM_STMT_PREPARE_OK. */
export function mayBePrepared(view: ByteView, at: number, length: number): boolean {
  return (length === 12 || length === 13) && view.u8(at + HEADER_BYTES + 9) === 0;
}

function known(value: number): number | undefined {
  return value < 0 ? undefined : value;
}
