// SPDX-License-Identifier: Apache-2.0
import type { CommonPluginOptions } from '@libtrace/core/plugin';

/** What is hidden, and what is not. Names are compared without case, and without `-`, `_`, `.` for parameters. */
export interface RedactOptions {
  /** Fields whose values are hidden, besides the built-in ones. */
  readonly headers?: readonly string[];
  /** Query parameters whose values are hidden, besides the built-in ones. */
  readonly queryParameters?: readonly string[];
  /** Built-in names of fields and parameters that are shown all the same. */
  readonly except?: readonly string[];
}

/** Options of {@link http}. */
export interface HttpOptions extends CommonPluginOptions {
  /** Request fields to report as `http.request.header.<name>`. Default: none. */
  readonly requestHeaders?: readonly string[];
  /** Response fields to report as `http.response.header.<name>`. Default: none. */
  readonly responseHeaders?: readonly string[];
  /**
   * Hides credentials in query parameters, paths, URLs and allow-listed fields: their values become `REDACTED`.
   * `false` shows everything; an object changes the names. Default `true`, or `false` with `showValues`.
   */
  readonly redact?: boolean | RedactOptions;
  /**
   * Methods that `http.request.method` may say, in place of the default list: all that are registered with IANA
   * (RFC 9110 §16.1). Others become `_OTHER`.
   */
  readonly knownMethods?: readonly string[];
}

/**
 * Attributes of an HTTP record, by OpenTelemetry's semantic conventions for HTTP. A key is absent when its value is not
 * known: there was no such message, field or part of the target.
 */
export interface HttpAttributes {
  /** Known method (RFC 9110 §9), or `_OTHER`. */
  readonly 'http.request.method'?: string;
  /** The method as sent, when the one above is `_OTHER`. */
  readonly 'http.request.method_original'?: string;
  /** Path of the target (RFC 9112 §3.2); `*` for the asterisk form. Credentials in `;parameters` are hidden. */
  readonly 'url.path'?: string;
  /** Query of the target without the question mark. Credentials are hidden. */
  readonly 'url.query'?: string;
  /** `http`, or `https` when the bytes were taken above a TLS library, or what an absolute target or `:scheme` says. */
  readonly 'url.scheme'?: string;
  /** The whole URL, when the target is in absolute form (RFC 9112 §3.2.2). Credentials are hidden. */
  readonly 'url.full'?: string;
  /** Host of an absolute target, of CONNECT, of `:authority`, or of the `Host` field (RFC 9110 §7.2). IPv6 without brackets. */
  readonly 'server.address'?: string;
  /** Port that stands behind that host, when one does. */
  readonly 'server.port'?: number;
  /** RFC 9110 §15. Interim responses are not reported, but for 101, which is final. */
  readonly 'http.response.status_code'?: number;
  /** Bytes of the request's content as transferred, without chunk or frame framing; 0 when there is none. */
  readonly 'http.request.body.size'?: number;
  /** Bytes of the response's content as transferred, without chunk or frame framing; 0 when there is none. */
  readonly 'http.response.body.size'?: number;
  /** Always `http`, of gRPC and WebSocket too. */
  readonly 'network.protocol.name': 'http';
  /** `1.0` or `1.1`, of the request, or of the response when there is no request; `2` when HTTP/2 answered. */
  readonly 'network.protocol.version': string;
  /** `User-Agent` of the request (RFC 9110 §10.1.5). */
  readonly 'user_agent.original'?: string;
  /**
   * The status code as a string: 5xx always, 4xx unless seen from the server, where it is the client's error. Of gRPC
   * the name of its status, of a stream that was reset the name of the code, by the same rule.
   */
  readonly 'error.type'?: string;
  /**
   * What the connection, or with HTTP/2 the stream, goes on as: `websocket`, `h2c`, `opaque` for a CONNECT tunnel. `h2c`
   * on a request of HTTP/1.1 that HTTP/2 answered.
   */
  readonly 'libtrace.http.upgrade'?: string;
  /** HTTP/2 stream of the exchange (RFC 9113 §5.1.1). */
  readonly 'libtrace.http.stream_id'?: number;
  /** True when the server pushed the response (RFC 9113 §8.4). */
  readonly 'libtrace.http.pushed'?: boolean;
  /**
   * Fields of the request whose names or values are not known: they stand in a compression table of which a part was
   * built before the connection was joined, or in bytes that were lost. Absent when there are none.
   */
  readonly 'libtrace.http.unknown_request_headers'?: number;
  /** The same of the response, its trailers included. */
  readonly 'libtrace.http.unknown_response_headers'?: number;
  /** Error code of the RST_STREAM that ended the stream before the response did (RFC 9113 §7): `CANCEL`. */
  readonly 'libtrace.http.reset_code'?: string;
  /** Who sent it: `client` or `server`. */
  readonly 'libtrace.http.reset_by'?: 'client' | 'server';
  /** Error code of the GOAWAY with which the server refused the request (RFC 9113 §6.8). */
  readonly 'libtrace.http.goaway_code'?: string;
  /** `grpc`, on calls of gRPC and gRPC-Web. */
  readonly 'rpc.system'?: 'grpc';
  /** Full name of the service, with its package. */
  readonly 'rpc.service'?: string;
  /** Name of the method, without the service. */
  readonly 'rpc.method'?: string;
  /** `grpc-status`: 0 is OK. Absent when the call ended without one. */
  readonly 'rpc.grpc.status_code'?: number;
  /** `grpc-message` of a call that failed. */
  readonly 'error.message'?: string;
  /** Messages that the client sent; absent when bytes that say so were not seen. */
  readonly 'libtrace.grpc.request_messages'?: number;
  /** Messages that the server sent; absent when bytes that say so were not seen. */
  readonly 'libtrace.grpc.response_messages'?: number;
  /** Frames that the client sent on a WebSocket, control frames included; absent when some were not seen. */
  readonly 'libtrace.websocket.request_frames'?: number;
  /** Frames that the server sent. */
  readonly 'libtrace.websocket.response_frames'?: number;
  /** Text and binary messages that the client sent to their end; absent when frames were not seen. */
  readonly 'libtrace.websocket.request_messages'?: number;
  /** The same of the server. */
  readonly 'libtrace.websocket.response_messages'?: number;
  /** Payload of text and binary messages of the client, as sent; absent when frames were not seen. */
  readonly 'libtrace.websocket.request_bytes'?: number;
  /** The same of the server. */
  readonly 'libtrace.websocket.response_bytes'?: number;
  /** Code of the first Close frame (RFC 6455 §7.4); absent when there was none, or it had no code. */
  readonly 'libtrace.websocket.close_code'?: number;
  /** Values of allow-listed request fields, in order. The name is in lower case. */
  readonly [requestHeader: `http.request.header.${string}`]: readonly string[];
  /** Values of allow-listed response fields, in order. The name is in lower case. */
  readonly [responseHeader: `http.response.header.${string}`]: readonly string[];
}
