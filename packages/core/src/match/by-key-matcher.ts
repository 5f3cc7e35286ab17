// SPDX-License-Identifier: Apache-2.0
import type { Side } from '../plugin/index.js';
import {
  deferNs,
  maxOutstanding,
  type EmitExchange,
  type ExchangeMatcher,
  type Lane,
} from './exchange-matcher.js';
import type { TimedMessage } from './timed-message.js';

type Key = number | string;

/** What a by-key plugin says of its frames. */
export interface Keys {
  key(frame: unknown): Key;
  oneWay?(frame: unknown): boolean;
  readonly needsRequest?: boolean;
}

/** Pairs by a key that a request shares with its response. Order and loss do not matter to it. */
export class ByKeyMatcher implements ExchangeMatcher {
  readonly #emit: EmitExchange;
  readonly #keys: Keys;
  readonly #requestLane: Lane;
  readonly #responses: Lane;
  readonly #timeoutNs: number;
  readonly #requests = new Map<Key, TimedMessage>();
  /** Responses whose request's event may still be on its way. */
  readonly #early = new Map<Key, TimedMessage>();
  /** Where the response stream stood when bytes of it were last lost. */
  #lostAt = -1;

  constructor(emit: EmitExchange, keys: Keys, requests: Lane, responses: Lane, timeoutMs: number) {
    this.#emit = emit;
    this.#keys = keys;
    this.#requestLane = requests;
    this.#responses = responses;
    this.#timeoutNs = timeoutMs * 1e6;
  }

  get waiting(): boolean {
    return this.#requests.size > 0 || this.#early.size > 0;
  }

  request(message: TimedMessage): void {
    if (this.#keys.oneWay?.(message.frame) === true) {
      this.#emit(message, undefined, 'none', 0);
      return;
    }
    const key = this.#keys.key(message.frame);
    const response = this.#early.get(key);
    if (response !== undefined) {
      this.#early.delete(key);
      this.#emit(message, response, 'none', 0);
      return;
    }
    const before = this.#requests.get(key);
    if (before !== undefined) {
      this.#requests.delete(key);
      this.#emit(before, undefined, 'lost', 0);
    }
    this.#requests.set(key, message);
    if (this.#requests.size > maxOutstanding) this.#giveUpOldest('lost');
  }

  response(message: TimedMessage): void {
    if (this.#keys.oneWay?.(message.frame) === true) {
      this.#emit(undefined, message, 'unsolicited', 0);
      return;
    }
    const key = this.#keys.key(message.frame);
    const request = this.#requests.get(key);
    if (request !== undefined) {
      this.#requests.delete(key);
      this.#emit(request, message, 'none', 0);
      return;
    }
    const before = this.#early.get(key);
    this.#early.delete(key);
    this.#early.set(key, message);
    if (before !== undefined) this.#emit(undefined, before, 'none', 0);
    if (this.#early.size > maxOutstanding) this.#reportEarly();
  }

  lost(side: Side): void {
    if (side === 'response') this.#lostAt = this.#responses.received;
  }

  mustWait(opposite: number): boolean {
    return this.#keys.needsRequest === true && opposite > this.#requestLane.received;
  }

  requestArrives(): void {
    // Keys need no order.
  }

  tick(nowNs: number): void {
    for (const response of this.#early.values()) {
      if (nowNs - response.endNs < deferNs) break;
      this.#reportEarly();
    }
    for (const request of this.#requests.values()) {
      if (nowNs - request.endNs < this.#timeoutNs) break;
      this.#giveUpOldest(this.#absence(request));
    }
  }

  close(): void {
    while (this.#early.size > 0) this.#reportEarly();
    for (const request of this.#requests.values()) {
      this.#giveUpOldest(this.#absence(request));
    }
  }

  #absence(request: TimedMessage): 'unanswered' | 'lost' {
    return this.#lostAt > request.opposite ? 'lost' : 'unanswered';
  }

  #giveUpOldest(absence: 'unanswered' | 'lost'): void {
    for (const [key, request] of this.#requests) {
      this.#requests.delete(key);
      this.#emit(request, undefined, absence, 0);
      return;
    }
  }

  #reportEarly(): void {
    for (const [key, response] of this.#early) {
      this.#early.delete(key);
      this.#emit(undefined, response, 'none', 0);
      return;
    }
  }
}
