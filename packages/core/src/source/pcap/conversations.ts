// SPDX-License-Identifier: Apache-2.0

/** What is known by its two ends. A link of the lists of {@link Conversations}, which alone touches the links. */
export class Conversation {
  /** The key of packets from either end. Equal when both ends are. */
  readonly keys: readonly [string, string];
  older: this | undefined;
  newer: this | undefined;
  retired = false;

  constructor(keys: readonly [string, string]) {
    this.keys = keys;
  }
}

/** Where a packet belongs, and which end sent it. */
export interface Place<T> {
  readonly conversation: T;
  readonly from: 0 | 1;
}

/** A list whose members know their neighbours: a Set is slow to give its oldest member when many have left it. */
class Line<T extends Conversation> implements Iterable<T> {
  oldest: T | undefined;
  #newest: T | undefined;

  get newest(): T | undefined {
    return this.#newest;
  }

  add(member: T): void {
    member.older = this.#newest;
    member.newer = undefined;
    if (this.#newest === undefined) this.oldest = member;
    else this.#newest.newer = member;
    this.#newest = member;
  }

  remove(member: T): void {
    const { older, newer } = member;
    if (older === undefined) this.oldest = newer;
    else older.newer = newer;
    if (newer === undefined) this.#newest = older;
    else newer.older = older;
    member.older = member.newer = undefined;
  }

  *[Symbol.iterator](): Generator<T> {
    for (let member = this.oldest; member !== undefined; member = member.newer) yield member;
  }
}

/** Conversations by the keys of their packets. */
export class Conversations<T extends Conversation> {
  readonly #places = new Map<string, Place<T>>();
  readonly #open = new Line<T>();
  readonly #retired = new Line<T>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Those that are not retired, the least recently used first. */
  get open(): Iterable<T> {
    return this.#open;
  }

  /** The one that was not used for the longest time. */
  get oldest(): T | undefined {
    return this.#open.oldest;
  }

  /** The one that was retired first. */
  get oldestRetired(): T | undefined {
    return this.#retired.oldest;
  }

  find(key: string): Place<T> | undefined {
    return this.#places.get(key);
  }

  add(conversation: T): Place<T> {
    const [key, reverse] = conversation.keys;
    const place: Place<T> = { conversation, from: 0 };
    this.#places.set(reverse, { conversation, from: 1 });
    this.#places.set(key, place);
    this.#open.add(conversation);
    this.#size++;
    return place;
  }

  /** It is used. */
  touch(conversation: T): void {
    if (conversation.retired || conversation === this.#open.newest) return;
    this.#open.remove(conversation);
    this.#open.add(conversation);
  }

  /** It has ended, and is still to be found. */
  retire(conversation: T): void {
    if (conversation.retired) return;
    this.#open.remove(conversation);
    conversation.retired = true;
    this.#retired.add(conversation);
  }

  delete(conversation: T): void {
    const line = conversation.retired ? this.#retired : this.#open;
    line.remove(conversation);
    for (const key of conversation.keys) this.#places.delete(key);
    this.#size--;
  }
}
