// SPDX-License-Identifier: Apache-2.0
import type { Side } from '../plugin/index.js';
import type { CustomMatcher } from './custom-matcher.js';
import type { ExchangeMatcher } from './exchange-matcher.js';
import type { InOrderMatcher } from './in-order-matcher.js';
import type { TimedMessage } from './timed-message.js';

/**
 * For a protocol with an ordered and a multiplexed dialect (HTTP/1 and HTTP/2): each frame goes to the matcher of its
 * dialect. While only ordered frames were seen, responses wait for their requests as in-order matching asks.
 */
export class TwoDialectMatcher implements ExchangeMatcher {
  readonly #ordered: InOrderMatcher;
  readonly #custom: CustomMatcher;
  readonly #inOrder: (frame: unknown) => boolean;
  #multiplexed = false;

  constructor(
    ordered: InOrderMatcher,
    custom: CustomMatcher,
    inOrder: (frame: unknown) => boolean,
  ) {
    this.#ordered = ordered;
    this.#custom = custom;
    this.#inOrder = inOrder;
  }

  get waiting(): boolean {
    return this.#ordered.waiting || this.#custom.waiting;
  }

  request(message: TimedMessage): void {
    this.#matcherOf(message).request(message);
  }

  response(message: TimedMessage): void {
    this.#matcherOf(message).response(message);
  }

  lost(side: Side, began: boolean): void {
    this.#ordered.lost(side, began);
    this.#custom.lost(side);
  }

  mustWait(opposite: number): boolean {
    return !this.#multiplexed && this.#ordered.mustWait(opposite);
  }

  requestArrives(
    opposite: number,
    startNs: number,
    quietSinceNs: number,
    isCertain: boolean,
  ): void {
    if (this.#multiplexed) return;
    this.#ordered.requestArrives(opposite, startNs, quietSinceNs, isCertain);
  }

  tick(nowNs: number, responding: boolean): void {
    this.#ordered.tick(nowNs, responding);
    this.#custom.tick(nowNs);
  }

  close(fragmentBytes: number): void {
    this.#ordered.close(fragmentBytes);
    this.#custom.close();
  }

  #matcherOf(message: TimedMessage): ExchangeMatcher {
    if (this.#inOrder(message.frame)) return this.#ordered;
    this.#multiplexed = true;
    return this.#custom;
  }
}
