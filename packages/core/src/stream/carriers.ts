// SPDX-License-Identifier: Apache-2.0

const none: readonly number[] = Object.freeze([]);

/** Which plaintext connections each socket carries: one, or more when a program speaks TLS anew on it. */
export class Carriers {
  readonly #plaintexts = new Map<number, readonly number[]>();

  bind(plaintext: number, carrier: number): void {
    const bound = this.plaintextsOf(carrier);
    if (!bound.includes(plaintext)) this.#plaintexts.set(carrier, [...bound, plaintext]);
  }

  unbind(plaintext: number, carrier: number): void {
    const left = this.plaintextsOf(carrier).filter((each) => each !== plaintext);
    if (left.length === 0) this.#plaintexts.delete(carrier);
    else this.#plaintexts.set(carrier, left);
  }

  /** Whether it carries any. */
  has(carrier: number): boolean {
    return this.#plaintexts.has(carrier);
  }

  /** What it carries, in the order in which that became known. Not changed afterwards. */
  plaintextsOf(carrier: number): readonly number[] {
    return this.#plaintexts.get(carrier) ?? none;
  }
}
