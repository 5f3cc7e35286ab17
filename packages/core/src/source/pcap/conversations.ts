// SPDX-License-Identifier: Apache-2.0

/** What is known by its two ends. */
export interface Conversation {
  /** The key of packets from either end. Equal when both ends are. */
  readonly keys: readonly [string, string];
}

/** Where a packet belongs, and which end sent it. */
export interface Place<T> {
  readonly conversation: T;
  readonly from: 0 | 1;
}

/** Conversations by the keys of their packets, in the order of their last use. */
export class Conversations<T extends Conversation> {
  readonly #places = new Map<string, Place<T>>();
  readonly #order = new Set<T>();
  #newest: T | undefined;

  get size(): number {
    return this.#order.size;
  }

  find(key: string): Place<T> | undefined {
    return this.#places.get(key);
  }

  add(conversation: T): Place<T> {
    const [key, reverse] = conversation.keys;
    const place: Place<T> = { conversation, from: 0 };
    this.#places.set(reverse, { conversation, from: 1 });
    this.#places.set(key, place);
    this.touch(conversation);
    return place;
  }

  touch(conversation: T): void {
    if (conversation === this.#newest) return;
    this.#newest = conversation;
    this.#order.delete(conversation);
    this.#order.add(conversation);
  }

  delete(conversation: T): void {
    if (!this.#order.delete(conversation)) return;
    if (this.#newest === conversation) this.#newest = undefined;
    for (const key of conversation.keys) this.#places.delete(key);
  }

  /** The one that was not used for the longest time. */
  oldest(): T | undefined {
    for (const conversation of this.#order) return conversation;
    return undefined;
  }

  [Symbol.iterator](): IterableIterator<T> {
    return this.#order.values();
  }
}
