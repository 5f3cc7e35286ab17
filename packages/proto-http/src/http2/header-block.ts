// SPDX-License-Identifier: Apache-2.0
import type { ByteView } from '@libtrace/core/plugin';

/** A header block with more bytes is not decoded. */
export const MAX_BLOCK_BYTES = 524_288;
/** What a fragment costs besides its bytes. */
const FRAGMENT_OVERHEAD = 128;

/** A header block that is put together from several frames (RFC 9113 §4.3). */
export class HeaderBlock {
  readonly streamId: number;
  readonly promisedId: number | undefined;
  readonly endStream: boolean;
  readonly #fragments: Buffer[] = [];
  #cost = 0;
  /** What follows {@link joined} is not known: it lay in a hole, or was too much. */
  cut = false;

  constructor(streamId: number, promisedId: number | undefined, endStream: boolean) {
    this.streamId = streamId;
    this.promisedId = promisedId;
    this.endStream = endStream;
  }

  /** Nothing was added. */
  get isEmpty(): boolean {
    return this.#fragments.length === 0 && !this.cut;
  }

  /** Keeps a copy of bytes `from … to` of the view; `whole` says that the fragment has no others. */
  add(view: ByteView, from: number, to: number, whole: boolean): void {
    if (this.cut) return;
    this.#cost += Math.max(0, to - from) + FRAGMENT_OVERHEAD;
    if (this.#cost > MAX_BLOCK_BYTES) {
      this.cut = true;
      return;
    }
    this.#fragments.push(view.copy(from, to));
    if (!whole) this.cut = true;
  }

  joined(): Buffer {
    return Buffer.concat(this.#fragments);
  }
}
