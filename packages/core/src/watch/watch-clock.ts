// SPDX-License-Identifier: Apache-2.0
import { monotonicNs } from '../kernel/clock.js';
import type { WatchClock } from './types.js';

/** The system's time. Its timers do not keep the program running. */
export const systemClock: WatchClock = {
  now: monotonicNs,
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs).unref();
    return () => clearTimeout(timer);
  },
};
