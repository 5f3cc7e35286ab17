// SPDX-License-Identifier: Apache-2.0
import type { HttpRequestFrame, HttpResponseFrame } from '../frames.js';
import type { GrpcBody } from '../grpc/grpc-body.js';
import type { HeaderList } from './header-list.js';

/** A header block with the frames that carried it: HEADERS or PUSH_PROMISE, and CONTINUATION (RFC 9113 §6.2, §6.6, §6.10). */
export interface HeadersFrame {
  /** Says that it is a header block. */
  readonly kind: 'h2-headers';
  /** Stream that it belongs to. */
  readonly streamId: number;
  /** The stream that a PUSH_PROMISE promises; the list is its request. */
  readonly promisedId: number | undefined;
  /** Its fields. */
  readonly list: HeaderList;
  /** Nothing follows from this side of the stream. */
  readonly endStream: boolean;
  /** Counts the messages of the body that follows, when it is one of gRPC. */
  readonly grpc: GrpcBody | undefined;
}

/** A DATA frame (RFC 9113 §6.1). */
export interface DataFrame {
  /** Says that it is a DATA frame. */
  readonly kind: 'h2-data';
  /** Stream that it belongs to. */
  readonly streamId: number;
  /** Bytes of the frame, its header and padding included. */
  readonly frameBytes: number;
  /** Bytes of the body in it. */
  readonly bodyBytes: number;
  /** Nothing follows from this side of the stream. */
  readonly endStream: boolean;
  /** How much of it is padding lay in a hole: `bodyBytes` is a lower bound. */
  readonly lost: boolean;
}

/** A RST_STREAM frame (RFC 9113 §6.4). */
export interface ResetFrame {
  /** Says that it is a RST_STREAM frame. */
  readonly kind: 'h2-reset';
  /** Stream that it ends. */
  readonly streamId: number;
  /** Error code (RFC 9113 §7); -1 when it was not captured. */
  readonly code: number;
}

/** A GOAWAY frame (RFC 9113 §6.8). */
export interface GoawayFrame {
  /** Says that it is a GOAWAY frame. */
  readonly kind: 'h2-goaway';
  /** Streams of the other side with larger numbers were not, and will not be processed. */
  readonly lastStreamId: number;
  /** Error code (RFC 9113 §7). */
  readonly code: number;
}

/** A request in HTTP/1.1 that asks for HTTP/2 (RFC 7540 §3.2): if it is granted, the response comes on stream 1. */
export interface UpgradeRequestFrame {
  /** Says that it is such a request. */
  readonly kind: 'h2c-request';
  /** The request as it was sent. */
  readonly request: HttpRequestFrame;
}

/** The response in HTTP/1.1 of a server that did not grant it. */
export interface UpgradeRefusedFrame {
  /** Says that it is such a response. */
  readonly kind: 'h2c-refused';
  /** The response as it was sent. */
  readonly response: HttpResponseFrame;
}

/** What the parser makes of the frames of HTTP/2 that say something of an exchange. */
export type Http2Frame =
  HeadersFrame | DataFrame | ResetFrame | GoawayFrame | UpgradeRequestFrame | UpgradeRefusedFrame;

/** How a stream ended, when not by the end of both its messages. */
export interface StreamEnd {
  /** Of RST_STREAM; -1 when it was not captured. */
  readonly resetCode?: number;
  /** Who sent it. */
  readonly resetBy?: 'client' | 'server';
  /** Of the GOAWAY that excluded the stream. */
  readonly goawayCode?: number;
}

/** One message of a stream, put together by the matcher. */
export interface StreamFrame {
  /** Says that it is a message of a stream. */
  readonly kind: 'stream';
  /** Number of the stream. */
  readonly streamId: number;
  /** Undefined when its frames were not seen. */
  readonly head: HeaderList | undefined;
  /** Fields behind the body; undefined when there were none. */
  readonly trailers: HeaderList | undefined;
  /** Bytes of the body, without framing and padding. */
  readonly bodyBytes: number;
  /** Counts the messages in the body, when it is one of gRPC. */
  readonly grpc: GrpcBody | undefined;
  /** Frames of it may have been missed: sizes are lower bounds. */
  readonly lost: boolean;
  /** The server began the exchange (RFC 9113 §8.4). */
  readonly pushed: boolean;
  /** The same on both messages of a stream. */
  readonly end: StreamEnd;
}
