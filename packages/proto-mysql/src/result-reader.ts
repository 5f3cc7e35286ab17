// SPDX-License-Identifier: Apache-2.0
import type { ByteView } from '@libtrace/core/plugin';
import { Status } from './capabilities.js';
import { HEADER_BYTES, MAX_PAYLOAD, payloadLength } from './packet-cursor.js';
import type { ResponseProgress } from './response-progress.js';
import { isFailure } from './response-start.js';
import {
  beginsDefinition,
  type Failure,
  Header,
  isEof,
  mayBePrepared,
  PROGRESS_CODE,
  readFailure,
  readPrepared,
  readResultSetHead,
  readSuccess,
  type Success,
} from './result-packets.js';
import type { Session } from './session.js';

/** What a packet did to the response it belongs to. `short`: it is not there as far as it is needed. */
export type Step = 'goes-on' | 'ends' | 'short' | 'invalid';

/** Bytes of a packet that says how a command went that are looked at. */
const MAX_RESULT_BYTES = 8192;

/**
 * Follows the packets of a response:
 * ```
 *  response   = 1*result
 *  result     = OK | ERR | EOF | file-request … result | result-set
 *  result-set = column-count *definition [EOF] *row (EOF | OK with fe | ERR)
 *  prepared   = STMT_PREPARE_OK [1*definition [EOF]] [1*definition [EOF]]
 * ```
 * Rows are counted, not read. Whether an EOF_Packet ends definitions is told by the packets themselves.
 */
export class ResultReader {
  readonly #session: Session;
  /** Where the packet that was taken ends; it may be behind what has arrived. */
  behind = 0;
  /** Bytes of the view that are needed, when a packet was short. */
  wanted = 0;
  /** The error that ended the response. */
  failure: Failure | undefined;
  /** Number of an EOF_Packet that may follow the response. */
  trailingEof: number | undefined;

  constructor(session: Session) {
    this.#session = session;
  }

  /** Takes the packet at `at`. `behind` is set when the response goes on or ends. */
  take(progress: ResponseProgress, view: ByteView, at: number): Step {
    const length = payloadLength(view, at);
    const isThere = length >= 0 && view.available >= at + HEADER_BYTES + Math.min(length, 1);
    this.wanted = at + HEADER_BYTES + 1;
    if (!isThere) return 'short';
    this.behind = at + HEADER_BYTES + length;
    if (progress.isContinued) {
      progress.isContinued = length === MAX_PAYLOAD;
      return 'goes-on';
    }
    const step = this.#packet(progress, view, at, length);
    if (step === 'goes-on') progress.isContinued = length === MAX_PAYLOAD;
    return step;
  }

  /** Takes the rows that are whole and short from `at` on; returns where the first other packet begins. */
  takeRows(progress: ResponseProgress, view: ByteView, at: number): number {
    const { buffer, start, available } = view;
    let rows = 0;
    let next = at;
    while (next + HEADER_BYTES < available) {
      const from = start + next;
      const length = buffer[from]! | (buffer[from + 1]! << 8) | (buffer[from + 2]! << 16);
      const end = next + HEADER_BYTES + length;
      if (length === 0 || length === MAX_PAYLOAD || end > available) break;
      if (buffer[from + HEADER_BYTES]! >= Header.EOF) break;
      next = end;
      rows++;
    }
    if (rows > 0) progress.addRows(rows);
    return next;
  }

  #packet(progress: ResponseProgress, view: ByteView, at: number, length: number): Step {
    switch (progress.stage) {
      case 'first':
        return this.#first(progress, view, at, length);
      case 'definitions':
        return this.#definition(progress, view, at, length);
      case 'behind-definitions':
        return progress.shape === 'prepare'
          ? this.#behindGroup(progress, view, at, length)
          : this.#behindDefinitions(progress, view, at, length);
      case 'rows':
        return this.#row(progress, view, at, length);
    }
  }

  #first(progress: ResponseProgress, view: ByteView, at: number, length: number): Step {
    const first = view.u8(at + HEADER_BYTES);
    if (first === Header.ERR && isFailure(view, at, length)) return this.#err(view, at, length);
    switch (progress.shape) {
      case 'text':
        return 'ends';
      case 'login':
        return first === Header.OK ? this.#ok(progress, view, at, length, false) : 'goes-on';
      case 'events':
        if (isEof(first, length)) return 'ends';
        progress.addEvent();
        return 'goes-on';
      case 'columns':
        return first === Header.EOF ? this.#ok(progress, view, at, length, false) : 'goes-on';
      case 'prepare':
        if (first !== Header.OK || length < 12) break;
        return this.#prepared(progress, view, at, length);
      case 'result':
      case 'rows':
      case 'nothing':
        break;
    }
    return this.#result(progress, view, at, length, first);
  }

  /** The first packet of what may be a result of any kind. */
  #result(
    progress: ResponseProgress,
    view: ByteView,
    at: number,
    length: number,
    first: number,
  ): Step {
    if (first === Header.EOF || (first === Header.OK && length > 2)) {
      // no definition follows an OK_Packet
      if (mayBePrepared(view, at, length) && beginsDefinition(view, this.behind)) {
        progress.isPrepare();
        return this.#prepared(progress, view, at, length);
      }
      if (progress.request === undefined) return this.#unknownOk(view, at, length);
      return this.#ok(progress, view, at, length, true);
    }
    if (first === Header.LOCAL_INFILE && length > 1) {
      progress.infile ??= {
        sinceNs: view.timestampNs,
        bytes: 0,
        hasEnded: false,
        isAnswered: false,
      };
      this.#session.infile = progress.infile;
      return 'goes-on';
    }
    // it says what follows: a part of it will not do
    if (this.#isShort(view, at, length) || view.available < this.behind) return 'short';
    const head = readResultSetHead(view, at, length);
    if (head === undefined) return 'invalid';
    progress.beginResultSet(head.hasMetadata ? head.columns : 0);
    return 'goes-on';
  }

  /** Of a command that is not known: it may be something else (a row that was fetched), its numbers mean nothing. */
  #unknownOk(view: ByteView, at: number, length: number): Step {
    if (this.#isShort(view, at, length)) return 'short';
    const { statusFlags } = readSuccess(view, at, length, this.#session.capabilities);
    const hasMore = ((statusFlags ?? 0) & Status.MORE_RESULTS_EXISTS) !== 0;
    const isFollowed = view.u8(this.behind + 3) === ((view.u8(at + 3) + 1) & 0xff);
    return hasMore && isFollowed ? 'goes-on' : 'ends';
  }

  #definition(progress: ResponseProgress, view: ByteView, at: number, length: number): Step {
    if (view.u8(at + HEADER_BYTES) === Header.ERR) return this.#err(view, at, length);
    if (length === MAX_PAYLOAD || --progress.definitions > 0) return 'goes-on';
    progress.stage = 'behind-definitions';
    const isLast = progress.shape === 'prepare' && progress.groups.length === 0;
    return isLast ? this.#lastGroupEnds(view, at) : 'goes-on';
  }

  #behindDefinitions(progress: ResponseProgress, view: ByteView, at: number, length: number): Step {
    const ends = isEof(view.u8(at + HEADER_BYTES), length);
    if (ends && this.#isShort(view, at, length)) return 'short';
    progress.stage = 'rows';
    this.#session.deprecatesEof = !ends;
    if (!ends) return this.#row(progress, view, at, length);
    const eof = readSuccess(view, at, length, this.#session.capabilities);
    // before protocol 4.1 there were no flags
    if (length === 1) return 'goes-on';
    // in a hole: rows may follow or not
    if (eof.statusFlags === undefined) return 'short';
    // a cursor was opened: its rows are fetched by further commands
    if ((eof.statusFlags & Status.CURSOR_EXISTS) !== 0) return this.#took(progress, eof, false);
    this.#session.tookStatus(eof.statusFlags);
    return 'goes-on';
  }

  #row(progress: ResponseProgress, view: ByteView, at: number, length: number): Step {
    const first = view.u8(at + HEADER_BYTES);
    if (first === Header.ERR) return this.#err(view, at, length);
    if (first === Header.EOF && length < MAX_PAYLOAD) {
      return this.#ok(progress, view, at, length, false);
    }
    progress.addRows(1);
    return 'goes-on';
  }

  // ---- STMT_PREPARE ----

  #prepared(progress: ResponseProgress, view: ByteView, at: number, length: number): Step {
    if (this.#isShort(view, at, length)) return 'short';
    const prepared = readPrepared(view, at, length);
    if (prepared === undefined) return 'short';
    const groups = [prepared.parameters, prepared.columns].filter((count) => count > 0);
    progress.prepared(prepared, groups);
    return prepared.hasMetadata && groups.length > 0 ? 'goes-on' : 'ends';
  }

  /** The packet behind a group of definitions: an EOF_Packet, or the first definition of the next group. */
  #behindGroup(progress: ResponseProgress, view: ByteView, at: number, length: number): Step {
    const ends = isEof(view.u8(at + HEADER_BYTES), length);
    this.#session.deprecatesEof = !ends;
    const next = progress.groups.shift();
    if (next === undefined) return ends ? 'ends' : 'invalid';
    progress.definitions = next;
    progress.stage = 'definitions';
    return ends ? 'goes-on' : this.#definition(progress, view, at, length);
  }

  /** The last definition ends: the response does too, unless an EOF_Packet follows. */
  #lastGroupEnds(view: ByteView, at: number): Step {
    const session = this.#session;
    if (session.deprecatesEof === false) return 'goes-on';
    // when one comes nevertheless it is stepped over
    this.trailingEof = (view.u8(at + 3) + 1) & 0xff;
    if (session.deprecatesEof === true) return 'ends';
    const next = this.behind;
    const isVisible = view.available > next + HEADER_BYTES;
    if (isVisible && isEof(view.u8(next + HEADER_BYTES), payloadLength(view, next))) {
      session.deprecatesEof = false;
      return 'goes-on';
    }
    return 'ends';
  }

  // ---- what ends a result ----

  /** An OK_Packet or EOF_Packet. `counts`: it says what a statement did. */
  #ok(
    progress: ResponseProgress,
    view: ByteView,
    at: number,
    length: number,
    counts: boolean,
  ): Step {
    if (this.#isShort(view, at, length)) return 'short';
    return this.#took(progress, readSuccess(view, at, length, this.#session.capabilities), counts);
  }

  #took(progress: ResponseProgress, success: Success, counts: boolean): Step {
    progress.took(success, counts);
    const hasMore = ((success.statusFlags ?? 0) & Status.MORE_RESULTS_EXISTS) !== 0;
    // only statements have several results
    if (!hasMore || progress.shape !== 'result') return 'ends';
    progress.stage = 'first';
    return 'goes-on';
  }

  #err(view: ByteView, at: number, length: number): Step {
    if (this.#isShort(view, at, length)) return 'short';
    const failure = readFailure(view, at, length);
    if (failure.code === PROGRESS_CODE) return 'goes-on';
    this.failure = failure;
    return 'ends';
  }

  /** Whether a packet is not there as far as it is looked at, and may still come. */
  #isShort(view: ByteView, at: number, length: number): boolean {
    this.wanted = at + HEADER_BYTES + Math.min(length, MAX_RESULT_BYTES);
    return view.available < this.wanted && view.hole === 0 && !view.ended;
  }
}
