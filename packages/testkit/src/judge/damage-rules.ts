// SPDX-License-Identifier: Apache-2.0

/**
 * What a plugin cannot know after bytes were lost, or when it joins late. By default: nothing but sizes. An attribute
 * that is named here may be absent from a record or be a lower bound; it may never have a wrong value.
 */
export interface DamageRules {
  /**
   * Attributes that depend on what was learned before on the connection (HPACK entries, prepared statements), and
   * `'operation'` or `'status'` when they do: attributes may be absent, the operation and the status may differ.
   */
  readonly learned?: readonly string[];
  /**
   * Attributes that incomplete records may have too small, cut short at the end, or with fewer entries. Numbers whose
   * name ends in size, bytes, count, rows, length or messages always may.
   */
  readonly lowerBounds?: readonly string[];
  /** Attributes that only say that something is not known. */
  readonly markers?: readonly string[];
  /** Attributes that differ between the client's and the server's view. Default: `error.type`. */
  readonly perRole?: readonly string[];
  /** Turns of the conversation that may be lost behind a hole before all is right again. Default 0. */
  readonly recoverTurns?: number;
}

const sizeName = /(?:size|bytes|count|rows|length|messages)$/i;

/** {@link DamageRules} with every field, asked by name. */
export class Tolerance {
  readonly learned: ReadonlySet<string>;
  readonly markers: ReadonlySet<string>;
  readonly perRole: readonly string[];
  readonly recoverTurns: number;
  /** Requests find their responses by order alone. */
  readonly pairsByOrder: boolean;
  readonly #lowerBounds: ReadonlySet<string>;

  constructor(rules: DamageRules, pairsByOrder: boolean) {
    this.pairsByOrder = pairsByOrder;
    this.learned = new Set(rules.learned);
    this.markers = new Set(rules.markers);
    this.perRole = rules.perRole ?? ['error.type'];
    this.recoverTurns = rules.recoverTurns ?? 0;
    this.#lowerBounds = new Set(rules.lowerBounds);
  }

  /** Whether a value may stand in an incomplete record where a whole one has `whole`. */
  allowsPartOf(name: string, value: unknown, whole: unknown): boolean {
    const named = this.#lowerBounds.has(name);
    if (typeof value === 'number' && typeof whole === 'number') {
      return (named || sizeName.test(name)) && value <= whole;
    }
    if (!named) return false;
    if (typeof value === 'string' && typeof whole === 'string') {
      return whole.startsWith(value.replace(/…$/, ''));
    }
    return (
      Array.isArray(value) && Array.isArray(whole) && value.every((each) => whole.includes(each))
    );
  }
}
