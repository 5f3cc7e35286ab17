// SPDX-License-Identifier: Apache-2.0
import type { ByteView } from '@libtrace/core/plugin';

const MAX_BYTES = 64;
const empty = Buffer.alloc(0);

/**
 * What was left of one direction when no beginning of a message was found in it. Core hands the last bytes over again,
 * before those of the next system call, where a message is likely to begin.
 */
export class SeekTail {
  #bytes: Buffer = empty;

  /** Offset at which the bytes of another system call begin in the view, as far as that can be told; else 0. */
  behind(view: ByteView): number {
    const { length } = this.#bytes;
    if (length === 0 || view.available <= length) return 0;
    return view.bytes(0, length).equals(this.#bytes) ? length : 0;
  }

  /** Nothing was found in the view; `from`: where the search began. */
  keep(view: ByteView, from: number): void {
    const start = Math.max(from, view.available - MAX_BYTES);
    this.#bytes = start < view.available ? view.copy(start, view.available) : empty;
  }

  forget(): void {
    this.#bytes = empty;
  }
}
