// SPDX-License-Identifier: Apache-2.0
import type { HttpRequestFrame, HttpResponseFrame } from '../frames.js';
import type { GrpcBody } from '../grpc/grpc-body.js';
import type { HeaderList } from './header-list.js';

/** A header block with the frames that carried it: HEADERS or PUSH_PROMISE, and CONTINUATION (RFC 9113 §6.2, §6.6, §6.10). */
export interface HeadersFrame {
  readonly kind: 'h2-headers';
  readonly streamId: number;
  /** The stream that a PUSH_PROMISE promises; the list is its request. */
  readonly promisedId: number | undefined;
  readonly list: HeaderList;
  readonly endStream: boolean;
  /** Counts the messages of the body that follows, when it is one of gRPC. */
  readonly grpc: GrpcBody | undefined;
}

/** A DATA frame (RFC 9113 §6.1). */
export interface DataFrame {
  readonly kind: 'h2-data';
  readonly streamId: number;
  /** Bytes of the frame, its header and padding included. */
  readonly frameBytes: number;
  /** Bytes of the body in it. */
  readonly bodyBytes: number;
  readonly endStream: boolean;
  /** How much of it is padding lay in a hole: `bodyBytes` is a lower bound. */
  readonly lost: boolean;
}

/** A RST_STREAM frame (RFC 9113 §6.4). */
export interface ResetFrame {
  readonly kind: 'h2-reset';
  readonly streamId: number;
  /** -1 when it was not captured. */
  readonly code: number;
}

/** A GOAWAY frame (RFC 9113 §6.8). */
export interface GoawayFrame {
  readonly kind: 'h2-goaway';
  /** Streams of the other side with larger numbers were not, and will not be processed. */
  readonly lastStreamId: number;
  readonly code: number;
}

/** A request in HTTP/1.1 that asks for HTTP/2 (RFC 7540 §3.2): if it is granted, the response comes on stream 1. */
export interface UpgradeRequestFrame {
  readonly kind: 'h2c-request';
  readonly request: HttpRequestFrame;
}

/** The response in HTTP/1.1 of a server that did not grant it. */
export interface UpgradeRefusedFrame {
  readonly kind: 'h2c-refused';
  readonly response: HttpResponseFrame;
}

/** What the parser makes of the frames of HTTP/2 that say something of an exchange. */
export type Http2Frame =
  HeadersFrame | DataFrame | ResetFrame | GoawayFrame | UpgradeRequestFrame | UpgradeRefusedFrame;

/** How a stream ended, when not by the end of both its messages. */
export interface StreamEnd {
  /** Of RST_STREAM; -1 when it was not captured. */
  readonly resetCode?: number;
  readonly resetBy?: 'client' | 'server';
  /** Of the GOAWAY that excluded the stream. */
  readonly goawayCode?: number;
}

/** One message of a stream, put together by the matcher. */
export interface StreamFrame {
  readonly kind: 'stream';
  readonly streamId: number;
  /** Undefined when its frames were not seen. */
  readonly head: HeaderList | undefined;
  readonly trailers: HeaderList | undefined;
  readonly bodyBytes: number;
  readonly grpc: GrpcBody | undefined;
  /** Frames of it may have been missed: sizes are lower bounds. */
  readonly lost: boolean;
  /** The server began the exchange (RFC 9113 §8.4). */
  readonly pushed: boolean;
  /** The same on both messages of a stream. */
  readonly end: StreamEnd;
}
