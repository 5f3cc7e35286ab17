// SPDX-License-Identifier: Apache-2.0
import type { EmitPair, Matcher, Side } from '../plugin/index.js';
import type { EmitExchange, ExchangeMatcher } from './exchange-matcher.js';
import type { TimedMessage } from './timed-message.js';

/** Hands messages to the plugin's own matcher and what it pairs back to core. */
export class CustomMatcher implements ExchangeMatcher {
  readonly #matcher: Matcher<unknown>;
  readonly #emitPair: EmitPair<unknown>;

  constructor(emit: EmitExchange, matcher: Matcher<unknown>) {
    this.#matcher = matcher;
    this.#emitPair = (request, response, absence) => {
      if (request === undefined && response === undefined) return;
      emit(request, response, response === undefined ? (absence ?? 'unanswered') : 'none', 0);
    };
  }

  get waiting(): boolean {
    return this.#matcher.waiting === true;
  }

  request(message: TimedMessage): void {
    this.#matcher.push('request', message, this.#emitPair);
  }

  response(message: TimedMessage): void {
    this.#matcher.push('response', message, this.#emitPair);
  }

  lost(side: Side): void {
    this.#matcher.lost?.(side, this.#emitPair);
  }

  mustWait(): boolean {
    return false;
  }

  requestArrives(): void {
    // Order is the plugin's affair.
  }

  tick(nowNs: number): void {
    this.#matcher.tick?.(nowNs, this.#emitPair);
  }

  close(): void {
    this.#matcher.close?.(this.#emitPair);
  }
}
