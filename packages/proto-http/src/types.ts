// SPDX-License-Identifier: Apache-2.0

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
export interface HttpOptions {
  /** Request fields to report as `http.request.header.<name>`. Default: none. */
  readonly requestHeaders?: readonly string[];
  /** Response fields to report as `http.response.header.<name>`. Default: none. */
  readonly responseHeaders?: readonly string[];
  /**
   * Hides credentials in query parameters, paths, URLs and allow-listed fields: their values become `REDACTED`.
   * `false` shows everything; an object changes the names. Default `true`.
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
  /** `http`, or `https` when the bytes were taken above a TLS library, or what an absolute target says. */
  readonly 'url.scheme'?: string;
  /** The whole URL, when the target is in absolute form (RFC 9112 §3.2.2). Credentials are hidden. */
  readonly 'url.full'?: string;
  /** Host of an absolute target, of CONNECT, or of the `Host` field (RFC 9110 §7.2). IPv6 without brackets. */
  readonly 'server.address'?: string;
  /** Port that stands behind that host, when one does. */
  readonly 'server.port'?: number;
  /** RFC 9110 §15. Interim responses are not reported, but for 101, which is final. */
  readonly 'http.response.status_code'?: number;
  /** Bytes of the request's content as transferred, without chunk framing; 0 when there is none. */
  readonly 'http.request.body.size'?: number;
  /** Bytes of the response's content as transferred, without chunk framing; 0 when there is none. */
  readonly 'http.response.body.size'?: number;
  readonly 'network.protocol.name': 'http';
  /** Of the request, or of the response when there is no request: `1.1`, `1.0`. */
  readonly 'network.protocol.version': string;
  /** `User-Agent` of the request (RFC 9110 §10.1.5). */
  readonly 'user_agent.original'?: string;
  /** The status code as a string: 5xx always, 4xx unless seen from the server, where it is the client's error. */
  readonly 'error.type'?: string;
  /** What the connection goes on as, behind this exchange: `websocket`, `h2c`, `opaque` for a CONNECT tunnel. */
  readonly 'libtrace.http.upgrade'?: string;
  /** Values of allow-listed request fields, in order. The name is in lower case. */
  readonly [requestHeader: `http.request.header.${string}`]: readonly string[];
  /** Values of allow-listed response fields, in order. The name is in lower case. */
  readonly [responseHeader: `http.response.header.${string}`]: readonly string[];
}
