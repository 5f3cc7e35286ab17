// SPDX-License-Identifier: Apache-2.0
import type { Segment } from '../plugin/index.js';
import type { Budget, Counters } from './counters.js';
import { OwnedSegment } from './owned-segment.js';

/** Response segments that wait for the events of their requests. Bounded: beyond the caps bytes become a hole. */
export class Deferral {
  readonly #counters: Counters;
  readonly #budget: Budget;
  readonly #segments: OwnedSegment[] = [];
  #cost = 0;

  constructor(counters: Counters, budget: Budget) {
    this.#counters = counters;
    this.#budget = budget;
  }

  get first(): OwnedSegment | undefined {
    return this.#segments[0];
  }

  add(segment: Segment): void {
    const cost = segment.captured;
    const fits = this.#cost + cost <= this.#budget.perDirection && this.#budget.allows(cost);
    const last = this.#segments[this.#segments.length - 1];
    if (!fits && last !== undefined) {
      this.#counters.cappedBytes += segment.captured;
      last.extendHole(segment.position + segment.length);
      return;
    }
    const owned = new OwnedSegment(segment, fits ? segment.captured : 0);
    if (!fits) this.#counters.cappedBytes += segment.captured;
    this.#charge(owned.cost);
    this.#segments.push(owned);
  }

  shift(): OwnedSegment | undefined {
    const segment = this.#segments.shift();
    if (segment !== undefined) this.#charge(-segment.cost);
    return segment;
  }

  /** Hands over all of them, oldest first. */
  release(): readonly OwnedSegment[] {
    const segments = [...this.#segments];
    this.clear();
    return segments;
  }

  clear(): void {
    this.#segments.length = 0;
    this.#charge(-this.#cost);
  }

  #charge(cost: number): void {
    this.#cost += cost;
    this.#budget.charge(cost);
  }
}
