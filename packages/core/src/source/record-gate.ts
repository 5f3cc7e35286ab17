// SPDX-License-Identifier: Apache-2.0

/**
 * Between a producer that makes records while it reads pieces of a file, and a consumer that takes them: the producer
 * reads on only when everything was taken.
 */
export class RecordGate<Rec> {
  #records: Rec[] = [];
  #ended = false;
  #wakeConsumer: (() => void) | undefined;
  #wakeProducer: (() => void) | undefined;

  push(record: Rec): void {
    this.#records.push(record);
    this.#wakeConsumer?.();
  }

  /** The producer is done, or the consumer is: nobody waits any longer. */
  end(): void {
    this.#ended = true;
    this.#wakeConsumer?.();
    this.#wakeProducer?.();
  }

  /** For the producer, before it reads on: resolves to false when nothing more is wanted. */
  async wanted(): Promise<boolean> {
    while (!this.#ended && this.#records.length > 0) {
      await new Promise<void>((resolve) => (this.#wakeProducer = resolve));
    }
    return !this.#ended;
  }

  /** For the consumer: the next records, or none at the end. */
  async take(): Promise<readonly Rec[]> {
    while (!this.#ended && this.#records.length === 0) {
      await new Promise<void>((resolve) => (this.#wakeConsumer = resolve));
    }
    const taken = this.#records;
    this.#records = [];
    this.#wakeProducer?.();
    return taken;
  }
}
