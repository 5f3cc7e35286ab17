// SPDX-License-Identifier: Apache-2.0

/** PROTOCOLS_MAX and PROTOCOL_UNNUMBERED of bpf/socket_tracer_api.bpf.h. */
const PROTOCOLS_MAX = 250;
export const UNNUMBERED = 255;

/**
 * The numbers by which the kernel side of one tracer knows protocols. A name keeps its number for the life of the tracer,
 * and a number never serves another name: what an old event, or an old entry of the connection table says stays true.
 */
export class ProtocolNumbers {
  readonly #names: (string | undefined)[] = [undefined];
  readonly #numbers = new Map<string, number>();

  /** The number of a name, given to it now if it has none; {@link UNNUMBERED} when all are given away. */
  assign(name: string): number {
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    if (this.#names.length > PROTOCOLS_MAX) return UNNUMBERED;
    this.#numbers.set(name, this.#names.length);
    return this.#names.push(name) - 1;
  }

  /** Number to put into a verdict: a protocol without one is named by user space, and the rules do not know it. */
  numberOf(name: string): number {
    return this.#numbers.get(name) ?? UNNUMBERED;
  }

  /** Name of a number; undefined for 0 (none) and numbers that were not given. */
  nameOf(number: number): string | undefined {
    return this.#names[number];
  }
}
