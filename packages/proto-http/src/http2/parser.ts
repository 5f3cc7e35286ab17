// SPDX-License-Identifier: Apache-2.0
import type { ByteView, ParseResult, Side } from '@libtrace/core/plugin';
import { grpcEncoding } from '../grpc/content-type.js';
import { GrpcBody } from '../grpc/grpc-body.js';
import { HeaderBlock, MAX_BLOCK_BYTES } from './header-block.js';
import {
  CONTINUATION,
  DATA,
  END_HEADERS,
  END_STREAM,
  FRAME_HEADER_BYTES,
  FrameHeader,
  GOAWAY,
  HEADERS,
  PADDED,
  PREFACE,
  PRIORITY_FLAG,
  PUSH_PROMISE,
  RST_STREAM,
} from './frame-header.js';
import type { DataFrame, Http2Frame } from './frames.js';
import { Http2Direction } from './direction.js';
import type { HeaderCollector, HeaderList } from './header-list.js';
import { isProven, nextFrame } from './resync.js';

type Result = ParseResult<Http2Frame>;

const more: Result = { status: 'more' };
const moreForHeader: Result = { status: 'more', atLeast: FRAME_HEADER_BYTES };
const header = new FrameHeader();

/** Where the parser stands when it takes a connection. */
export interface Http2Start {
  /** Nothing of HTTP/2 was missed: the client's preface comes next, and the tables of both directions are empty. */
  readonly whole: boolean;
}

/**
 * Parser of one HTTP/2 connection (RFC 9113). A frame of the plugin is a frame of HTTP/2, but for header blocks, which
 * are one with all their CONTINUATION frames. DATA is stepped over, unless it holds gRPC messages, whose 5-byte prefixes
 * are looked at. What concerns the connection (SETTINGS, PING, WINDOW_UPDATE, …) yields nothing.
 */
export class Http2Parser {
  readonly #collector: HeaderCollector;
  readonly #request: Http2Direction;
  readonly #response: Http2Direction;
  /** The newest stream of which a head was seen. */
  #lastStream = 0;

  constructor(collector: HeaderCollector, { whole }: Http2Start) {
    this.#collector = collector;
    this.#request = new Http2Direction('request', whole);
    this.#response = new Http2Direction('response', whole);
  }

  parse(side: Side, view: ByteView): Result {
    const direction = this.#of(side);
    if (direction.data !== undefined) return this.#moreData(direction, view);
    if (direction.expectsPreface) {
      const preface = this.#preface(direction, view);
      if (preface !== undefined) return preface;
    }
    if (view.available < FRAME_HEADER_BYTES) return moreForHeader;
    if (direction.unproven) {
      const likelihood = isProven(side, view, this.#lastStream);
      if (likelihood === 'no') return invalid('no frame of HTTP/2 begins here');
      header.read(view, 0);
      if (likelihood === 'open') {
        return { status: 'more', atLeast: header.bytes + FRAME_HEADER_BYTES };
      }
      direction.unproven = false;
    }
    header.read(view, 0);
    const flaw = header.flaw();
    if (flaw !== undefined) return invalid(flaw);
    if ((direction.block !== undefined) !== (header.type === CONTINUATION)) {
      return this.#strayContinuation(direction);
    }
    return this.#frame(direction, view);
  }

  resync(side: Side, view: ByteView, after: 'hole' | 'invalid'): number {
    const direction = this.#of(side);
    direction.lose();
    const offset = nextFrame(side, view, after === 'hole' ? 0 : 1, this.#lastStream);
    if (offset >= 0) this.#join(direction, view, offset);
    return offset;
  }

  /** Frames of a side may have been missed. */
  lose(side: Side): void {
    const direction = this.#of(side);
    direction.lose();
    direction.unproven = true;
  }

  end(side: Side): Http2Frame | undefined {
    const direction = this.#of(side);
    const frame = direction.data?.frame;
    direction.data = undefined;
    direction.block = undefined;
    return frame;
  }

  #of(side: Side): Http2Direction {
    return side === 'request' ? this.#request : this.#response;
  }

  /** Reading begins at a frame, or at a preface, whose connection is then seen whole. */
  #join(direction: Http2Direction, view: ByteView, offset: number): void {
    const isPreface = direction.side === 'request' && view.matches(PREFACE, offset);
    direction.expectsPreface = isPreface;
    direction.unproven = !isPreface;
  }

  /** The client's preface, which stands before its first frame. */
  #preface(direction: Http2Direction, view: ByteView): Result | undefined {
    const seen = Math.min(view.available, PREFACE.length);
    if (!view.matches(PREFACE.slice(0, seen))) {
      if (direction.side === 'request') return invalid('the preface of HTTP/2 is missing');
      return undefined;
    }
    if (seen < PREFACE.length) return { status: 'more', atLeast: PREFACE.length };
    direction.expectsPreface = false;
    return { status: 'skip', consumed: PREFACE.length };
  }

  #strayContinuation(direction: Http2Direction): Result {
    if (direction.block !== undefined) return invalid('a header block is interrupted');
    // its beginning was missed, and with it what it did to the table
    direction.hpack.lose();
    return { status: 'skip', consumed: header.bytes };
  }

  #frame(direction: Http2Direction, view: ByteView): Result {
    if (header.type === HEADERS && header.streamId > this.#lastStream) {
      this.#lastStream = header.streamId;
    }
    switch (header.type) {
      case DATA:
        return this.#data(direction, view);
      case HEADERS:
      case PUSH_PROMISE:
        return this.#headers(direction, view);
      case CONTINUATION:
        return this.#continuation(direction, direction.block!, view);
      case RST_STREAM:
        return this.#reset(view);
      case GOAWAY:
        return goaway(view);
      default:
        return { status: 'skip', consumed: header.bytes };
    }
  }

  // ---- header blocks ----

  #headers(direction: Http2Direction, view: ByteView): Result {
    const isPush = header.type === PUSH_PROMISE;
    if (isPush && direction.side === 'request') return invalid('a client does not push');
    const whole = holdsFrame(view);
    if (!whole && mayComplete(view)) return { status: 'more', atLeast: header.bytes };
    const { streamId, bytes } = header;
    let from = FRAME_HEADER_BYTES;
    let to = bytes;
    if (header.has(PADDED)) to -= Math.max(0, view.u8(from++));
    if (!isPush && header.has(PRIORITY_FLAG)) from += 5;
    let promisedId: number | undefined;
    if (isPush) {
      const word = view.u32(from);
      from += 4;
      if (word < 0) {
        direction.hpack.lose();
        return { status: 'skip', consumed: bytes };
      }
      promisedId = word & 0x7fffffff;
    }
    if (from > to) return invalid('a header block is shorter than its padding');
    const block = new HeaderBlock(streamId, promisedId, !isPush && header.has(END_STREAM));
    return this.#fragment(direction, block, view, from, to, whole);
  }

  #continuation(direction: Http2Direction, block: HeaderBlock, view: ByteView): Result {
    if (header.streamId !== block.streamId) return invalid('a header block is interrupted');
    const whole = holdsFrame(view);
    if (!whole && mayComplete(view)) return { status: 'more', atLeast: header.bytes };
    return this.#fragment(direction, block, view, FRAME_HEADER_BYTES, header.bytes, whole);
  }

  /** A part of a block, or all of it, in bytes `from … to` of the view. */
  #fragment(
    direction: Http2Direction,
    block: HeaderBlock,
    view: ByteView,
    from: number,
    to: number,
    whole: boolean,
  ): Result {
    const { bytes } = header;
    const end = Math.min(to, view.available);
    const last = header.has(END_HEADERS);
    let list: HeaderList | undefined;
    if (last && block.isEmpty) {
      list = this.#decode(direction, view.buffer, view.start + from, view.start + end, !whole);
    } else {
      block.add(view, from, end, whole);
      if (last) {
        const all = block.joined();
        list = this.#decode(direction, all, 0, all.length, block.cut);
      }
    }
    if (list === undefined) {
      direction.block = block;
      return { status: 'part', consumed: bytes };
    }
    direction.block = undefined;
    const { streamId, promisedId, endStream } = block;
    if (promisedId === undefined && contradicts(direction.side, list)) {
      return invalid('a request where responses are expected, or the other way round');
    }
    const grpc =
      promisedId === undefined ? this.#grpcBody(direction, streamId, list, endStream) : undefined;
    const frame: Http2Frame = { kind: 'h2-headers', streamId, promisedId, list, endStream, grpc };
    return { status: 'frame', frame, consumed: bytes };
  }

  #decode(
    direction: Http2Direction,
    buffer: Buffer,
    from: number,
    to: number,
    cut: boolean,
  ): HeaderList {
    this.#collector.begin(direction.side);
    const outcome = direction.hpack.decode(buffer, from, Math.max(from, to), this.#collector);
    const read = outcome === 'whole' && !cut;
    // what the rest of the block put into the table is not known
    if (!read) direction.hpack.lose();
    return this.#collector.finish(!read);
  }

  /** A body of gRPC begins with its head and is over with the stream. */
  #grpcBody(
    direction: Http2Direction,
    streamId: number,
    list: HeaderList,
    endStream: boolean,
  ): GrpcBody | undefined {
    if (endStream) direction.forgetBody(streamId);
    const encoding = grpcEncoding(list.contentType);
    if (encoding === undefined) return undefined;
    const body = new GrpcBody(encoding);
    if (!endStream) direction.keepBody(streamId, body);
    return body;
  }

  // ---- DATA ----

  #data(direction: Http2Direction, view: ByteView): Result {
    const { streamId, length, bytes } = header;
    const padded = header.has(PADDED);
    if (padded && length === 0) return invalid('DATA is shorter than its padding');
    const padLength = padded ? view.u8(FRAME_HEADER_BYTES) : 0;
    const lost = padLength < 0;
    if (lost && mayComplete(view)) return { status: 'more', atLeast: FRAME_HEADER_BYTES + 1 };
    const from = FRAME_HEADER_BYTES + (padded ? 1 : 0);
    const bodyBytes = lost ? Math.max(0, bytes - from - 255) : bytes - from - padLength;
    if (bodyBytes < 0) return invalid('DATA is shorter than its padding');
    const endStream = header.has(END_STREAM);
    const frameBytes = bytes;
    const frame: DataFrame = { kind: 'h2-data', streamId, frameBytes, bodyBytes, endStream, lost };
    const grpc = direction.bodies.get(streamId);
    if (grpc === undefined) return { status: 'frame', frame, consumed: bytes };
    if (endStream) direction.forgetBody(streamId);
    direction.data = { frame, grpc, bodyLeft: bodyBytes, left: bytes - from };
    return this.#moreData(direction, view, from);
  }

  /** The body of a gRPC message is looked at where messages begin, and stepped over elsewhere. */
  #moreData(direction: Http2Direction, view: ByteView, from = 0): Result {
    const data = direction.data!;
    const { grpc } = data;
    const seen = Math.min(view.available - from, data.bodyLeft);
    if (seen > 0) {
      const start = view.start + from;
      grpc.read(view.buffer, start, start + seen);
      data.bodyLeft -= seen;
      data.left -= seen;
    }
    let consumed = from + Math.max(0, seen);
    const hidden = view.available === consumed ? view.hole : 0;
    // what lies in a hole will not be seen, whether a message begins there or not
    const stepped = Math.min(data.bodyLeft, Math.max(grpc.skippable, hidden));
    grpc.skip(stepped);
    data.bodyLeft -= stepped;
    data.left -= stepped;
    consumed += stepped;
    if (data.bodyLeft === 0) {
      direction.data = undefined;
      return { status: 'frame', frame: data.frame, consumed: consumed + data.left };
    }
    return consumed === 0 ? more : { status: 'part', consumed };
  }

  // ---- the rest ----

  #reset(view: ByteView): Result {
    const { streamId, bytes } = header;
    if (!holdsFrame(view) && mayComplete(view)) return { status: 'more', atLeast: bytes };
    this.#request.forgetBody(streamId);
    this.#response.forgetBody(streamId);
    const frame: Http2Frame = { kind: 'h2-reset', streamId, code: view.u32(FRAME_HEADER_BYTES) };
    return { status: 'frame', frame, consumed: bytes };
  }
}

function goaway(view: ByteView): Result {
  const { bytes } = header;
  const lastStreamId = view.u32(FRAME_HEADER_BYTES);
  const code = view.u32(FRAME_HEADER_BYTES + 4);
  if (code < 0) {
    if (mayComplete(view)) return { status: 'more', atLeast: FRAME_HEADER_BYTES + 8 };
    return { status: 'skip', consumed: bytes };
  }
  const frame: Http2Frame = { kind: 'h2-goaway', lastStreamId: lastStreamId & 0x7fffffff, code };
  return { status: 'frame', frame, consumed: bytes };
}

/** The frame whose header was read lies in the view. */
function holdsFrame(view: ByteView): boolean {
  return header.bytes <= view.available;
}

/** Bytes that the view lacks may still come, and can be kept until then. */
function mayComplete(view: ByteView): boolean {
  return view.hole === 0 && !view.ended && header.length <= MAX_BLOCK_BYTES;
}

/** A block that only the other side may send: the direction of the requests was guessed, and wrongly. */
function contradicts(side: Side, list: HeaderList): boolean {
  return side === 'request' ? list.status !== undefined : list.method !== undefined;
}

function invalid(why: string): Result {
  return { status: 'invalid', why };
}
