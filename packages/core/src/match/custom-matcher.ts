// SPDX-License-Identifier: Apache-2.0
import type { Matcher, Message } from '../plugin/index.js';
import type { EmitExchange, ExchangeMatcher } from './exchange-matcher.js';
import type { TimedMessage } from './timed-message.js';

/** Hands messages to the plugin's own matcher and what it pairs back to core. */
export class CustomMatcher implements ExchangeMatcher {
  readonly waiting = false;
  readonly #matcher: Matcher<unknown>;
  readonly #emitPair: (
    request: Message<unknown> | undefined,
    response: Message<unknown> | undefined,
  ) => void;

  constructor(emit: EmitExchange, matcher: Matcher<unknown>) {
    this.#matcher = matcher;
    this.#emitPair = (request, response) => {
      if (request === undefined && response === undefined) return;
      // Matchers hand back the messages they were given.
      emit(
        request as TimedMessage | undefined,
        response as TimedMessage | undefined,
        response === undefined ? 'unanswered' : 'none',
        0,
      );
    };
  }

  request(message: TimedMessage): void {
    this.#matcher.push('request', message, this.#emitPair);
  }

  response(message: TimedMessage): void {
    this.#matcher.push('response', message, this.#emitPair);
  }

  lost(): void {
    // The plugin's matcher knows its messages, not their order: nothing to tell it.
  }

  mustWait(): boolean {
    return false;
  }

  requestArrives(): void {
    // As for lost.
  }

  tick(): void {
    // A custom matcher keeps no time.
  }

  close(): void {
    // What a custom matcher still holds was never declared an exchange.
  }
}
