// SPDX-License-Identifier: Apache-2.0
import type { Direction, Segment } from '../plugin/index.js';

/**
 * What the last segment moved, when it was short: perhaps a header whose message is read by the next call. The kernel
 * side keeps the same (bpf/inference.bpf.h, fill_window), so that both show the rules the same window.
 */
export class CarriedHeader {
  readonly #max: number;
  #bytes = Buffer.alloc(0);
  #direction: Direction | undefined;
  #end = 0;

  /** `max`: bytes that a header has at most; 0: nothing is carried. */
  constructor(max: number) {
    this.#max = max;
  }

  /** Whether the last segment was kept. */
  get holds(): boolean {
    return this.#direction !== undefined;
  }

  /** The bytes that belong before a segment: the segment goes on where they end, and nothing came between. */
  before(segment: Segment): Buffer | undefined {
    if (this.#direction !== segment.direction || this.#end !== segment.position) return undefined;
    return this.#bytes;
  }

  /** Keeps a segment for the next one, in place of what was kept. `joined`: it was itself put behind a header. */
  keep({ captured, data, dataStart, direction, length, position }: Segment, joined: boolean): void {
    this.#direction = undefined;
    if (joined || length > this.#max || captured !== length) return;
    this.#bytes = Buffer.from(data.subarray(dataStart, dataStart + length));
    this.#direction = direction;
    this.#end = position + length;
  }
}
