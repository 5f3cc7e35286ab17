// SPDX-License-Identifier: Apache-2.0
import type { Direction, Segment, TlsInfo } from '../../plugin/index.js';
import type { Budget } from '../counters.js';
import { readClientHello, readServerHello } from './hello.js';
import { HelloStream } from './hello-stream.js';

const messageType = { clientHello: 1, serverHello: 2 } as const;
/** Bytes of a direction after which nothing is waited for in the other one. */
const maxBytes = 32 * 1024;

/** Reads the two hellos of a TLS connection from its ciphertext: who is asked for, and what was agreed on. */
export class TlsHandshake {
  #info: TlsInfo = {};
  readonly #in: HelloStream;
  readonly #out: HelloStream;
  #movedIn = 0;
  #movedOut = 0;

  /** @param starts where TLS begins in both directions; undefined: somewhere from the first segment on */
  constructor(budget: Budget, starts: Readonly<Record<Direction, number>> | undefined) {
    const told = (type: number, body: Buffer): void => this.#tell(type, body);
    this.#in = new HelloStream(starts?.in, budget, told);
    this.#out = new HelloStream(starts?.out, budget, told);
  }

  /** What is known so far; another object when it is more. */
  get info(): TlsInfo {
    return this.#info;
  }

  /** The bytes are those of TLS. */
  get isTls(): boolean {
    return this.#in.isTls || this.#out.isTls;
  }

  /** Nothing more will be learned. */
  get isDone(): boolean {
    if (this.#in.isDone && this.#out.isDone) return true;
    if (this.#in.isHopeless || this.#out.isHopeless) return true;
    return this.#movedIn > maxBytes || this.#movedOut > maxBytes;
  }

  take(segment: Segment): void {
    if (segment.direction === 'in') {
      this.#movedIn += segment.length;
      this.#in.take(segment);
    } else {
      this.#movedOut += segment.length;
      this.#out.take(segment);
    }
  }

  /** Gives everything back; what is known stays. */
  end(): void {
    this.#in.end();
    this.#out.end();
  }

  #tell(type: number, body: Buffer): void {
    if (type === messageType.clientHello) this.#learn(readClientHello(body));
    else if (type === messageType.serverHello) this.#learn(readServerHello(body));
  }

  #learn(more: TlsInfo): void {
    if (Object.keys(more).length > 0) this.#info = { ...this.#info, ...more };
  }
}
