// SPDX-License-Identifier: Apache-2.0
import type { ByteView, ParseResult } from '@libtrace/core/plugin';
import type { MysqlFrame, MysqlResponseFrame } from './frames.js';
import { beginsGreeting, readGreeting } from './greeting.js';
import { HEADER_BYTES, payloadLength } from './packet-cursor.js';
import { ResponseProgress } from './response-progress.js';
import { isFailure, isPlausibleFirst } from './response-start.js';
import { Header, isEof, readFailure } from './result-packets.js';
import { ResultReader } from './result-reader.js';
import type { Session } from './session.js';
import type { SessionEffects } from './session-effects.js';

type Result = ParseResult<MysqlFrame>;

const notAResponse: Result = { status: 'invalid', why: 'no response begins here' };
/** Bytes of a greeting or a refusal that are looked at. */
const MAX_FIRST_BYTES = 2048;

/** Reads what the server sends: finds where responses begin and end. */
export class ResponseReader {
  readonly #session: Session;
  readonly #effects: SessionEffects;
  readonly #results: ResultReader;
  #progress: ResponseProgress | undefined;
  /** The rest of a response whose frame was handed on is stepped over. */
  #isAdrift = false;

  constructor(session: Session, effects: SessionEffects) {
    this.#session = session;
    this.#effects = effects;
    this.#results = new ResultReader(session);
  }

  get isOpen(): boolean {
    return this.#progress !== undefined;
  }

  /** Whether the end of the connection completes the response: a binary log has no other end. */
  get endCompletes(): boolean {
    return this.#progress?.shape === 'events';
  }

  forget(): void {
    if (this.#progress?.shape === 'login') this.#session.isAuthenticating = false;
    this.#progress = undefined;
    this.#session.isResponding = false;
    this.#isAdrift = false;
    this.#results.trailingEof = undefined;
  }

  /** The response in progress, as far as it is known. */
  end(): MysqlResponseFrame | undefined {
    const progress = this.#progress;
    this.#progress = undefined;
    const outcome = progress?.shape === 'events' ? 'ok' : 'unknown';
    return progress?.frame(outcome, undefined, progress.namespace);
  }

  /** Steps over the rest of a response whose frame was handed on, until another command is sent. */
  skipRest(view: ByteView): Result | undefined {
    const isRest = this.#isAdrift && this.#session.outstanding.length === 0;
    if (!isRest || view.available === 0) return undefined;
    return { status: 'skip', consumed: view.available + view.hole };
  }

  read(view: ByteView): Result {
    if (this.#progress === undefined) {
      const begun = this.#begin(view);
      if (begun !== undefined) return begun;
    }
    const progress = this.#progress!;
    const results = this.#results;
    let at = 0;
    for (;;) {
      if (progress.stage === 'rows' && !progress.isContinued) {
        at = results.takeRows(progress, view, at);
      }
      if (at >= view.available && at > 0 && view.hole === 0)
        return { status: 'part', consumed: at };
      switch (results.take(progress, view, at)) {
        case 'short':
          return this.#short(progress, view, at);
        case 'invalid':
          return notAResponse;
        case 'ends':
          return this.#ends(progress, results.behind);
        case 'goes-on':
          at = results.behind;
          if (at > view.available) return { status: 'part', consumed: at };
      }
    }
  }

  /** A response begins, unless something else is said. */
  #begin(view: ByteView): Result | undefined {
    const session = this.#session;
    const isAwaited = session.outstanding.length > 0;
    const rest = this.skipRest(view);
    if (rest !== undefined) return rest;
    if (view.available <= HEADER_BYTES) return { status: 'more', atLeast: HEADER_BYTES + 1 };
    this.#isAdrift = false;
    const length = payloadLength(view);
    const sequence = view.u8(3);
    const trailing = this.#trailingEof(view, length, sequence);
    if (trailing !== undefined) return trailing;
    // numbers of responses count on from those of commands
    if (!isAwaited && sequence === 0) {
      if (isShort(view, 2)) return { status: 'more', atLeast: HEADER_BYTES + 2 };
      if (beginsGreeting(view, HEADER_BYTES)) return this.#greeting(view, length);
      if (isFailure(view, 0, length)) return this.#unsolicited(view, length);
    }
    if (sequence === 0 && view.u8(HEADER_BYTES) !== Header.ERR) return notAResponse;
    const awaited = session.outstanding.answeredAt(view.timestampNs);
    const shape = awaited?.command.shape ?? (isAwaited ? undefined : session.incomplete);
    const isNumbered = shape !== undefined || sequence === 1;
    if (!isNumbered || !isPlausibleFirst(shape, view, 0, length)) return notAResponse;
    if (awaited === undefined) session.incomplete = undefined;
    const request = session.outstanding.answer(view.timestampNs);
    this.#progress = new ResponseProgress(session, request, shape);
    session.isResponding = true;
    return undefined;
  }

  /** An EOF_Packet that belongs to the response before: now it is known that definitions end with one. */
  #trailingEof(view: ByteView, length: number, sequence: number): Result | undefined {
    const expected = this.#results.trailingEof;
    this.#results.trailingEof = undefined;
    if (sequence !== expected || !isEof(view.u8(HEADER_BYTES), length)) return undefined;
    this.#session.deprecatesEof = false;
    return { status: 'skip', consumed: HEADER_BYTES + length };
  }

  #greeting(view: ByteView, length: number): Result {
    const consumed = HEADER_BYTES + length;
    if (isShort(view, length)) return { status: 'more', atLeast: consumed };
    this.#session.greeted(readGreeting(view, HEADER_BYTES, consumed));
    return { status: 'skip', consumed };
  }

  /** The server says why it ends a connection on which nothing was asked. */
  #unsolicited(view: ByteView, length: number): Result {
    const consumed = HEADER_BYTES + length;
    if (isShort(view, length)) return { status: 'more', atLeast: consumed };
    const progress = new ResponseProgress(this.#session, undefined);
    const frame = progress.frame('error', readFailure(view, 0, length), this.#session.namespace);
    return { status: 'frame', frame: { ...frame, unsolicited: true }, consumed };
  }

  /** The packet at `at` is not all there. */
  #short(progress: ResponseProgress, view: ByteView, at: number): Result {
    if (view.hole === 0) {
      return at > 0
        ? { status: 'part', consumed: at }
        : { status: 'more', atLeast: this.#results.wanted };
    }
    // A hole hides where the next packet begins. What is known is handed on, unless the hole may hide other responses.
    const { request } = progress;
    if (request === undefined || this.#session.outstanding.length > 0) return { status: 'more' };
    const frame = progress.frame('unknown', undefined, this.#effects.unknown(request));
    this.forget();
    this.#isAdrift = true;
    return { status: 'frame', frame, consumed: view.available + view.hole };
  }

  #ends(progress: ResponseProgress, consumed: number): Result {
    const session = this.#session;
    const { failure } = this.#results;
    this.#results.failure = undefined;
    this.#progress = undefined;
    session.isResponding = false;
    if (progress.infile !== undefined) progress.infile.isAnswered = true;
    if (progress.shape === 'login') session.isAuthenticating = false;
    if (progress.shape === 'events') session.isReplicating = false;
    if (failure !== undefined) {
      this.#effects.failed(progress.request);
      const frame = progress.frame('error', failure, progress.namespace);
      return { status: 'frame', frame, consumed };
    }
    const namespace = this.#effects.succeeded(progress);
    return { status: 'frame', frame: progress.frame('ok', undefined, namespace), consumed };
  }
}

/** Whether so many bytes of a first packet are not there and may still come. */
function isShort(view: ByteView, payload: number): boolean {
  const wanted = HEADER_BYTES + Math.min(payload, MAX_FIRST_BYTES);
  return view.available < wanted && view.hole === 0 && !view.ended;
}
