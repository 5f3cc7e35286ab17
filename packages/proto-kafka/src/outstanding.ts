// SPDX-License-Identifier: Apache-2.0

/** Requests without a response yet: by these, responses are understood. The oldest are forgotten beyond a limit. */
export class Outstanding {
  readonly #requests = new Map<number, number>();
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#requests.size;
  }

  add(correlationId: number, apiKey: number, apiVersion: number): void {
    this.#requests.delete(correlationId);
    this.#requests.set(correlationId, apiKey * 0x10000 + apiVersion);
    if (this.#requests.size <= this.#limit) return;
    for (const oldest of this.#requests.keys()) {
      this.#requests.delete(oldest);
      return;
    }
  }

  /** Returns whether there was one. */
  delete(correlationId: number): boolean {
    return this.#requests.delete(correlationId);
  }

  has(correlationId: number): boolean {
    return this.#requests.has(correlationId);
  }

  /** What a response answers. */
  get(correlationId: number): { readonly apiKey: number; readonly apiVersion: number } | undefined {
    const request = this.#requests.get(correlationId);
    if (request === undefined) return undefined;
    return { apiKey: Math.floor(request / 0x10000), apiVersion: request % 0x10000 };
  }
}
