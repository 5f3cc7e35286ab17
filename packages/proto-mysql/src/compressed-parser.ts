// SPDX-License-Identifier: Apache-2.0
import { ByteView, type ParseResult, type Side } from '@libtrace/core/plugin';
import {
  COMPRESSED_HEADER_BYTES,
  expandedLength,
  nextCompressedStart,
} from './compressed-start.js';
import { ExpandedStream } from './expanded-stream.js';
import { Expander, isCompressedData } from './expand.js';
import type { MysqlFrame } from './frames.js';
import type { PacketParser } from './packet-parser.js';
import { payloadLength } from './packet-cursor.js';

type Result = ParseResult<MysqlFrame>;

/** Of a larger payload only this much is expanded: a larger one holds one large packet, which is stepped over. */
const MAX_BUFFERED_BYTES = 256 * 1024;
/** A payload that is not compressed and not larger is taken at once, so that it is known whose bytes it holds. */
const MAX_WAITED_BYTES = 16 * 1024;
/** Bytes that tell whether a payload is compressed. */
const TELLING_BYTES = 4;
const empty = Buffer.alloc(0);
const notCompressed: Result = { status: 'invalid', why: 'no compressed packet begins here' };
const lostPackets: Result = { status: 'invalid', why: 'packets in a compressed one are lost' };

/** One direction of a compressed connection. */
class Half {
  readonly stream: ExpandedStream;
  /** Bytes of a payload that is not compressed and has not passed yet. */
  stored = 0;
  /** The last message of a packet whose end lies in a hole, and the bytes of the hole. */
  last: MysqlFrame | undefined;
  owed = 0;
  /** Messages inside were lost behind the last frame that was handed on. */
  isLost = false;
  /** Offset behind the packet in which messages were lost. */
  lostUpTo = 0;

  constructor(stream: ExpandedStream) {
    this.stream = stream;
  }
}

/**
 * Takes compressed packets apart ("Compressed Packet"); what they hold is a stream of ordinary packets, whose ends need
 * not be theirs:
 * ```
 *  0        1        2        3        4        5        6        7
 *  +--------+--------+--------+--------+--------+--------+--------+------ - -
 *  | payload length           | number | length when expanded, 0: | payload
 *  |                          |        | it is not compressed     |
 *  +--------+--------+--------+--------+--------+--------+--------+------ - -
 * ```
 */
export class CompressedParser {
  readonly #packets: PacketParser;
  readonly #expander = new Expander();
  readonly #requests: Half;
  readonly #responses: Half;

  constructor(packets: PacketParser) {
    const view = new ByteView();
    this.#packets = packets;
    this.#requests = new Half(new ExpandedStream(packets, 'request', view));
    this.#responses = new Half(new ExpandedStream(packets, 'response', view));
  }

  parse(side: Side, view: ByteView): Result {
    const half = this.#half(side);
    const { last, owed } = half;
    if (last !== undefined) {
      half.last = undefined;
      half.owed = 0;
      return { status: 'frame', frame: last, consumed: owed };
    }
    if (half.isLost) return lostPackets;
    if (half.stored > 0) return this.#stored(half, view, 0);
    if (view.available < COMPRESSED_HEADER_BYTES) {
      return { status: 'more', atLeast: COMPRESSED_HEADER_BYTES };
    }
    const length = payloadLength(view);
    if (length === 0) return notCompressed;
    const size = expandedLength(view);
    if (size > 0) return this.#compressed(half, view, length, size);
    const wanted = COMPRESSED_HEADER_BYTES + Math.min(length, MAX_WAITED_BYTES);
    if (view.available < wanted && view.hole === 0 && !view.ended) {
      return { status: 'more', atLeast: wanted };
    }
    half.stored = length;
    return this.#stored(half, view, COMPRESSED_HEADER_BYTES);
  }

  /** A message of this direction is in progress, or a compressed packet. */
  isOpen(side: Side): boolean {
    const { stream, stored, last, isLost } = this.#half(side);
    return isLost || stored > 0 || last !== undefined || !stream.isBetween;
  }

  /** The place in a direction is lost. */
  lose(side: Side, nowNs: number): void {
    const half = this.#half(side);
    half.stream.lose(nowNs);
    half.stored = half.owed = half.lostUpTo = 0;
    half.last = undefined;
    half.isLost = false;
  }

  /** Forgets its place in a direction, and finds the next message as {@link nextCompressedStart} does. */
  restart(side: Side, view: ByteView, from: number, likely: number): number {
    const behind = this.#half(side).lostUpTo;
    this.lose(side, view.timestampNs);
    if (from > 0 && behind > 0 && behind < view.available) return behind;
    return nextCompressedStart(side, view, from, likely);
  }

  end(side: Side): MysqlFrame | undefined {
    const { last, stream } = this.#half(side);
    return last ?? stream.takeHeld() ?? this.#packets.end(side);
  }

  endCompletes(side: Side): boolean {
    return this.#packets.endCompletes(side);
  }

  #half(side: Side): Half {
    return side === 'request' ? this.#requests : this.#responses;
  }

  /** A payload that is not compressed is handed on as it comes. */
  #stored(half: Half, view: ByteView, offset: number): Result {
    const bytes = Math.min(half.stored, view.available - offset);
    const isCut = bytes < half.stored;
    const hole = isCut ? Math.min(half.stored - bytes, view.hole) : 0;
    const consumed = offset + bytes + hole;
    if (consumed === 0) return { status: 'more' };
    half.stored -= bytes + hole;
    half.stream.take(view.bytes(offset, offset + bytes), hole, view.timestampNs);
    return this.#result(half, view, consumed);
  }

  #compressed(half: Half, view: ByteView, length: number, size: number): Result {
    const consumed = COMPRESSED_HEADER_BYTES + length;
    const telling = Math.min(consumed, COMPRESSED_HEADER_BYTES + TELLING_BYTES);
    if (view.available >= telling && !isCompressedData(view, COMPRESSED_HEADER_BYTES)) {
      return notCompressed;
    }
    const wanted = Math.min(consumed, MAX_BUFFERED_BYTES);
    if (view.available < wanted && view.hole === 0) {
      return { status: 'more', atLeast: view.available < telling ? telling : wanted };
    }
    const end = Math.min(consumed, view.available);
    const { stream } = half;
    // what lies inside one large packet need not be expanded
    const payload = view.bytes(COMPRESSED_HEADER_BYTES, end);
    const expanded =
      stream.stepsOver >= size ? empty : this.#expander.expand(payload, end === consumed, size);
    const bytes = expanded ?? empty;
    stream.take(bytes, size - bytes.length, view.timestampNs);
    return this.#result(half, view, consumed);
  }

  /** What came out of the bytes that the stream took. */
  #result(half: Half, view: ByteView, consumed: number): Result {
    const { stream } = half;
    const frames = stream.takeFrames();
    const isLost = stream.takeLoss();
    const last = frames.at(-1);
    half.lostUpTo = consumed;
    if (last === undefined) {
      if (isLost) return lostPackets;
      return { status: stream.isOpen ? 'part' : 'skip', consumed };
    }
    half.lostUpTo = 0;
    const missing = Math.max(0, consumed - view.available);
    if (isLost) half.stored = 0;
    // The frames end before the packet does when messages behind them are lost: with what is left the loss is told.
    const hole = isLost ? Math.min(missing, Math.max(1, view.hole - 1)) : missing;
    half.isLost = isLost && (missing === 0 || view.hole < 2);
    if (hole > 0) {
      // it belongs to the last one
      if (frames.length === 1)
        return { status: 'frame', frame: last, consumed: view.available + hole };
      half.owed = hole;
      half.last = last;
      return { status: 'frames', frames: frames.slice(0, -1), consumed: view.available };
    }
    if (isLost && consumed > 1) {
      half.lostUpTo = 1;
      return { status: 'frames', frames, consumed: consumed - 1 };
    }
    return frames.length === 1
      ? { status: 'frame', frame: last, consumed }
      : { status: 'frames', frames, consumed };
  }
}
