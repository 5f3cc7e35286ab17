// SPDX-License-Identifier: Apache-2.0
import type { Verdict } from '../stream/pipeline-types.js';

/** A verdict is in force for segments that moved so much later. */
const TAKEN_NS = 10e6;

interface Told {
  readonly verdict: Verdict;
  /** When it was told last. */
  atNs: number;
}

/**
 * What the kernel side was told of connections that it cannot name itself. Verdicts share a table of slots, in which one
 * may take the place of another that has not been looked at yet: a segment that comes without a name says so.
 */
export class ToldVerdicts {
  readonly #tell: (connectionId: number, verdict: Verdict) => void;
  readonly #protocols = new Map<number, Told>();

  constructor(tell: (connectionId: number, verdict: Verdict) => void) {
    this.#tell = tell;
  }

  /** Tells the kernel side. */
  tell(connectionId: number, verdict: Verdict, nowNs: number): void {
    if (verdict.kind === 'protocol') this.#protocols.set(connectionId, { verdict, atNs: nowNs });
    else this.#protocols.delete(connectionId);
    this.#tell(connectionId, verdict);
  }

  /** A segment came without a name, which moved at that time: when its connection has one, it is told again. */
  unnamed(connectionId: number, endNs: number): void {
    const told = this.#protocols.get(connectionId);
    if (told === undefined || endNs < told.atNs + TAKEN_NS) return;
    told.atNs = endNs;
    this.#tell(connectionId, told.verdict);
  }

  closed(connectionId: number): void {
    this.#protocols.delete(connectionId);
  }

  clear(): void {
    this.#protocols.clear();
  }
}
