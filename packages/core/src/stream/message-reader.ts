// SPDX-License-Identifier: Apache-2.0
import type { Lane, TimedMessage } from '../match/index.js';
import type {
  ByteView,
  FrameParser,
  HoleReason,
  ParseResult,
  Segment,
  Side,
} from '../plugin/index.js';
import type { Budget, Counters } from './counters.js';
import { Leftover } from './leftover.js';
import { MessageInProgress } from './message-in-progress.js';
import { describeResult, isCount, isNonEmpty } from './parse-result.js';
import { SegmentMark, SegmentMarks } from './segment-mark.js';

/** Bytes kept when no start of a message was found: one that is split over two segments is found with the second. */
const seekTail = 64;
/** A parser that refused so many messages in a row, with none accepted between them, reads the wrong protocol. */
const maxRefusals = 8;
/** So many fruitless searches for a message in a row say the same. */
const maxSeeks = 4096;

/** What a reader tells the connection it belongs to. Each may stop the reader. */
export interface ReaderOwner {
  message(reader: MessageReader, message: TimedMessage): void;
  /** Bytes that may have held messages are lost. `began`: a message had visibly begun. */
  lost(reader: MessageReader, began: boolean): void;
  switchTo(reader: MessageReader, to: string): void;
  /** The plugin threw. */
  failed(error: unknown): void;
  /** The plugin returned what its contract forbids; it is taken for `invalid`. */
  misbehaved(error: unknown): void;
  /** The parser reads the wrong protocol. */
  reopen(): void;
}

/** What the readers of all connections share. */
export interface ReaderContext {
  /** Reused for every call of every parser. */
  readonly view: ByteView;
  readonly counters: Counters;
  readonly budget: Budget;
}

/**
 * One direction of a connection: puts segments in order, knows the holes, and runs the parser over what is there.
 *
 * ```
 *             messageStart          position        stepTo         received
 *  ────────────────┼───────────────────┼───────────────┼──────────────┼──▶ stream position
 *   parsed          message in progress  leftover, or    (still owed)   next expected
 *                                        being stepped over
 * ```
 * While nothing is left over, the parser reads the segment's own memory; only an unfinished rest is copied.
 */
export class MessageReader implements Lane {
  side: Side;
  /** Undefined stops the reader: it takes nothing more. */
  parser: FrameParser<unknown> | undefined;
  received = 0;
  seeking = false;
  readonly #owner: ReaderOwner;
  readonly #context: ReaderContext;
  readonly #leftover: Leftover;
  readonly #marks = new SegmentMarks();
  readonly #current = new SegmentMark();
  /** The first segment was taken. */
  #started = false;
  /** Head of what the parser sees next. */
  #position = 0;
  /** Up to here bytes are stepped over. */
  #stepTo = 0;
  /** The parser wants no call before this position has arrived. */
  #wanted = 0;
  readonly #message = new MessageInProgress();
  /** A switch that takes effect when its last bytes have moved. */
  #switchTo: string | undefined;
  /** Where a parser last handed over without taking a byte. */
  #switchedAt = -1;
  #refusals = 0;
  #seeks = 0;
  /** Where in memory `#run` stopped. */
  #restAt = 0;

  constructor(owner: ReaderOwner, context: ReaderContext, side: Side) {
    this.#owner = owner;
    this.#context = context;
    this.side = side;
    this.#leftover = new Leftover(context.budget);
  }

  get busy(): boolean {
    return this.#message.open || (this.#leftover.length > 0 && !this.seeking);
  }

  /** Nothing is in progress or owed: a message may begin with the next byte. */
  get atBoundary(): boolean {
    return (
      !this.#message.open &&
      this.#stepTo <= this.#position &&
      (this.seeking || this.#leftover.length === 0)
    );
  }

  get messageStart(): number {
    return this.#message.open ? this.#message.start : this.#position;
  }

  /** Begins at a position, without a hole before it. `seek`: it need not be the start of a message. */
  startAt(position: number, seek: boolean): void {
    this.#started = true;
    this.received = position;
    this.#position = position;
    this.seeking = seek;
  }

  /** Stream position of what the parser sees next. */
  get head(): number {
    return Math.max(this.#position, this.#stepTo);
  }

  get started(): boolean {
    return this.#started;
  }

  /** Takes note of the hole before a segment, if there is one. */
  approach(segment: Segment): void {
    if (segment.position > this.received) {
      this.gap(segment.position, this.#started ? 'loss' : 'unseen');
    }
  }

  /** Takes the next segment. What it says of bytes that were skipped or seen before is accounted for first. */
  take(segment: Segment): void {
    this.approach(segment);
    if (this.parser === undefined) return;
    const from = this.received;
    const overlap = from - segment.position;
    let { captured, dataStart } = segment;
    if (overlap > 0) {
      this.#context.counters.overlapBytes += Math.min(overlap, segment.length);
      if (overlap >= segment.length) return;
      dataStart += Math.min(overlap, captured);
      captured = Math.max(0, captured - overlap);
    }
    this.#started = true;
    this.#current.set(segment, from);
    this.received = segment.position + segment.length;
    const hole = this.received - from - captured;
    if (hole > 0) this.#context.counters.hole(segment.holeReason ?? 'unseen', hole);
    this.#feed(segment.data, dataStart, captured, hole, false);
  }

  /** Bytes up to a position moved and were not captured. */
  gap(to: number, reason: HoleReason): void {
    const hole = to - this.received;
    if (hole <= 0) return;
    this.#started = true;
    this.received = to;
    this.#context.counters.hole(reason, hole);
    if (this.parser !== undefined) this.#feed(this.#leftover.buffer, 0, 0, hole, false);
  }

  /**
   * Nothing follows. Returns the bytes of a message that began and has no frame, 0 without one.
   * @param completes false when the end is only the end of the tracing: no message is completed by it.
   */
  end(completes: boolean): number {
    if (this.parser !== undefined && completes && this.#leftover.length > 0 && !this.seeking) {
      this.#feed(this.#leftover.buffer, 0, 0, 0, true);
    }
    const parser = this.parser;
    if (parser === undefined || this.seeking) return 0;
    const left = this.received - this.messageStart;
    if (!this.#message.open) return left;
    const owed = this.#stepTo > this.#position || this.#leftover.length > 0 || !completes;
    this.#position = this.received;
    this.#stepTo = 0;
    this.#leftover.release();
    if (this.#message.held) {
      this.#finish(true);
      return 0;
    }
    try {
      const truncated = owed || parser.endCompletes?.(this.side) === false;
      const frame = parser.end?.(this.side);
      if (frame !== undefined) {
        this.#finish(truncated, frame);
        return 0;
      }
    } catch (error) {
      this.#owner.failed(error);
      return 0;
    }
    this.#message.forget();
    return left;
  }

  /** Parses what is left over again: another parser took over. */
  resume(): void {
    if (this.parser !== undefined && this.#leftover.length > 0) {
      this.#wanted = 0;
      this.#feed(this.#leftover.buffer, 0, 0, 0, false);
    }
  }

  /** Forgets the message in progress, for another parser. What is left over stays. */
  forgetMessage(): void {
    this.#message.forget();
    this.#switchTo = undefined;
    this.#refusals = 0;
    this.#seeks = 0;
  }

  /** Gives everything back. */
  stop(): void {
    this.parser = undefined;
    this.forgetMessage();
    this.#leftover.release();
    this.#marks.clear();
  }

  takeHeld(): TimedMessage | undefined {
    if (!this.#message.held) return undefined;
    return this.#message.finish(this.#position, this.#markAt(this.#position - 1), true);
  }

  #behindLeftover(): number {
    return this.#position + this.#leftover.length;
  }

  /** New bytes, then a hole behind them: parsed where they lie, or behind what was left over. */
  #feed(data: Buffer, start: number, captured: number, hole: number, ended: boolean): void {
    const leftover = this.#leftover;
    if (leftover.length === 0) {
      const rest = this.#run(data, start, captured, hole, ended);
      if (rest === 0 || this.parser === undefined) return;
      if (leftover.append(data, this.#restAt, rest)) this.#marks.add(this.#current);
      else this.#drop(rest);
      return;
    }
    if (captured > 0 && !leftover.append(data, start, captured)) {
      this.#drop(leftover.length);
      this.#feed(data, start, captured, hole, ended);
      return;
    }
    if (hole === 0 && !ended && this.#behindLeftover() < this.#wanted) {
      this.#marks.add(this.#current);
      return;
    }
    const rest = this.#run(leftover.buffer, leftover.start, leftover.length, hole, ended);
    if (this.parser === undefined) return;
    leftover.keepLast(rest);
    if (rest === 0) {
      this.#marks.clear();
    } else {
      this.#marks.dropBefore(this.#position);
      this.#marks.add(this.#current);
    }
  }

  /** A cap forbids keeping bytes: they become a hole, and with them the message they began. */
  #drop(bytes: number): void {
    this.#context.counters.cappedBytes += bytes;
    this.#position += bytes;
    this.#leftover.release();
    this.#marks.clear();
    if (!this.seeking) this.#loseMessage(true);
  }

  /** Runs the parser until nothing more can be done; returns how many bytes, at `#restAt`, must be kept. */
  #run(buffer: Buffer, start: number, available: number, hole: number, ended: boolean): number {
    const { view } = this.#context;
    let at = start;
    let left = available;
    let holeLeft = hole;
    for (;;) {
      if (this.#stepTo > this.#position) {
        let owed = this.#stepTo - this.#position;
        const fromData = owed < left ? owed : left;
        at += fromData;
        left -= fromData;
        owed -= fromData;
        const fromHole = owed < holeLeft ? owed : holeLeft;
        holeLeft -= fromHole;
        this.#message.holeBytes += fromHole;
        this.#position += fromData + fromHole;
        if (owed > fromHole) return 0;
        if (this.#message.held) this.#finish(false);
        if (this.#switchTo !== undefined) this.#switchNow();
      }
      const parser = this.parser;
      if (parser === undefined) return 0;
      if (left === 0) {
        if (holeLeft === 0) return 0;
        if (!this.#message.open) {
          this.#position += holeLeft;
          if (!this.seeking) this.#loseMessage(false);
          return 0;
        }
      }
      view.reset(buffer, at, left, holeLeft, ended, this.#markAt(this.#position).startNs);
      if (this.seeking) {
        const offset = this.#seek(parser, 'hole');
        if (offset < 0) {
          const keep = holeLeft > 0 || ended ? 0 : Math.min(seekTail, left);
          this.#position += left - keep + holeLeft;
          this.#restAt = at + left - keep;
          return this.parser === undefined ? 0 : keep;
        }
        this.seeking = false;
        this.#position += offset;
        at += offset;
        left -= offset;
        continue;
      }
      let result;
      try {
        result = this.#parse(parser);
      } catch (error) {
        this.#owner.failed(error);
        return 0;
      }
      let refused = false;
      switch (result?.status) {
        case 'frame': {
          const { consumed } = result;
          if (!isCount(consumed, 1)) break;
          this.#begin();
          if (consumed <= left) {
            at += consumed;
            left -= consumed;
            this.#position += consumed;
            this.#finish(false, result.frame);
          } else {
            this.#message.hold(result.frame);
            this.#stepTo = this.#position + consumed;
          }
          continue;
        }
        case 'frames': {
          const { consumed, frames } = result;
          if (!isCount(consumed, 1) || consumed > left || !isNonEmpty(frames)) break;
          this.#begin();
          at += consumed;
          left -= consumed;
          this.#position += consumed;
          this.#finishAll(frames);
          continue;
        }
        case 'part': {
          const { consumed } = result;
          if (!isCount(consumed, 1)) break;
          this.#begin();
          if (consumed <= left) {
            at += consumed;
            left -= consumed;
            this.#position += consumed;
          } else {
            this.#stepTo = this.#position + consumed;
          }
          continue;
        }
        case 'skip':
          if (!isCount(result.consumed, 1)) break;
          this.#stepTo = this.#position + result.consumed;
          continue;
        case 'switch':
          if (!isCount(result.consumed, 0)) break;
          if (result.consumed === 0) {
            // Once more at the same place would never end.
            if (this.#switchedAt === this.#position) break;
            this.#switchedAt = this.#position;
          }
          if (result.frame !== undefined) {
            this.#begin();
            this.#message.hold(result.frame);
          }
          this.#switchTo = result.to;
          this.#stepTo = this.#position + result.consumed;
          if (result.consumed === 0) {
            if (this.#message.held) this.#finish(false);
            this.#switchNow();
          }
          continue;
        case 'more': {
          if (holeLeft > 0) {
            this.#position += left + holeLeft;
            this.#loseMessage(true);
            return 0;
          }
          const { atLeast } = result;
          this.#wanted = atLeast !== undefined && atLeast > left ? this.#position + atLeast : 0;
          this.#restAt = at;
          return left;
        }
        case 'invalid':
          refused = true;
          break;
      }
      if (!refused)
        this.#owner.misbehaved(new TypeError(`parse returned ${describeResult(result)}`));
      const offset = this.#refused(parser);
      if (this.parser === undefined) return 0;
      if (offset > 0) {
        this.seeking = false;
        this.#position += offset;
        at += offset;
        left -= offset;
        continue;
      }
      const keep = holeLeft > 0 ? 0 : Math.min(seekTail, Math.max(0, left - 1));
      this.#position += left - keep + holeLeft;
      this.#restAt = at + left - keep;
      return keep;
    }
  }

  /** Plugins may come from plain JavaScript, and return nothing. */
  #parse(parser: FrameParser<unknown>): ParseResult<unknown> | undefined {
    return parser.parse(this.side, this.#context.view);
  }

  /** The parser refuses the head of the view, which still stands. Returns the offset at which to go on, or -1. */
  #refused(parser: FrameParser<unknown>): number {
    this.#loseMessage(this.#message.open);
    if (++this.#refusals >= maxRefusals) {
      this.#owner.reopen();
      return -1;
    }
    const offset = this.#seek(parser, 'invalid');
    return offset > 0 ? offset : -1;
  }

  #seek(parser: FrameParser<unknown>, after: 'hole' | 'invalid'): number {
    const { view } = this.#context;
    if (view.available === 0) return -1;
    let offset;
    try {
      offset = parser.resync(this.side, view, after);
    } catch (error) {
      this.#owner.failed(error);
      return -1;
    }
    if (isCount(offset, 0) && offset < view.available) {
      this.#seeks = 0;
      return offset;
    }
    if (++this.#seeks >= maxSeeks) this.#owner.reopen();
    return -1;
  }

  /** The place in the stream is lost: until a start of a message is found, nothing is parsed. */
  #loseMessage(began: boolean): void {
    const { counters } = this.#context;
    counters.resyncs++;
    this.#message.forget();
    this.seeking = true;
    this.#wanted = 0;
    this.#owner.lost(this, began);
  }

  /** A message begins at the head, unless one is in progress. */
  #begin(): void {
    if (!this.#message.open) this.#message.begin(this.#position, this.#markAt(this.#position));
  }

  /** The message in progress ends at the head. */
  #finish(truncated: boolean, frame?: unknown): void {
    const mark = this.#markAt(this.#position - 1);
    this.#refusals = 0;
    this.#owner.message(this, this.#message.finish(this.#position, mark, truncated, frame));
  }

  /** Messages that all end at the head; those behind the first have no bytes of their own. */
  #finishAll(frames: readonly unknown[]): void {
    for (const frame of frames) {
      if (this.parser === undefined) return;
      if (!this.#message.open)
        this.#message.begin(this.#position, this.#markAt(this.#position - 1));
      this.#finish(false, frame);
    }
  }

  #switchNow(): void {
    const to = this.#switchTo!;
    this.#switchTo = undefined;
    this.#owner.switchTo(this, to);
  }

  #markAt(position: number): SegmentMark {
    if (position >= this.#current.position) return this.#current;
    return this.#marks.at(position) ?? this.#current;
  }
}
