// SPDX-License-Identifier: Apache-2.0
import type { ByteView, FrameParser, ParseResult, Side } from '@libtrace/core/plugin';
import type { Http1Frame, HttpFrame, HttpRequestFrame } from './frames.js';
import type { HeadReader } from './head.js';
import { FRAME_HEADER_BYTES, FrameHeader, PREFACE, SETTINGS } from './http2/frame-header.js';
import type { HeaderCollector } from './http2/header-list.js';
import { Http2Parser } from './http2/parser.js';
import { nextFrame } from './http2/resync.js';
import { HttpParser } from './parser.js';
import { nextStart } from './resync.js';
import { WebSocketParser } from './websocket/parser.js';

type Result = ParseResult<HttpFrame>;
type Dialect = 'undecided' | 'http1' | 'http2' | 'websocket';

/** What the parsers of all connections share. */
export interface Readers {
  readonly heads: HeadReader;
  readonly collector: HeaderCollector;
}

const header = new FrameHeader();

/**
 * Parser of one connection, whatever of HTTP it speaks: HTTP/1 or HTTP/2, found out from the first bytes, and what HTTP/1
 * may turn into: HTTP/2 by `Upgrade: h2c` (RFC 7540 §3.2), a WebSocket (RFC 6455). Each direction changes where its own
 * bytes do: the two need not arrive in causal order.
 */
export class ConnectionParser implements FrameParser<HttpFrame> {
  readonly #readers: Readers;
  readonly #midstream: boolean;
  readonly #http1: HttpParser;
  #http2: Http2Parser | undefined;
  #webSocket: WebSocketParser | undefined;
  readonly #dialects: Record<Side, Dialect> = { request: 'undecided', response: 'undecided' };
  /** A message was read: the dialect is the right one. */
  #settled = false;
  /** A request for HTTP/2 that was handed on as such waits for its response. */
  #asksHttp2 = false;
  /** The last request that asked for a WebSocket. */
  #asksWebSocket: HttpRequestFrame | undefined;

  /** @param midstream the connection is older than the tracing of it */
  constructor(readers: Readers, midstream: boolean) {
    this.#readers = readers;
    this.#midstream = midstream;
    this.#http1 = new HttpParser(readers.heads, midstream);
  }

  parse(side: Side, view: ByteView): Result {
    let dialect = this.#dialects[side];
    if (dialect === 'undecided') {
      if (view.available === 0) return { status: 'more' };
      if (!this.#decide(side, view)) return { status: 'more', atLeast: FRAME_HEADER_BYTES };
      dialect = this.#dialects[side];
    }
    switch (dialect) {
      case 'http2':
        return this.#settle(this.#http2!.parse(side, view));
      case 'websocket':
        return this.#webSocket!.parse(side, view);
      default:
        if (side === 'request' && this.#asksHttp2 && this.#beginsHttp2(view)) {
          this.#startHttp2('request');
          return this.#http2!.parse(side, view);
        }
        return this.#ofHttp1(this.#http1.parse(side, view));
    }
  }

  resync(side: Side, view: ByteView, after: 'hole' | 'invalid'): number {
    const dialect = this.#dialects[side];
    if (dialect === 'websocket') return this.#webSocket!.resync(side);
    // the answer to a request for HTTP/2 may be lost: the connection may have become it, or not
    const isOpen = !this.#settled || (dialect === 'http1' && this.#asksHttp2);
    this.#asksHttp2 = false;
    this.#asksWebSocket = undefined;
    if (isOpen) this.#reconsider(side, view, after);
    return this.#dialects[side] === 'http2'
      ? this.#http2!.resync(side, view, after)
      : this.#http1.resync(side, view, after);
  }

  end(side: Side): HttpFrame | undefined {
    return this.#active(side).end(side);
  }

  endCompletes(side: Side): boolean {
    const active = this.#active(side);
    return active instanceof Http2Parser ? false : active.endCompletes(side);
  }

  #active(side: Side): HttpParser | Http2Parser | WebSocketParser {
    const dialect = this.#dialects[side];
    if (dialect === 'http2') return this.#http2!;
    return dialect === 'websocket' ? this.#webSocket! : this.#http1;
  }

  /** The first bytes tell; false when there are too few. */
  #decide(side: Side, view: ByteView): boolean {
    const seen = Math.min(view.available, PREFACE.length);
    if (side === 'request' && view.matches(PREFACE.slice(0, seen))) {
      if (seen < PREFACE.length && view.hole === 0 && !view.ended) return false;
      this.#startBoth(true);
    } else if (view.u8(0) === 0) {
      // heads of HTTP/1 are text, frames of HTTP/2 begin with a length
      if (!header.read(view, 0)) return view.hole > 0 || view.ended ? this.#chooseHttp1() : false;
      if (header.isLikely(side)) {
        const first = header.type === SETTINGS && header.flags === 0 && side === 'response';
        this.#startBoth(first && !this.#midstream);
      } else {
        this.#chooseHttp1();
      }
    } else {
      this.#chooseHttp1();
    }
    return true;
  }

  #chooseHttp1(): true {
    this.#dialects.request = this.#dialects.response = 'http1';
    return true;
  }

  /** A side is lost, and nothing yet has proven what the connection speaks. */
  #reconsider(side: Side, view: ByteView, after: 'hole' | 'invalid'): void {
    const from = after === 'hole' ? 0 : 1;
    const frame = nextFrame(side, view, from);
    const start = nextStart(side, view, from);
    if (start >= 0 && (frame < 0 || start < frame)) this.#chooseHttp1();
    else if (frame >= 0) this.#startBoth(false);
  }

  #startBoth(whole: boolean): void {
    this.#dialects.request = this.#dialects.response = 'http2';
    this.#http2 = new Http2Parser(this.#readers.collector, { whole });
  }

  /** One direction has changed to HTTP/2; the other does, or did, where its bytes say so. */
  #startHttp2(side: Side): void {
    this.#dialects[side] = 'http2';
    this.#http2 ??= new Http2Parser(this.#readers.collector, { whole: true });
  }

  /** A client goes on in HTTP/2, before the response that allows it was seen. */
  #beginsHttp2(view: ByteView): boolean {
    return this.#http1.atStart('request') && view.matches(PREFACE);
  }

  #settle(result: Result): Result {
    if (result.status === 'frame') this.#settled = true;
    return result;
  }

  /** What the parser of HTTP/1 found, where it means more than HTTP/1. */
  #ofHttp1(result: ParseResult<Http1Frame>): Result {
    if (result.status === 'switch') return this.#switch(result);
    if (result.status !== 'frame') return result;
    this.#settled = true;
    const { frame, consumed } = result;
    if (frame.kind === 'request') {
      if (frame.upgrade === 'websocket') this.#asksWebSocket = frame;
      if (!this.#mayBecomeHttp2(frame)) return result;
      this.#asksHttp2 = true;
      return { status: 'frame', frame: { kind: 'h2c-request', request: frame }, consumed };
    }
    if (!this.#asksHttp2) return result;
    this.#asksHttp2 = false;
    return { status: 'frame', frame: { kind: 'h2c-refused', response: frame }, consumed };
  }

  /** With another request before it, it would not be certain which response is whose. */
  #mayBecomeHttp2(frame: HttpRequestFrame): boolean {
    return (
      frame.upgrade === 'h2c' &&
      frame.lost === undefined &&
      !this.#asksHttp2 &&
      this.#http1.answersLast
    );
  }

  #switch(result: Extract<ParseResult<Http1Frame>, { status: 'switch' }>): Result {
    const { frame, consumed, to } = result;
    this.#settled = true;
    if (to === 'h2c') {
      this.#startHttp2('request');
      this.#startHttp2('response');
      if (frame?.lost !== undefined) this.#http2!.lose('response');
      // what the request asked for on stream 1 is answered there
      if (this.#asksHttp2 || frame === undefined) return { status: 'skip', consumed };
      return { status: 'frame', frame, consumed };
    }
    if (to === 'websocket' && frame !== undefined) {
      this.#webSocket = new WebSocketParser(this.#asksWebSocket);
      this.#dialects.request = this.#dialects.response = 'websocket';
      return { status: 'frame', frame, consumed };
    }
    return result;
  }
}
