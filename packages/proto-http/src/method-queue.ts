// SPDX-License-Identifier: Apache-2.0

/** What the framing of a response must know of its request (RFC 9112 §6.3, rules 1 and 2). */
export type AskedBy = 'other' | 'head' | 'connect' | 'unseen';

/** More unanswered HEAD and CONNECT requests than this are not waited for. */
const MAX_SPECIAL = 256;

/**
 * Tells which request a response answers, as far as framing needs to know: core pairs messages itself. Responses come
 * in the order of requests (RFC 9112 §9.3), so two counters and the numbers of the few HEAD and CONNECT requests do.
 *
 * After a hole the counters may be off by the messages it hid, and {@link sure} is false until a request and its
 * response followed each other with nothing between: the parser then looks at the bytes behind a head too.
 */
export class MethodQueue {
  #requests = 0;
  #responses = 0;
  #special: { readonly number: number; readonly kind: 'head' | 'connect' }[] = [];
  #sure: boolean;
  #alternated = false;

  /** @param sure false for a connection whose beginning was not seen */
  constructor(sure: boolean) {
    this.#sure = sure;
  }

  /** Whether what {@link response} says can be relied on. */
  get sure(): boolean {
    return this.#sure;
  }

  /** Whether a request was seen and its response was not. */
  get waiting(): boolean {
    return this.#requests > this.#responses;
  }

  /** Requests that were seen and whose responses were not. */
  get outstanding(): number {
    return Math.max(0, this.#requests - this.#responses);
  }

  /** A request was read. */
  request(method: string): void {
    if (!this.waiting && this.#alternated) this.#sure = true;
    this.#alternated = false;
    const number = this.#requests++;
    if (method !== 'HEAD' && method !== 'CONNECT') return;
    if (this.#special.length === MAX_SPECIAL) this.lose();
    else this.#special.push({ number, kind: method === 'HEAD' ? 'head' : 'connect' });
  }

  /** A final response was read: what asked for it? */
  response(): AskedBy {
    if (!this.waiting) {
      // when nothing was missed, its request is late, and must not be taken for unanswered when it comes
      if (this.#sure) this.#responses++;
      this.#sure = false;
      this.#alternated = false;
      return 'unseen';
    }
    this.#alternated = this.#requests - this.#responses === 1;
    const number = this.#responses++;
    const first = this.#special[0];
    if (first?.number !== number) return 'other';
    this.#special.shift();
    return first.kind;
  }

  /** Messages may have been missed on either side. */
  lose(): void {
    this.#requests = 0;
    this.#responses = 0;
    this.#special = [];
    this.#sure = false;
    this.#alternated = false;
  }
}
