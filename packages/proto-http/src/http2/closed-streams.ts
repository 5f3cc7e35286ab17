// SPDX-License-Identifier: Apache-2.0

/** So many streams are remembered. Frames of older ones have long arrived. */
const MAX_REMEMBERED = 1024;

/** Streams that were reported before both sides had ended them: frames of them may still be on their way. */
export class ClosedStreams {
  readonly #ids = new Set<number>();

  has(id: number): boolean {
    return this.#ids.size > 0 && this.#ids.has(id);
  }

  delete(id: number): void {
    this.#ids.delete(id);
  }

  add(id: number): void {
    this.#ids.add(id);
    if (this.#ids.size <= MAX_REMEMBERED) return;
    for (const oldest of this.#ids) {
      this.#ids.delete(oldest);
      return;
    }
  }
}
