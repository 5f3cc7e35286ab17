// SPDX-License-Identifier: Apache-2.0
import type { Counters } from './counters.js';

/** Why a connection is not shown. */
export type HiddenReason = 'encrypted' | 'unrecognized';

/** Counts one connection among those that are not shown: once, and not at all when its plaintext is shown. */
export class NotShown {
  readonly #counters: Counters;
  #reason: HiddenReason | undefined;
  #isCovered = false;

  constructor(counters: Counters) {
    this.#counters = counters;
  }

  /** That it is encrypted is more than that nobody recognized it. */
  because(reason: HiddenReason): void {
    if (this.#reason === reason || (this.#reason !== undefined && reason === 'unrecognized'))
      return;
    if (this.#reason !== undefined) this.#count(this.#reason, -1);
    this.#reason = reason;
    this.#count(reason, 1);
  }

  /** What it carries is shown, on a connection of its own. */
  cover(): void {
    if (this.#isCovered) return;
    if (this.#reason !== undefined) this.#count(this.#reason, -1);
    this.#isCovered = true;
  }

  #count(reason: HiddenReason, by: 1 | -1): void {
    if (this.#isCovered) return;
    if (reason === 'encrypted') this.#counters.encryptedConnections += by;
    else this.#counters.unrecognizedConnections += by;
  }
}
