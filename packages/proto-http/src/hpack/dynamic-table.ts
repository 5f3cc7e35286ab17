// SPDX-License-Identifier: Apache-2.0
import type { TableEntry } from './static-table.js';

/** Size of a table before its encoder says otherwise (RFC 9113 §6.5.2, SETTINGS_HEADER_TABLE_SIZE). */
export const INITIAL_SIZE = 4096;
/** More is not kept, whatever size was agreed on: entries beyond are unknown. */
export const MAX_KEPT_SIZE = 65_536;

/** What an entry counts besides its name and value (RFC 7541 §4.1). */
const ENTRY_OVERHEAD = 32;
/** Dropped entries in front of the list that are worth a copy. */
const COMPACT_AT = 64;

interface Slot extends TableEntry {
  readonly size: number;
}

/**
 * The dynamic table of one direction (RFC 7541 §2.3.2), as far as it was seen being built.
 *
 * An index counts from the newest entry. So an entry whose insertion was seen is found exactly, although all that was
 * inserted before the connection was joined, or hidden by a hole, is unknown: the entry at distance `d` is the one that
 * `d` insertions followed, and every insertion since joining was seen. Nothing else matters:
 * - **When the real table evicts** is not known after joining, as its size is not. An encoder never refers to what it
 *   evicted, so an entry that is kept too long here is never asked for.
 * - **An entry larger than the real table** empties it and is not inserted (§4.4). Here it is kept and counts as one
 *   insertion; but everything that can still be referred to is newer than it, and has the right distance.
 * - **Entries that are dropped here too early** (a real table larger than {@link MAX_KEPT_SIZE}) are unknown, not wrong.
 * - **The size of an entry whose name is unknown** is a lower bound. It only delays dropping.
 *
 * Only a missed insertion could make an index wrong: whoever misses one calls {@link lose}.
 */
export class DynamicTable {
  /** Oldest first; slots before `#first` are dropped. */
  #slots: (Slot | undefined)[] = [];
  #first = 0;
  #size = 0;
  #maxSize: number;

  /** @param whole true when the table is seen from its beginning, when it is empty */
  constructor(whole: boolean) {
    this.#maxSize = whole ? INITIAL_SIZE : MAX_KEPT_SIZE;
  }

  /** Entries that are known. */
  get length(): number {
    return this.#slots.length - this.#first;
  }

  /** RFC 7541 §4.1; what is unknown counts 0. */
  get size(): number {
    return this.#size;
  }

  /** The entry that `distance` insertions followed; undefined when it is unknown. */
  at(distance: number): TableEntry | undefined {
    return distance < this.length ? this.#slots[this.#slots.length - 1 - distance] : undefined;
  }

  /** RFC 7541 §4.4. Characters are bytes. */
  insert(name: string | undefined, value: string): void {
    const size = (name === undefined ? 0 : name.length) + value.length + ENTRY_OVERHEAD;
    this.#slots.push({ name, value, size });
    this.#size += size;
    this.#evict();
  }

  /**
   * The encoder limits the table (RFC 7541 §6.3). It must do so whenever a SETTINGS_HEADER_TABLE_SIZE of the decoder
   * changes its limit (§4.2), so that SETTINGS frames need not be looked at.
   */
  resize(maxSize: number): void {
    this.#maxSize = Math.min(maxSize, MAX_KEPT_SIZE);
    this.#evict();
  }

  /** Insertions may have been missed: what is older than now is unknown. */
  lose(): void {
    this.#slots = [];
    this.#first = 0;
    this.#size = 0;
    this.#maxSize = MAX_KEPT_SIZE;
  }

  #evict(): void {
    while (this.#size > this.#maxSize) {
      this.#size -= this.#slots[this.#first]!.size;
      this.#slots[this.#first++] = undefined;
    }
    if (this.#first >= COMPACT_AT && this.#first * 2 >= this.#slots.length) {
      this.#slots = this.#slots.slice(this.#first);
      this.#first = 0;
    }
  }
}
