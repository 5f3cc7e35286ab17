// SPDX-License-Identifier: Apache-2.0

/** Records waiting for one `for await` consumer. Bounded: the oldest is dropped, and counted, when it is full. */
export class RecordQueue<Rec> implements AsyncIterator<Rec, undefined> {
  readonly #max: number;
  readonly #onDrop: () => void;
  readonly #onReturn: (queue: RecordQueue<Rec>) => void;
  #items: (Rec | undefined)[] = [];
  #head = 0;
  #waiting: ((result: IteratorResult<Rec, undefined>) => void)[] = [];
  #ended = false;

  constructor(max: number, onDrop: () => void, onReturn: (queue: RecordQueue<Rec>) => void) {
    this.#max = max;
    this.#onDrop = onDrop;
    this.#onReturn = onReturn;
  }

  push(record: Rec): void {
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) {
      waiting({ value: record, done: false });
      return;
    }
    if (this.#items.length - this.#head >= this.#max) {
      this.#take();
      this.#onDrop();
    }
    this.#items.push(record);
  }

  /** No more records come; those that wait are still handed out. */
  end(): void {
    this.#ended = true;
    for (const waiting of this.#waiting.splice(0)) waiting({ value: undefined, done: true });
  }

  next(): Promise<IteratorResult<Rec, undefined>> {
    if (this.#head < this.#items.length)
      return Promise.resolve({ value: this.#take(), done: false });
    if (this.#ended) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  return(): Promise<IteratorResult<Rec, undefined>> {
    this.#items = [];
    this.#head = 0;
    this.end();
    this.#onReturn(this);
    return Promise.resolve({ value: undefined, done: true });
  }

  #take(): Rec {
    const record = this.#items[this.#head]!;
    this.#items[this.#head++] = undefined;
    if (this.#head > 1024 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return record;
  }
}
