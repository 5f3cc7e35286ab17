// SPDX-License-Identifier: Apache-2.0
import type { ByteView, FrameParser, ParseResult, Side } from '@libtrace/core/plugin';
import { ChunkedBody } from './chunked.js';
import { BAD_LENGTH } from './field-value.js';
import type { Http1Frame, HttpRequestFrame, HttpResponseFrame } from './frames.js';
import { grpcEncoding } from './grpc/content-type.js';
import { GrpcBody } from './grpc/grpc-body.js';
import { type HeadReader, MAX_HEAD_BYTES, type Repeated } from './head.js';
import { MethodQueue } from './method-queue.js';
import { nextStart } from './resync.js';
import { CR, DEL, LF, SP } from './scan.js';

type Result = ParseResult<Http1Frame>;
type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type Pending = Mutable<HttpRequestFrame> | Mutable<HttpResponseFrame>;

const invalidHead: Result = { status: 'invalid', why: 'no HTTP/1 message begins here' };
const invalidLength: Result = { status: 'invalid', why: 'Content-Length is malformed' };
const invalidCoding: Result = { status: 'invalid', why: 'a request must end in a chunked coding' };
const more: Result = { status: 'more' };

/** One direction of a connection. */
class HalfConnection {
  /** The message whose body is being read. */
  pending: Pending | undefined;
  /** Its body, when it comes in chunks. */
  chunks: ChunkedBody | undefined;
  /** Bytes that are left of its body, when its length is known and its bytes are looked at. */
  bodyLeft = 0;
  /** Bytes of an unfinished head that were searched for what ends {@link unfinished}; 0: read it again. */
  searched = 0;
  unfinished: 'text' | 'fields' = 'fields';

  forget(): void {
    this.pending = undefined;
    this.chunks = undefined;
    this.bodyLeft = 0;
    this.searched = 0;
  }
}

/**
 * Parser of one HTTP/1 connection. Heads are read where they lie; bodies are stepped over. What it keeps is bounded:
 * one frame per direction and the strings of the message before.
 */
export class HttpParser implements FrameParser<Http1Frame> {
  readonly #reader: HeadReader;
  readonly #queue: MethodQueue;
  readonly #request = new HalfConnection();
  readonly #response = new HalfConnection();
  readonly #repeated: Repeated = { target: undefined, host: undefined, userAgent: undefined };
  /** The connection is no longer HTTP. */
  #switched = false;
  /** A request asked for another protocol and its response was not seen. */
  #mayswitch: 'tunnel' | 'upgrade' | undefined;

  /** @param midstream the connection is older than the tracing of it */
  constructor(reader: HeadReader, midstream: boolean) {
    this.#reader = reader;
    this.#queue = new MethodQueue(!midstream);
  }

  parse(side: Side, view: ByteView): Result {
    if (this.#switched) return stepOver(view);
    const half = side === 'request' ? this.#request : this.#response;
    if (half.chunks !== undefined) return this.#chunked(half, half.chunks, view, 0);
    if (half.bodyLeft > 0) return readBody(half, half.pending!, view, 0);
    if (half.pending !== undefined) return untilClose(half.pending, view, 0);
    if (view.available === 0) return more;
    const first = view.buffer[view.start]!;
    if (first === CR || first === LF) return leadingLines(view);
    if (half.searched > 0 && !worthReading(half, view)) return more;

    const outcome = this.#reader.read(side, view, this.#repeated);
    if (outcome === 'more') {
      const { unfinished } = this.#reader;
      if (unfinished === 'line') {
        half.searched = 0;
      } else {
        half.searched = view.available;
        half.unfinished = unfinished;
      }
      return more;
    }
    half.searched = 0;
    if (side === 'request') {
      if (outcome === 'invalid') return this.#notARequest(view);
      return this.#requestHead(half, view, outcome === 'cut');
    }
    if (outcome === 'invalid') return invalidHead;
    return this.#responseHead(half, view, outcome === 'cut');
  }

  resync(side: Side, view: ByteView, after: 'hole' | 'invalid'): number {
    (side === 'request' ? this.#request : this.#response).forget();
    this.#queue.lose();
    this.#mayswitch = undefined;
    return nextStart(side, view, after === 'hole' ? 0 : 1);
  }

  /** Whether a message may begin at the head of this side. */
  atStart(side: Side): boolean {
    return (side === 'request' ? this.#request : this.#response).pending === undefined;
  }

  /** Whether the next response is known to be that of the last request. */
  get answersLast(): boolean {
    return this.#queue.sure && this.#queue.outstanding === 1;
  }

  /** Only a body without length or chunks is completed by the end of the connection. */
  endCompletes(side: Side): boolean {
    const half = side === 'request' ? this.#request : this.#response;
    return half.pending?.framing !== 'chunked' && half.bodyLeft === 0;
  }

  end(side: Side): Http1Frame | undefined {
    const half = side === 'request' ? this.#request : this.#response;
    const frame = half.pending;
    if (frame?.framing === 'chunked') frame.lost = 'body';
    half.forget();
    return frame;
  }

  #requestHead(half: HalfConnection, view: ByteView, cut: boolean): Result {
    const head = this.#reader;
    const frame: Mutable<HttpRequestFrame> = {
      kind: 'request',
      version: head.version,
      headers: head.headers,
      framing: 'none',
      bodyBytes: 0,
      overheadBytes: head.bytes,
      lost: undefined,
      method: head.method,
      target: head.target,
      host: head.host,
      userAgent: head.userAgent,
      upgrade: head.upgrade,
      grpc: grpcBody(head),
    };
    if (!cut && head.coding === 'other') return invalidCoding;
    if (!cut && head.coding === 'none' && head.contentLength === BAD_LENGTH) return invalidLength;
    // what is hidden behind a cut head may be more requests
    if (cut) this.#queue.lose();
    this.#queue.request(head.method);
    this.#mayswitch =
      head.method === 'CONNECT' ? 'tunnel' : head.upgrade !== undefined ? 'upgrade' : undefined;
    if (cut) return cutHead(frame, view.available + view.hole);
    // rules 4 to 6 of RFC 9112 §6.3: chunked overrides a length
    if (head.coding === 'chunked') return this.#startChunked(half, frame, view);
    if (head.contentLength < 0) return { status: 'frame', frame, consumed: head.bytes };
    return withLength(half, frame, view, head.bytes, head.contentLength);
  }

  #responseHead(half: HalfConnection, view: ByteView, cut: boolean): Result {
    const head = this.#reader;
    const code = head.statusCode;
    // interim responses (RFC 9110 §15.2) answer nothing yet
    if (cut) this.#queue.lose();
    if (code < 200 && code !== 101) {
      // a hole behind a cut one is left to core: a final response may lie in it
      return { status: 'skip', consumed: cut ? view.available : head.bytes };
    }
    const asked = cut ? 'unseen' : this.#queue.response();
    const frame: Mutable<HttpResponseFrame> = {
      kind: 'response',
      version: head.version,
      headers: head.headers,
      framing: 'none',
      bodyBytes: 0,
      overheadBytes: head.bytes,
      lost: undefined,
      statusCode: code,
      upgrade: undefined,
      grpc: grpcBody(head),
      grpcEnd:
        head.grpcStatus === undefined
          ? undefined
          : { status: head.grpcStatus, message: head.grpcMessage },
    };
    if (code === 101) return this.#switch(frame, head.upgrade ?? 'opaque', cut, view);
    if (cut) return cutHead(frame, upToHoleEnd(view));
    const stated = head.coding !== 'none' || head.contentLength !== -1;
    if (asked === 'connect' && code < 300 && (this.#queue.sure || !stated)) {
      return this.#switch(frame, 'opaque', cut, view);
    }
    if (!this.#queue.waiting) this.#mayswitch = undefined;
    if (code === 204 || code === 304 || this.#bodiless(asked, view)) {
      return { status: 'frame', frame, consumed: head.bytes };
    }
    if (head.coding === 'chunked') return this.#startChunked(half, frame, view);
    if (head.coding === 'none' && head.contentLength === BAD_LENGTH) return invalidLength;
    if (head.coding === 'none' && head.contentLength >= 0) {
      return withLength(half, frame, view, head.bytes, head.contentLength);
    }
    frame.framing = 'close';
    half.pending = frame;
    return untilClose(frame, view, head.bytes);
  }

  /**
   * Whether a response has no body because a HEAD asked for it. Where a hole may have hidden requests, the bytes
   * behind the head decide: a status line there is the next response, not a body.
   */
  #bodiless(asked: 'other' | 'head' | 'connect' | 'unseen', view: ByteView): boolean {
    const head = this.#reader;
    if (this.#queue.sure && asked !== 'unseen') return asked === 'head';
    if (view.available > head.bytes) return view.matches('HTTP/1.', head.bytes);
    if (asked === 'head') return true;
    // no length, and the connection stays: only a response to HEAD may look like this
    const stated = head.coding !== 'none' || head.contentLength !== -1;
    return !stated && !head.close && head.version !== '1.0' && view.hole === 0 && !view.ended;
  }

  #switch(frame: Mutable<HttpResponseFrame>, to: string, cut: boolean, view: ByteView): Result {
    // 'http' would be this very parser
    const protocol = to === 'http' ? 'opaque' : to;
    frame.upgrade = protocol;
    if (cut) frame.lost = 'head';
    this.#switched = true;
    const consumed = cut ? view.available + view.hole : this.#reader.bytes;
    return { status: 'switch', to: protocol, consumed, frame };
  }

  /** Bytes that are no request: perhaps what was to come behind an upgrade whose response is still on its way. */
  #notARequest(view: ByteView): Result {
    if (this.#mayswitch === 'tunnel') return stepOver(view);
    const wait = this.#mayswitch === 'upgrade' && view.hole === 0 && !view.ended;
    return wait && view.available <= MAX_HEAD_BYTES ? more : invalidHead;
  }

  #startChunked(half: HalfConnection, frame: Pending, view: ByteView): Result {
    frame.framing = 'chunked';
    half.pending = frame;
    half.chunks = new ChunkedBody(frame.grpc);
    return this.#chunked(half, half.chunks, view, this.#reader.bytes);
  }

  #chunked(half: HalfConnection, chunks: ChunkedBody, view: ByteView, from: number): Result {
    const frame = half.pending!;
    const overhead = chunks.overheadBytes;
    const outcome = chunks.read(view, from);
    const consumed =
      outcome === 'lost' && half === this.#response ? upToHoleEnd(view) : chunks.consumed;
    frame.bodyBytes = chunks.bodyBytes;
    frame.overheadBytes += chunks.overheadBytes - overhead;
    if (outcome === 'part') return consumed === 0 ? more : { status: 'part', consumed };
    if (outcome !== 'done') {
      frame.lost = 'body';
      this.#queue.lose();
    }
    half.forget();
    return { status: 'frame', frame, consumed };
  }
}

/** A head of which a hole (or the end) hides the rest: what is known of it is told, where it ends is not known. */
function cutHead(frame: Pending, consumed: number): Result {
  frame.lost = 'head';
  return { status: 'frame', frame, consumed };
}

/**
 * All but the last byte of the hole behind the view. What is left of the hole lies between two messages, which tells
 * core that it may have hidden others. (Not so for requests: one that hides in a hole is answered, and the answer has
 * no other request to be taken for, unless requests were pipelined.)
 */
function upToHoleEnd(view: ByteView): number {
  const { available, hole } = view;
  return Math.max(1, available + hole - (hole > 0 ? 1 : 0));
}

/** A body of known length is stepped over with its head, wherever its bytes are, unless its messages are counted. */
function withLength(
  half: HalfConnection,
  frame: Pending,
  view: ByteView,
  headBytes: number,
  length: number,
): Result {
  frame.framing = 'length';
  frame.bodyBytes = length;
  if (frame.grpc === undefined || length === 0) {
    return { status: 'frame', frame, consumed: headBytes + length };
  }
  half.pending = frame;
  half.bodyLeft = length;
  return readBody(half, frame, view, headBytes);
}

/** A body of known length whose bytes are looked at, from offset `from` of the view on. */
function readBody(half: HalfConnection, frame: Pending, view: ByteView, from: number): Result {
  const body = frame.grpc!;
  const seen = Math.min(half.bodyLeft, view.available - from);
  body.read(view.buffer, view.start + from, view.start + from + seen);
  const hidden = Math.min(half.bodyLeft - seen, view.hole);
  body.skip(hidden);
  half.bodyLeft -= seen + hidden;
  const consumed = from + seen + hidden;
  if (half.bodyLeft > 0) return consumed === 0 ? more : { status: 'part', consumed };
  half.forget();
  return { status: 'frame', frame, consumed };
}

/** Of a message that gRPC-Web sends over HTTP/1. */
function grpcBody(head: HeadReader): GrpcBody | undefined {
  if (head.grpcType === undefined) return undefined;
  const encoding = grpcEncoding(head.grpcType);
  return encoding === undefined ? undefined : new GrpcBody(encoding);
}

/** Everything up to the end of the connection is body (RFC 9112 §6.3, rule 8). */
function untilClose(frame: Pending, view: ByteView, from: number): Result {
  const consumed = view.available + view.hole;
  if (consumed === 0) return more;
  frame.grpc?.read(view.buffer, view.start + from, view.start + view.available);
  frame.grpc?.skip(view.hole);
  frame.bodyBytes += consumed - from;
  return { status: 'part', consumed };
}

function stepOver(view: ByteView): Result {
  const consumed = view.available + view.hole;
  return consumed === 0 ? more : { status: 'skip', consumed };
}

/** Empty lines before a message are ignored (RFC 9112 §2.2). */
function leadingLines(view: ByteView): Result {
  let at = 0;
  for (;;) {
    const byte = view.u8(at);
    if (byte === LF) at++;
    else if (byte === CR && view.u8(at + 1) === LF) at += 2;
    else break;
  }
  if (at > 0) return { status: 'skip', consumed: at };
  return view.available === 1 ? more : invalidHead;
}

/**
 * Whether to read a head again that was unfinished before: what it waited for has come, or never will. A head that
 * arrives byte by byte is so searched once, not once per byte.
 */
function worthReading(half: HalfConnection, view: ByteView): boolean {
  const { buffer, start, available } = view;
  if (view.hole > 0 || view.ended || available >= MAX_HEAD_BYTES) return true;
  for (let at = half.searched; at < available; at++) {
    const byte = buffer[start + at]!;
    if (half.unfinished === 'text') {
      if (byte <= SP || byte === DEL) return true;
    } else if (byte === LF) {
      const before = buffer[start + at - 1];
      if (before === LF || (before === CR && buffer[start + at - 2] === LF)) return true;
    }
  }
  half.searched = available;
  return false;
}
