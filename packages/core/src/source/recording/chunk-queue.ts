// SPDX-License-Identifier: Apache-2.0
import type { RecordingSink } from './recording-sink.js';

/** Pieces of a file on their way to a sink, in order. Who pushes looks at {@link writtenBytes} to bound the queue. */
export class ChunkQueue {
  readonly #sink: RecordingSink;
  readonly #onError: ((error: Error) => void) | undefined;
  #waiting: Buffer[] = [];
  #pumping: Promise<void> | undefined;
  #writtenBytes = 0;
  #failed = false;

  constructor(sink: RecordingSink, onError: ((error: Error) => void) | undefined) {
    this.#sink = sink;
    this.#onError = onError;
  }

  /** Bytes that the sink has taken. */
  get writtenBytes(): number {
    return this.#writtenBytes;
  }

  /** The sink failed: nothing is written any more. */
  get failed(): boolean {
    return this.#failed;
  }

  push(chunk: Buffer): void {
    if (this.#failed) return;
    this.#waiting.push(chunk);
    this.#pumping ??= this.#pump();
  }

  /** Resolves when everything pushed was written, or the sink failed. */
  async drain(): Promise<void> {
    await this.#pumping;
  }

  async #pump(): Promise<void> {
    try {
      for (let chunks = this.#take(); chunks.length > 0; chunks = this.#take()) {
        for (const chunk of chunks) {
          await this.#sink.write(chunk);
          this.#writtenBytes += chunk.length;
        }
      }
    } catch (error) {
      this.#failed = true;
      this.#waiting = [];
      this.#onError?.(error as Error);
    } finally {
      this.#pumping = undefined;
    }
  }

  #take(): Buffer[] {
    const taken = this.#waiting;
    this.#waiting = [];
    return taken;
  }
}
