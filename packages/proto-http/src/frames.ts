// SPDX-License-Identifier: Apache-2.0
import type { GrpcBody, GrpcEnd } from './grpc/grpc-body.js';
import type { Http2Frame, StreamFrame } from './http2/frames.js';
import type { WebSocketFrame } from './websocket/frames.js';

/** How the end of a body is found (RFC 9112 §6.3). */
export type BodyFraming =
  /** There is none. */
  | 'none'
  /** By `Content-Length`. */
  | 'length'
  /** By `Transfer-Encoding: chunked`. */
  | 'chunked'
  /** By the end of the connection. */
  | 'close';

/** One header field that an allow-list names. */
export interface HeaderField {
  /** Lower case. */
  readonly name: string;
  /** As sent, without the white space around it; folded lines joined by a space. */
  readonly value: string;
}

/** What requests and responses have in common. */
export interface HttpMessageFrame {
  /** `1.1`, `1.0`, or whatever digit followed `HTTP/1.` (RFC 9112 §2.3). */
  readonly version: string;
  /** Allow-listed fields in the order of the message, the first 256 at most. */
  readonly headers: readonly HeaderField[];
  /** How the end of the body was found. */
  readonly framing: BodyFraming;
  /** Bytes of the body as transferred, without chunk framing. The stated length for `length`. */
  readonly bodyBytes: number;
  /** Bytes of the message that are not body: head, chunk sizes, trailers. */
  readonly overheadBytes: number;
  /** Which part could not be read because it lay in a hole or was malformed; `bodyBytes` is then a lower bound. */
  readonly lost: 'head' | 'body' | undefined;
  /** The messages in the body, when it is one of gRPC-Web. */
  readonly grpc: GrpcBody | undefined;
}

/** A request (RFC 9112 §3). */
export interface HttpRequestFrame extends HttpMessageFrame {
  /** Says that it is a request. */
  readonly kind: 'request';
  /** As sent; case matters. */
  readonly method: string;
  /** The request target as sent, in any of its four forms (RFC 9112 §3.2). Holds secrets: not for display. */
  readonly target: string;
  /** Value of the `Host` field (RFC 9110 §7.2). */
  readonly host: string | undefined;
  /** Value of the `User-Agent` field (RFC 9110 §10.1.5). */
  readonly userAgent: string | undefined;
  /** First protocol of an `Upgrade` field (RFC 9110 §7.8), lower case, without its version. */
  readonly upgrade: string | undefined;
}

/** A final response (RFC 9112 §4), or the 101 that ends HTTP on the connection. */
export interface HttpResponseFrame extends HttpMessageFrame {
  /** Says that it is a response. */
  readonly kind: 'response';
  /** RFC 9110 §15. */
  readonly statusCode: number;
  /** What the connection goes on as: the protocol of a 101, `opaque` behind a 2xx to CONNECT. */
  readonly upgrade: string | undefined;
  /** How a call of gRPC-Web ended, when the head says so. */
  readonly grpcEnd: GrpcEnd | undefined;
}

/** One HTTP/1 message. */
export type Http1Frame = HttpRequestFrame | HttpResponseFrame;

/** Whatever the parser hands on, and what the matcher makes of it. */
export type HttpFrame = Http1Frame | Http2Frame | StreamFrame | WebSocketFrame;
