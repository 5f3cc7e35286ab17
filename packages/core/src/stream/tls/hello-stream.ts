// SPDX-License-Identifier: Apache-2.0
import type { Segment } from '../../plugin/index.js';
import type { Budget } from '../counters.js';

/** Record types (RFC 8446, section 5.1). */
const recordType = { changeCipherSpec: 20, alert: 21, handshake: 22, applicationData: 23 } as const;
const recordHeadBytes = 5;
/** As in inference: RFC 5246, section 6.2.3. */
const maxRecordBytes = 16384 + 2048;
const messageHeadBytes = 4;
const helloRequest = 0;
/** Bytes of a direction that are looked at. */
const maxBytes = 32 * 1024;
const leastCapacity = 1024;

/** Told of the first message of a direction. `body` is valid only during the call. */
export type OnMessage = (type: number, body: Buffer) => void;

/**
 * One direction of a TLS connection, up to its first handshake message. Records may split messages, messages may span
 * records, and segments may split both:
 * ```
 *  0        1        2        3        4        5
 *  +--------+--------+--------+--------+--------+------- - -      0      1               4
 *  | type   | version 3.0…3.4 | length          | fragment        +------+---------------+------ - -
 *  | 22     |                 |                 |            ───▶ | type | length        | body
 *  +--------+--------+--------+--------+--------+------- - -      +------+---------------+------ - -
 * ```
 */
export class HelloStream {
  readonly #budget: Budget;
  readonly #onMessage: OnMessage;
  /** TLS begins with the very first byte; otherwise with the first segment that looks so. */
  readonly #isPlaced: boolean;
  /** Position of the next byte; undefined before the first. */
  #next: number | undefined;
  #taken = 0;
  #hasBegun = false;
  readonly #head = Buffer.alloc(recordHeadBytes);
  #headBytes = 0;
  /** Bytes of the record's fragment that have not come. */
  #left = 0;
  #message = Buffer.alloc(0);
  #messageBytes = 0;
  /** A record's head was read. */
  isTls = false;
  /** Nothing more is learned from this direction. */
  isDone = false;
  /** Nothing is to be learned from the other direction either: it is encrypted already, or this is no TLS. */
  isHopeless = false;

  /** @param start where TLS begins; undefined: somewhere from the first segment on */
  constructor(start: number | undefined, budget: Budget, onMessage: OnMessage) {
    this.#next = start;
    this.#isPlaced = start !== undefined;
    this.#budget = budget;
    this.#onMessage = onMessage;
  }

  take(segment: Segment): void {
    if (this.isDone) return;
    const next = this.#next ?? segment.position;
    const behind = segment.position + segment.length;
    if (behind <= next) return;
    const from = segment.dataStart + Math.max(0, next - segment.position);
    const to = segment.dataStart + segment.captured;
    if (segment.position > next || from >= to) {
      this.#lost(behind);
      return;
    }
    this.#next = behind;
    this.#taken += behind - next;
    if (this.#taken > maxBytes) this.end();
    else this.#feed(segment.data, from, to);
    if (segment.captured < segment.length) this.#lost(behind);
  }

  /** Gives everything back. */
  end(): void {
    this.isDone = true;
    this.#budget.charge(-this.#message.length);
    this.#message = Buffer.alloc(0);
  }

  #giveUp(): void {
    this.isHopeless = true;
    this.end();
  }

  /** A hole hides where the next record begins; what came before TLS may have holes. */
  #lost(behind: number): void {
    if (this.#hasBegun || this.#isPlaced) this.end();
    else this.#next = behind;
  }

  #feed(data: Buffer, from: number, to: number): void {
    if (!this.#hasBegun && !this.#begins(data, from, to)) return;
    let at = from;
    while (at < to && !this.isDone) {
      if (this.#left === 0) {
        this.#head[this.#headBytes++] = data[at++]!;
        if (this.#headBytes === recordHeadBytes) this.#beginRecord();
        continue;
      }
      const taken = Math.min(this.#left, to - at);
      this.#left -= taken;
      this.#fragment(data, at, at + taken);
      at += taken;
    }
  }

  /** Whether a segment begins as TLS does. */
  #begins(data: Buffer, from: number, to: number): boolean {
    const type = data[from]!;
    const isRecord = type >= recordType.changeCipherSpec && type <= recordType.applicationData;
    this.#hasBegun = isRecord && (to - from < 2 || data[from + 1] === 3);
    if (!this.#hasBegun && this.#isPlaced) this.#giveUp();
    return this.#hasBegun;
  }

  #beginRecord(): void {
    const type = this.#head[0]!;
    const major = this.#head[1]!;
    const minor = this.#head[2]!;
    const length = this.#head.readUInt16BE(3);
    this.#headBytes = 0;
    if (major !== 3 || minor > 4 || length === 0 || length > maxRecordBytes) {
      this.#giveUp();
      return;
    }
    switch (type) {
      case recordType.handshake:
        this.isTls = true;
        this.#left = length;
        break;
      case recordType.changeCipherSpec:
        this.isTls = true;
        this.end();
        break;
      case recordType.alert:
      case recordType.applicationData:
        this.isTls = true;
        this.#giveUp();
        break;
      default:
        this.#giveUp();
    }
  }

  #fragment(data: Buffer, from: number, to: number): void {
    const needed = this.#messageBytes + to - from;
    if (needed > this.#message.length && !this.#makeRoom(needed)) {
      this.end();
      return;
    }
    data.copy(this.#message, this.#messageBytes, from, to);
    this.#messageBytes = needed;
    this.#readMessages();
  }

  #readMessages(): void {
    let at = 0;
    while (this.#messageBytes - at >= messageHeadBytes) {
      const type = this.#message[at]!;
      const length = this.#message.readUIntBE(at + 1, 3);
      if (type === helloRequest && length === 0) {
        at += messageHeadBytes;
        continue;
      }
      const end = at + messageHeadBytes + length;
      if (end - at > maxBytes) this.end();
      else if (end <= this.#messageBytes) {
        this.#onMessage(type, this.#message.subarray(at + messageHeadBytes, end));
        this.end();
      }
      break;
    }
    if (at === 0 || this.isDone) return;
    this.#message.copyWithin(0, at, this.#messageBytes);
    this.#messageBytes -= at;
  }

  #makeRoom(needed: number): boolean {
    const capacity = Math.max(leastCapacity, 2 ** Math.ceil(Math.log2(needed)));
    const grown = capacity - this.#message.length;
    if (!this.#budget.allows(grown)) return false;
    this.#budget.charge(grown);
    const message = Buffer.allocUnsafe(capacity);
    this.#message.copy(message, 0, 0, this.#messageBytes);
    this.#message = message;
    return true;
  }
}
