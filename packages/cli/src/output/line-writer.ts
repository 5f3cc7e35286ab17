// SPDX-License-Identifier: Apache-2.0
import type { ByteSink } from './byte-sink.js';

const defaultMaxQueuedChars = 32 * 1024 * 1024;
const maxWriteChars = 1024 * 1024;

/**
 * Lines on their way to a sink. They are written in batches, so that tens of thousands a second cost a few system calls;
 * when the reader does not keep up they wait in a bounded queue, and what no longer fits is dropped and counted.
 */
export class LineWriter {
  readonly #sink: ByteSink;
  readonly #maxQueuedChars: number;
  readonly #onError: (error: Error) => void;
  #queue: string[] = [];
  #queuedChars = 0;
  #pumping: Promise<void> | undefined;
  #dropped = 0;
  #failed = false;

  /** `onError` is called once, with the first error of the sink; later lines go nowhere. */
  constructor(
    sink: ByteSink,
    onError: (error: Error) => void,
    maxQueuedChars = defaultMaxQueuedChars,
  ) {
    this.#sink = sink;
    this.#onError = onError;
    this.#maxQueuedChars = maxQueuedChars;
  }

  /** Lines that did not fit in the queue. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Characters that wait to be written. */
  get queuedChars(): number {
    return this.#queuedChars;
  }

  /** True when the queue takes another line; false also counts the line that the caller then need not format. */
  accepts(): boolean {
    if (this.#failed) return false;
    if (this.#queuedChars < this.#maxQueuedChars) return true;
    this.#dropped += 1;
    return false;
  }

  /** Queues a text with its line end, whatever the length of the queue. */
  push(text: string): void {
    if (this.#failed || text === '') return;
    this.#queue.push(text);
    this.#queuedChars += text.length;
    this.#pumping ??= this.#pump();
  }

  /** Resolves when everything queued was written, or the sink failed. */
  async drain(): Promise<void> {
    await this.#pumping;
  }

  async #pump(): Promise<void> {
    // Let the rest of a batch of records be queued first.
    await new Promise((resolve) => setImmediate(resolve));
    try {
      while (this.#queue.length > 0) {
        const batch = this.#takeBatch();
        await this.#sink.write(batch);
        this.#queuedChars -= batch.length;
      }
    } catch (error) {
      this.#failed = true;
      this.#queue = [];
      this.#queuedChars = 0;
      this.#onError(error as Error);
    } finally {
      this.#pumping = undefined;
    }
  }

  #takeBatch(): string {
    let chars = 0;
    let count = 0;
    while (count < this.#queue.length && (count === 0 || chars < maxWriteChars)) {
      chars += this.#queue[count]!.length;
      count += 1;
    }
    const lines = count === this.#queue.length ? this.#queue : this.#queue.slice(0, count);
    this.#queue = count === this.#queue.length ? [] : this.#queue.slice(count);
    return lines.join('');
  }
}
