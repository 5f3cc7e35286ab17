// SPDX-License-Identifier: Apache-2.0
import type { ByteView, Side } from '@libtrace/core/plugin';
import type { MysqlFrame } from './frames.js';
import type { PacketParser } from './packet-parser.js';

const empty = Buffer.alloc(0);
/** A parser that asks for more than this at once is not waiting for a packet. */
const MAX_LEFTOVER_BYTES = 8 * 1024 * 1024;

/** The packets of one direction of a compressed connection, as they come out of compressed ones. */
export class ExpandedStream {
  readonly #packets: PacketParser;
  readonly #side: Side;
  readonly #view: ByteView;
  /** The beginning of a packet. */
  #leftover = empty;
  /** Bytes to be stepped over. */
  #owed = 0;
  /** What is stepped over belongs to no message. */
  #isSkipping = false;
  /** A frame whose last bytes have not come yet. */
  #held: MysqlFrame | undefined;
  /** The place in the stream is lost: a packet that begins a message is looked for. */
  #isSeeking = false;
  #frames: MysqlFrame[] = [];
  #isLost = false;

  /** @param view reused for what is handed to the parser */
  constructor(packets: PacketParser, side: Side, view: ByteView) {
    this.#packets = packets;
    this.#side = side;
    this.#view = view;
  }

  /** A message has begun and not ended. */
  get isOpen(): boolean {
    if (this.#owed > 0 && this.#isSkipping) return false;
    return this.#owed > 0 || this.#leftover.length > 0 || this.#packets.isOpen(this.#side);
  }

  /** Nothing is in progress or owed. */
  get isBetween(): boolean {
    return this.#owed === 0 && this.#leftover.length === 0 && !this.#packets.isOpen(this.#side);
  }

  /** So many of the next bytes will not be looked at. */
  get stepsOver(): number {
    return this.#owed;
  }

  takeFrames(): readonly MysqlFrame[] {
    const frames = this.#frames;
    if (frames.length > 0) this.#frames = [];
    return frames;
  }

  /** Whether messages were lost since this was asked. */
  takeLoss(): boolean {
    const isLost = this.#isLost;
    this.#isLost = false;
    return isLost;
  }

  takeHeld(): MysqlFrame | undefined {
    const held = this.#held;
    this.#held = undefined;
    return held;
  }

  /** Forgets its place; what comes next may begin anywhere. */
  lose(nowNs: number): void {
    this.#packets.lose(this.#side, nowNs);
    this.#forget();
  }

  #forget(): void {
    this.#leftover = empty;
    this.#owed = 0;
    this.#held = undefined;
    this.#isSeeking = true;
  }

  /** The next bytes, and how many behind them are not known. Frames and losses are asked for afterwards. */
  take(bytes: Buffer, hole: number, timestampNs: number): void {
    const data = this.#leftover.length === 0 ? bytes : Buffer.concat([this.#leftover, bytes]);
    this.#leftover = empty;
    let at = 0;
    let holeLeft = hole;
    for (;;) {
      if (this.#owed > 0) {
        const fromData = Math.min(this.#owed, data.length - at);
        at += fromData;
        const fromHole = Math.min(this.#owed - fromData, holeLeft);
        holeLeft -= fromHole;
        this.#owed -= fromData + fromHole;
        if (this.#owed > 0) return;
        const held = this.takeHeld();
        if (held !== undefined) this.#frames.push(held);
      }
      const left = data.length - at;
      if (left === 0 && holeLeft === 0) return;
      if (left === 0 && (this.#isSeeking || !this.#packets.isOpen(this.#side))) {
        if (!this.#isSeeking) this.#loses();
        return;
      }
      this.#view.reset(data, at, left, holeLeft, false, timestampNs);
      if (this.#isSeeking) {
        const offset = this.#packets.restart(this.#side, this.#view, 0, 0);
        if (offset < 0) return;
        this.#isSeeking = false;
        at += offset;
        continue;
      }
      if (!this.#step(data, at, holeLeft)) return;
    }
  }

  /** One call of the parser; false when it can do nothing more now. */
  #step(data: Buffer, at: number, hole: number): boolean {
    const result = this.#packets.parse(this.#side, this.#view);
    switch (result.status) {
      case 'frame':
        this.#held = result.frame;
        this.#owed = result.consumed;
        this.#isSkipping = false;
        return true;
      case 'part':
      case 'skip':
        this.#owed = result.consumed;
        this.#isSkipping = result.status === 'skip';
        return true;
      case 'more':
        if (hole > 0 || data.length - at > MAX_LEFTOVER_BYTES) break;
        this.#leftover = Buffer.from(data.subarray(at));
        return false;
      case 'frames':
      case 'switch':
      case 'invalid':
        break;
    }
    this.#loses();
    return false;
  }

  #loses(): void {
    this.#isLost = true;
    this.lose(this.#view.timestampNs);
  }
}
