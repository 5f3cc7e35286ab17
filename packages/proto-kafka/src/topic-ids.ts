// SPDX-License-Identifier: Apache-2.0

/** Topics of many clusters fit. */
const MAX_TOPICS = 10_000;

/**
 * Names of topic ids (KIP-516), learned from responses on any connection: ids are random, so they mean the same topic
 * everywhere. Beyond a limit those that were not learned again for the longest time are forgotten.
 */
export class TopicIds {
  readonly #names = new Map<string, string>();

  get size(): number {
    return this.#names.size;
  }

  learn(id: string, name: string): void {
    this.#names.delete(id);
    this.#names.set(id, name);
    if (this.#names.size <= MAX_TOPICS) return;
    for (const oldest of this.#names.keys()) {
      this.#names.delete(oldest);
      return;
    }
  }

  nameOf(id: string): string | undefined {
    return this.#names.get(id);
  }
}
