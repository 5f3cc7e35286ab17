// SPDX-License-Identifier: Apache-2.0
import type { EmitPair, Matcher, MatcherAbsence, Message, Side } from '@libtrace/core/plugin';
import type { HttpFrame } from '../frames.js';
import { ClosedStreams } from './closed-streams.js';
import type {
  DataFrame,
  GoawayFrame,
  HeadersFrame,
  Http2Frame,
  ResetFrame,
  UpgradeRequestFrame,
} from './frames.js';
import { Stream } from './stream.js';

type Emit = EmitPair<HttpFrame>;

/** More streams are not waited for on one connection: the oldest is given up. */
export const MAX_STREAMS = 4096;
/** The same for the fields of their heads: a few bytes may refer to a large entry of a table, again and again. */
export const MAX_HEAD_BYTES = 4 * 1024 * 1024;
/** So long a response waits for the events of its request, when none of it was seen. */
const UNSEEN_REQUEST_NS = 200e6;
/** So long a response that is over waits for the end of its request. */
const UNFINISHED_REQUEST_NS = 5e9;
/** A stream that may have ended unseen is given up after so long without a frame. */
const LOST_STREAM_NS = 30e9;

const HTTP2_UPGRADE_STREAM = 1;

/**
 * Puts the frames of each stream together: one request, one response (RFC 9113 §5, §8).
 *
 * An exchange is over when both its messages ended, when either side resets the stream, when the server says that it
 * will not look at it, or with the connection. It may last as long as it likes: nothing is reported as unanswered
 * because time passes. The two directions need not arrive in causal order.
 */
export class StreamMatcher implements Matcher<HttpFrame> {
  readonly #streams = new Map<number, Stream>();
  /** Streams whose response ended, and whose request did not. */
  readonly #answered = new Set<Stream>();
  /** Streams whose end may have been missed. */
  readonly #doubtful = new Set<Stream>();
  readonly #closed = new ClosedStreams();
  #headBytes = 0;
  #goaway: GoawayFrame | undefined;

  get waiting(): boolean {
    return this.#answered.size > 0 || this.#doubtful.size > 0;
  }

  push(side: Side, message: Message<HttpFrame>, emit: Emit): void {
    const frame = message.frame as Http2Frame;
    switch (frame.kind) {
      case 'h2-headers':
        this.#headers(side, message, frame, emit);
        break;
      case 'h2-data':
        this.#data(side, message, frame, emit);
        break;
      case 'h2-reset':
        this.#reset(side, frame, emit);
        break;
      case 'h2-goaway':
        if (side === 'response') this.#goesAway(frame, emit);
        break;
      case 'h2c-request':
        this.#upgrade(message, frame, emit);
        break;
      case 'h2c-refused':
        this.#refused({ ...message, frame: frame.response }, emit);
        break;
    }
  }

  lost(side: Side, emit: Emit): void {
    for (const stream of this.#streams.values()) {
      const isUpgrade = stream.upgrade !== undefined && stream.response.first === undefined;
      if (isUpgrade && side === 'response') {
        // the answer to it may have been lost, and with it what the connection goes on as
        this.#report(stream, emit, 'lost');
        continue;
      }
      const message = stream[side];
      if (message.ended || (side === 'request' && stream.upgrade !== undefined)) continue;
      message.lost = true;
      this.#doubtful.add(stream);
    }
  }

  tick(nowNs: number, emit: Emit): void {
    for (const stream of this.#answered) {
      const isUnseen = stream.request.first === undefined;
      const limit = isUnseen ? UNSEEN_REQUEST_NS : UNFINISHED_REQUEST_NS;
      if (nowNs - stream.lastNs >= limit) this.#report(stream, emit);
    }
    for (const stream of this.#doubtful) {
      if (nowNs - stream.lastNs >= LOST_STREAM_NS) this.#report(stream, emit, 'lost');
    }
  }

  close(emit: Emit): void {
    for (const stream of this.#streams.values()) this.#report(stream, emit);
  }

  #headers(side: Side, message: Message<HttpFrame>, frame: HeadersFrame, emit: Emit): void {
    if (frame.promisedId !== undefined) {
      const promised = this.#open(frame.promisedId, emit);
      if (promised === undefined) return;
      promised.pushed = true;
      promised.request.addHeaders(message, { ...frame, endStream: true });
      promised.headBytes += frame.list.bytes;
      this.#headBytes += frame.list.bytes;
      return;
    }
    const { status } = frame.list;
    // interim responses (RFC 9110 §15.2) answer nothing yet
    if (side === 'response' && status !== undefined && status < 200 && !frame.endStream) return;
    const stream = this.#open(frame.streamId, emit);
    if (stream === undefined) return;
    stream[side].addHeaders(message, frame);
    stream.headBytes += frame.list.bytes;
    this.#headBytes += frame.list.bytes;
    this.#settle(stream, side, emit);
    while (this.#headBytes > MAX_HEAD_BYTES) this.#giveUpOldest(emit);
  }

  #data(side: Side, message: Message<HttpFrame>, frame: DataFrame, emit: Emit): void {
    const stream = this.#open(frame.streamId, emit);
    if (stream === undefined) return;
    stream[side].addData(message, frame);
    this.#settle(stream, side, emit);
  }

  #reset(side: Side, frame: ResetFrame, emit: Emit): void {
    const stream = this.#streams.get(frame.streamId);
    if (stream === undefined) return;
    // a response that is whole stays what it is: the reset only says that no more of the request is wanted, or sent
    if (!stream.response.ended) {
      stream.end = {
        resetCode: frame.code,
        resetBy: side === 'request' ? 'client' : 'server',
      };
    }
    stream.isReset = true;
    this.#report(stream, emit, 'none');
  }

  /** RFC 9113 §6.8 */
  #goesAway(frame: GoawayFrame, emit: Emit): void {
    this.#goaway = frame;
    for (const stream of this.#streams.values()) {
      if (this.#isExcluded(stream)) this.#report(stream, emit, 'unanswered');
    }
  }

  #isExcluded({ id, pushed, response }: Stream): boolean {
    const goaway = this.#goaway;
    return (
      goaway !== undefined && !pushed && id > goaway.lastStreamId && response.first === undefined
    );
  }

  /** A request of HTTP/1.1 that becomes that of stream 1, if the server agrees. */
  #upgrade(message: Message<HttpFrame>, { request }: UpgradeRequestFrame, emit: Emit): void {
    const before = this.#streams.get(HTTP2_UPGRADE_STREAM);
    if (before?.upgrade !== undefined) this.#report(before, emit, 'lost');
    this.#closed.delete(HTTP2_UPGRADE_STREAM);
    const stream = this.#open(HTTP2_UPGRADE_STREAM, emit);
    if (stream === undefined) return;
    stream.upgrade = { ...message, frame: request };
    if (stream.isComplete) this.#report(stream, emit);
  }

  #refused(response: Message<HttpFrame>, emit: Emit): void {
    const stream = this.#streams.get(HTTP2_UPGRADE_STREAM);
    if (stream?.upgrade === undefined) {
      emit(undefined, response);
      return;
    }
    if (this.#streams.delete(stream.id)) this.#headBytes -= stream.headBytes;
    emit(stream.upgrade, response);
  }

  /** The stream of a frame; undefined when it was reported. */
  #open(id: number, emit: Emit): Stream | undefined {
    const known = this.#streams.get(id);
    if (known !== undefined) return known;
    if (this.#closed.has(id)) return undefined;
    if (this.#streams.size >= MAX_STREAMS) this.#giveUpOldest(emit);
    const stream = new Stream(id);
    this.#streams.set(id, stream);
    return stream;
  }

  #giveUpOldest(emit: Emit): void {
    for (const oldest of this.#streams.values()) {
      this.#report(oldest, emit, 'lost');
      return;
    }
  }

  /** A frame was added. */
  #settle(stream: Stream, side: Side, emit: Emit): void {
    if (stream.isComplete) this.#report(stream, emit);
    else if (side === 'response' && stream.response.ended) this.#answered.add(stream);
  }

  #report(stream: Stream, emit: Emit, absence?: MatcherAbsence): void {
    const { id, response } = stream;
    if (this.#streams.delete(id)) this.#headBytes -= stream.headBytes;
    this.#answered.delete(stream);
    this.#doubtful.delete(stream);
    // what was on its way when the stream ended early is no stream of its own
    if (!stream.isComplete) this.#closed.add(id);
    if (!stream.isReset && this.#isExcluded(stream)) {
      stream.end = { goawayCode: this.#goaway!.code };
    }
    // without an end of its own nobody knows whether there was more of a message
    const asked = stream.requestMessage(!stream.requestEnded && !stream.isReset);
    const answered = response.toMessage(stream, !response.ended && !stream.isReset);
    if (asked === undefined && answered === undefined) return;
    emit(asked, answered, absence ?? (response.lost ? 'lost' : 'unanswered'));
  }
}
