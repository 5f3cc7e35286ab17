// SPDX-License-Identifier: Apache-2.0
import type { WatchClock } from './types.js';

/** One timer for whatever is due next. */
export class DueTimer {
  readonly #clock: WatchClock;
  readonly #run: () => void;
  #waiting: { readonly dueNs: number; readonly cancel: () => void } | undefined;

  constructor(clock: WatchClock, run: () => void) {
    this.#clock = clock;
    this.#run = run;
  }

  /** Runs at that time, or before it when something was due earlier. */
  by(dueNs: number): void {
    if (dueNs >= (this.#waiting?.dueNs ?? Infinity)) return;
    this.cancel();
    const delayMs = Math.max(1, Math.ceil((dueNs - this.#clock.now()) / 1e6));
    const cancel = this.#clock.after(delayMs, () => {
      this.#waiting = undefined;
      this.#run();
    });
    this.#waiting = { dueNs, cancel };
  }

  cancel(): void {
    this.#waiting?.cancel();
    this.#waiting = undefined;
  }
}
