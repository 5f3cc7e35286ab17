// SPDX-License-Identifier: Apache-2.0
import type { Direction, Segment, TlsInfo } from '../../plugin/index.js';
import type { Budget } from '../counters.js';
import { TlsHandshake } from './handshake.js';

/** The TLS that a connection carries: its hellos while they are read, and what they told until the connection is closed. */
export class CarriedTls {
  readonly #budget: Budget;
  #handshake: TlsHandshake | undefined;
  #info: TlsInfo | undefined;
  /** To be read when the segment in which TLS may begin was. */
  #behind: readonly Segment[] = [];

  constructor(budget: Budget) {
    this.#budget = budget;
  }

  /** What is known; undefined when no TLS was looked for. */
  get info(): TlsInfo | undefined {
    return this.#handshake?.info ?? this.#info;
  }

  /** The hellos are being read. */
  get isReading(): boolean {
    return this.#handshake !== undefined;
  }

  /** What was read so far is TLS. */
  get isTls(): boolean {
    return this.#handshake?.isTls === true;
  }

  /** Nothing more will be learned. */
  get isDone(): boolean {
    return this.#handshake?.isDone === true;
  }

  /** TLS begins somewhere in the segments that are taken. */
  begin(): void {
    this.#handshake = new TlsHandshake(this.#budget, undefined);
  }

  /** TLS begins at these positions. `behind`: what comes after the next segment that is taken. */
  beginAt(starts: Readonly<Record<Direction, number>>, behind: readonly Segment[]): void {
    this.#handshake = new TlsHandshake(this.#budget, starts);
    this.#behind = behind;
  }

  take(segment: Segment): void {
    this.#handshake?.take(segment);
    for (const each of this.#behind) this.#handshake?.take(each);
    this.#behind = [];
  }

  /** Reads no more; what is known stays. */
  end(): void {
    this.#info = this.info;
    this.#handshake?.end();
    this.#handshake = undefined;
    this.#behind = [];
  }
}
