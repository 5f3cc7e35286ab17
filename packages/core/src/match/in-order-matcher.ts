// SPDX-License-Identifier: Apache-2.0
import type { Side } from '../plugin/index.js';
import {
  earlyResponseNs,
  maxOutstanding,
  type EmitExchange,
  type ExchangeMatcher,
  type Lane,
} from './exchange-matcher.js';
import type { TimedMessage } from './timed-message.js';

/** A connection must be quiet this long before order is trusted again after pipelined messages were lost. */
const recoverNs = 1e9;

/**
 * First request, first response: exact, or not at all.
 *
 * As long as every message of both directions is accounted for, the next response belongs to the oldest request. What
 * may hide messages is remembered where it happened: a *gap* before a request (`afterGap`, or behind the last request),
 * and `desync` when responses may be hidden. From then on a response is paired only if the positions prove it on a
 * connection that never pipelined: it began where the response stream stood when the last request began, and that
 * request ended where the request stream stood when the response began. Everything else is reported alone.
 */
export class InOrderMatcher implements ExchangeMatcher {
  readonly #emit: EmitExchange;
  readonly #requests: Lane;
  readonly #responses: Lane;
  readonly #midstream: boolean;
  readonly #timeoutNs: number;
  readonly #oneWay: ((frame: unknown) => boolean) | undefined;
  /** Requests without a response, oldest first. */
  readonly #outstanding: TimedMessage[] = [];
  /** Requests that were reported before their responses came: the next responses are theirs. */
  #givenUp = 0;
  /** Requests may be hidden behind the last outstanding one. */
  #tailGap: boolean;
  /** Responses may be hidden, or one was reported alone: order alone proves nothing. */
  #desync: boolean;
  /** Several requests were outstanding at once. */
  #pipelined = false;
  /** Where the other stream stood when the last message of each side began. */
  #requestOpposite = -1;
  #responseOpposite = -1;
  /** Lost messages and pipelining: nothing is paired until the connection was quiet. */
  #ambiguous = false;
  /** Requests that begin before this position were answered by a response that was reported alone, or never. */
  #aloneUpTo = -1;
  /** Where the response to the next request must begin, after the end of the responses was lost and all was quiet. */
  #restartAt = -1;
  /** The next request comes after a silence that is known to be one, not just a lack of captured bytes. */
  #afterSilence = false;
  /** A response to a request that is still in progress. */
  #early: TimedMessage | undefined;

  constructor(
    emit: EmitExchange,
    requests: Lane,
    responses: Lane,
    midstream: boolean,
    timeoutMs: number,
    oneWay?: (frame: unknown) => boolean,
  ) {
    this.#emit = emit;
    this.#requests = requests;
    this.#responses = responses;
    this.#midstream = midstream;
    this.#timeoutNs = timeoutMs * 1e6;
    this.#oneWay = oneWay;
    this.#tailGap = midstream;
    this.#desync = midstream;
  }

  get waiting(): boolean {
    return this.#outstanding.length > 0 || this.#early !== undefined;
  }

  request(message: TimedMessage): void {
    if (this.#oneWay?.(message.frame) === true) {
      this.#emit(message, undefined, 'none', 0);
      return;
    }
    // No response byte moved between two requests, or no request byte between two responses: pipelining.
    if (message.opposite >= 0 && message.opposite === this.#requestOpposite) this.#pipelined = true;
    this.#requestOpposite = message.opposite;
    if (this.#ambiguous || message.start < this.#aloneUpTo) {
      this.#emit(message, undefined, 'lost', 0);
      return;
    }
    const early = this.#early;
    if (early !== undefined) {
      this.#early = undefined;
      this.#emit(message, early, 'none', 0);
      return;
    }
    const outstanding = this.#outstanding;
    // All responses so far are known, and one is still owed.
    if (outstanding.length > 0 && !this.#desync && message.opposite >= 0) {
      this.#pipelined ||= message.opposite <= this.#responses.received;
    }
    // What a gap hides is as old as the silence: it has been answered.
    message.afterGap = this.#tailGap && !this.#afterSilence;
    this.#afterSilence = false;
    this.#tailGap = false;
    outstanding.push(message);
    if (outstanding.length > maxOutstanding) this.#giveUpOldest('lost');
  }

  response(message: TimedMessage): void {
    if (this.#oneWay?.(message.frame) === true) {
      this.#emit(undefined, message, 'unsolicited', 0);
      return;
    }
    if (message.opposite >= 0 && message.opposite === this.#responseOpposite) {
      this.#pipelined = true;
    }
    this.#responseOpposite = message.opposite;
    if (this.#ambiguous) {
      this.#emit(undefined, message, 'none', 0);
      return;
    }
    if (this.#desync) {
      if (!this.#restart(message)) this.#resolve(message);
      return;
    }
    if (this.#givenUp > 0) {
      this.#givenUp--;
      this.#emit(undefined, message, 'none', 0);
      return;
    }
    const oldest = this.#outstanding[0];
    if (oldest !== undefined && !oldest.afterGap) {
      this.#outstanding.shift();
      this.#emit(oldest, message, 'none', 0);
    } else if (oldest === undefined && this.#answersRequestInProgress(message.opposite)) {
      this.#early = message;
    } else {
      this.#resolve(message);
    }
  }

  lost(side: Side, began: boolean): void {
    if (this.#ambiguous) return;
    if (side === 'request') {
      this.#tailGap = true;
      const early = this.#early;
      this.#early = undefined;
      if (early !== undefined) this.#reportAlone(early);
      return;
    }
    if (began && !this.#desync) this.#loseNextResponse();
    this.#desync = true;
  }

  mustWait(opposite: number): boolean {
    if (this.#ambiguous) return false;
    const oldest = this.#outstanding[0];
    if (!this.#desync && (this.#givenUp > 0 || (oldest !== undefined && !oldest.afterGap))) {
      return false;
    }
    if (opposite > this.#requests.received) return true;
    return (
      oldest === undefined &&
      !this.#requests.busy &&
      !this.#midstream &&
      !this.#desync &&
      !this.#tailGap
    );
  }

  requestArrives(
    opposite: number,
    startNs: number,
    quietSinceNs: number,
    isCertain: boolean,
  ): void {
    if (startNs - quietSinceNs < recoverNs || this.#early !== undefined) return;
    if (this.#requests.busy || this.#requests.seeking) return;
    const { received, busy, seeking } = this.#responses;
    const isWhole = opposite === received;
    if (opposite < received) return;
    if (isWhole) {
      // A response that broke off, with nothing behind it, is still owed.
      if (!this.#ambiguous || busy || seeking) return;
    } else if (!this.#ambiguous && !isCertain) {
      return;
    }
    for (const request of this.#outstanding.splice(0)) this.#emit(request, undefined, 'lost', 0);
    this.#restartAt = isWhole ? -1 : opposite;
    this.#afterSilence = isCertain;
    this.#ambiguous = false;
    this.#desync = !isWhole;
    this.#tailGap = false;
    this.#givenUp = 0;
  }

  tick(nowNs: number, responding: boolean): void {
    const early = this.#early;
    if (early !== undefined && nowNs - early.endNs >= earlyResponseNs) {
      this.#early = undefined;
      const held = this.#requests.takeHeld();
      if (held === undefined) this.#reportAlone(early);
      else this.#emit(held, early, 'none', 0);
    }
    // The oldest one is being answered when a response is in progress and order is intact.
    if (responding && !this.#desync) return;
    while (this.#outstanding.length > 0) {
      const oldest = this.#outstanding[0]!;
      if (nowNs - oldest.endNs < this.#timeoutNs) return;
      this.#giveUpOldest(this.#mayBeAnswered(oldest) ? 'lost' : 'unanswered');
    }
  }

  close(fragmentBytes: number): void {
    const early = this.#early;
    this.#early = undefined;
    if (early !== undefined) this.#emit(undefined, early, 'none', 0);
    const requests = this.#outstanding.splice(0);
    let fragment = fragmentBytes;
    for (const request of requests) {
      if (this.#mayBeAnswered(request)) {
        this.#emit(request, undefined, 'lost', 0);
      } else if (fragment > 0 && this.#givenUp === 0 && !request.afterGap) {
        this.#emit(request, undefined, 'fragment', fragment);
      } else {
        this.#emit(request, undefined, 'unanswered', 0);
      }
      fragment = 0;
    }
  }

  /** Whether bytes moved since this request began that may have held its response. */
  #mayBeAnswered(request: TimedMessage): boolean {
    return this.#desync && this.#responses.received > request.opposite;
  }

  #answersRequestInProgress(opposite: number): boolean {
    return (
      !this.#tailGap &&
      this.#early === undefined &&
      this.#requests.busy &&
      this.#requests.messageStart < opposite
    );
  }

  /** The first response after all was quiet, at the very place where its request said that it would begin. */
  #restart(message: TimedMessage): boolean {
    const oldest = this.#outstanding[0];
    if (message.start !== this.#restartAt || oldest === undefined) return false;
    if (oldest.afterGap || oldest.opposite !== message.start) return false;
    this.#restartAt = -1;
    this.#desync = false;
    this.#outstanding.shift();
    this.#emit(oldest, message, 'none', 0);
    return true;
  }

  /** A response whose place in the order is not known: paired by position, or reported alone with all it may answer. */
  #resolve(message: TimedMessage): void {
    const outstanding = this.#outstanding;
    let candidates = 0;
    while (
      candidates < outstanding.length &&
      (message.opposite < 0 || outstanding[candidates]!.start < message.opposite)
    ) {
      candidates++;
    }
    const last = candidates > 0 ? outstanding[candidates - 1]! : undefined;
    const proven =
      this.#desync &&
      !this.#pipelined &&
      last !== undefined &&
      last.end === message.opposite &&
      last.opposite === message.start;
    if (!proven) {
      this.#reportAlone(message);
      return;
    }
    const answered = outstanding.splice(0, candidates);
    answered.pop();
    this.#desync = false;
    this.#givenUp = 0;
    for (const request of answered) this.#emit(request, undefined, 'lost', 0);
    this.#emit(last, message, 'none', 0);
  }

  /** A response that cannot be paired; nor can any request that began before it, now or later. */
  #reportAlone(message: TimedMessage): void {
    const outstanding = this.#outstanding;
    const upTo = message.opposite < 0 ? this.#requests.received : message.opposite;
    let candidates = 0;
    while (candidates < outstanding.length && outstanding[candidates]!.start < upTo) candidates++;
    if (this.#pipelined) candidates = outstanding.length;
    const alone = outstanding.splice(0, candidates);
    this.#desync = true;
    this.#ambiguous = this.#pipelined;
    this.#afterSilence = false;
    this.#restartAt = -1;
    this.#givenUp = 0;
    this.#aloneUpTo = Math.max(this.#aloneUpTo, upTo);
    this.#emit(undefined, message, 'none', 0);
    for (const request of alone) this.#emit(request, undefined, 'lost', 0);
  }

  /** A response that had begun is lost; while order is intact it is known whose it was. */
  #loseNextResponse(): void {
    if (this.#givenUp > 0) {
      this.#givenUp--;
      return;
    }
    const oldest = this.#outstanding[0];
    if (oldest === undefined || oldest.afterGap) return;
    this.#outstanding.shift();
    this.#emit(oldest, undefined, 'lost', 0);
  }

  #giveUpOldest(absence: 'unanswered' | 'lost'): void {
    const oldest = this.#outstanding.shift()!;
    // What a gap hides is not counted: order is no longer known.
    if (oldest.afterGap) this.#desync = true;
    this.#givenUp++;
    this.#emit(oldest, undefined, absence, 0);
  }
}
