// SPDX-License-Identifier: Apache-2.0
import type { EmitExchange, ExchangeMatcher } from './exchange-matcher.js';
import type { TimedMessage } from './timed-message.js';

/** For protocols without responses: every message is an exchange of its own. */
export class OneWayMatcher implements ExchangeMatcher {
  readonly waiting = false;
  readonly #emit: EmitExchange;

  constructor(emit: EmitExchange) {
    this.#emit = emit;
  }

  request(message: TimedMessage): void {
    this.#emit(message, undefined, 'none', 0);
  }

  response(message: TimedMessage): void {
    this.#emit(undefined, message, 'none', 0);
  }

  lost(): void {
    // Nothing is paired.
  }

  mustWait(): boolean {
    return false;
  }

  requestArrives(): void {
    // Nothing is paired.
  }

  tick(): void {
    // Nothing waits.
  }

  close(): void {
    // Nothing waits.
  }
}
