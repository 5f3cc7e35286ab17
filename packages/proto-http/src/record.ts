// SPDX-License-Identifier: Apache-2.0
import type {
  ConnectionInfo,
  Exchange,
  Message,
  Missing,
  ProtocolResult,
} from '@libtrace/core/plugin';
import type { HttpFrame, HttpRequestFrame, HttpResponseFrame } from './frames.js';
import { registeredMethods } from './methods.js';
import { Redactor } from './redact.js';
import { type Authority, splitAuthority, splitTarget } from './target.js';
import type { HttpAttributes, HttpOptions } from './types.js';

type Attributes = {
  -readonly [K in keyof HttpAttributes]: HttpAttributes[K];
};
type Status = ProtocolResult['status'];

/** Turns exchanges into what a record says of them. */
export class RecordBuilder {
  readonly #redactor: Redactor;
  readonly #methods: ReadonlySet<string>;
  /** The last `Host` and what it says: a connection repeats it. */
  #host: string | undefined;
  #hostAuthority: Authority | undefined;

  constructor(options: HttpOptions) {
    this.#redactor = new Redactor(options.redact ?? true);
    this.#methods = new Set(options.knownMethods ?? registeredMethods);
  }

  /** For `ProtocolPlugin.toRecord`. */
  build(
    exchange: Exchange<HttpFrame>,
    connection: ConnectionInfo,
  ): ProtocolResult<HttpAttributes> | undefined {
    const request = exchange.request?.frame;
    const response = exchange.response?.frame;
    const version = (request ?? response)?.version;
    if (version === undefined) return undefined;
    const attributes: Attributes = {
      'network.protocol.name': 'http',
      'network.protocol.version': version,
    };
    let operation = 'HTTP';
    let status: Status = 'unknown';
    if (request?.kind === 'request') {
      operation = this.#request(attributes, request, connection);
      attributes['http.request.body.size'] = bodySize(exchange.request!);
    }
    if (response?.kind === 'response') {
      status = statusOf(response.statusCode);
      this.#response(attributes, response, status, connection);
      attributes['http.response.body.size'] = bodySize(exchange.response!);
    }
    const missing = missingOf(exchange);
    return missing === undefined
      ? { operation, status, attributes }
      : { operation, status, attributes, missing };
  }

  #request(attributes: Attributes, request: HttpRequestFrame, connection: ConnectionInfo): string {
    const known = this.#methods.has(request.method);
    attributes['http.request.method'] = known ? request.method : '_OTHER';
    if (!known) attributes['http.request.method_original'] = request.method;
    const target = splitTarget(request.method, request.target);
    attributes['url.scheme'] = target.scheme ?? (connection.transport === 'tls' ? 'https' : 'http');
    if (target.path !== undefined) attributes['url.path'] = this.#redactor.path(target.path);
    if (target.query !== undefined) attributes['url.query'] = this.#redactor.query(target.query);
    if (target.scheme !== undefined) attributes['url.full'] = this.#redactor.url(request.target);
    const authority =
      target.authority === undefined
        ? this.#authorityOf(request.host)
        : splitAuthority(target.authority);
    if (authority !== undefined) {
      attributes['server.address'] = authority.address;
      if (authority.port !== undefined) attributes['server.port'] = authority.port;
    }
    if (request.userAgent !== undefined) attributes['user_agent.original'] = request.userAgent;
    this.#headers(attributes, 'http.request.header.', request);
    // the conventions' name for a span whose method is not known
    return known ? request.method : 'HTTP';
  }

  #response(
    attributes: Attributes,
    response: HttpResponseFrame,
    status: Status,
    connection: ConnectionInfo,
  ): void {
    attributes['http.response.status_code'] = response.statusCode;
    const failed =
      status === 'server-error' || (status === 'client-error' && connection.role !== 'server');
    if (failed) attributes['error.type'] = String(response.statusCode);
    if (response.upgrade !== undefined) attributes['libtrace.http.upgrade'] = response.upgrade;
    this.#headers(attributes, 'http.response.header.', response);
  }

  #headers(
    attributes: Attributes,
    prefix: 'http.request.header.' | 'http.response.header.',
    frame: HttpFrame,
  ): void {
    if (frame.headers.length === 0) return;
    const values = new Map<string, string[]>();
    for (const { name, value } of frame.headers) {
      const shown = this.#redactor.header(name, value);
      const others = values.get(name);
      if (others === undefined) values.set(name, [shown]);
      else others.push(shown);
    }
    for (const [name, list] of values) attributes[`${prefix}${name}`] = list;
  }

  #authorityOf(host: string | undefined): Authority | undefined {
    if (host === undefined) return undefined;
    if (host !== this.#host) {
      this.#host = host;
      this.#hostAuthority = splitAuthority(host);
    }
    return this.#hostAuthority;
  }
}

/** RFC 9110 §15: unknown codes count as the first of their class, and those without a class as 5xx. */
function statusOf(code: number): Status {
  if (code < 400) return 'ok';
  return code < 500 ? 'client-error' : 'server-error';
}

/** What moved of the body: all that was stated, unless the connection ended first. */
function bodySize({ frame, bytes, truncated }: Message<HttpFrame>): number {
  if (!truncated) return frame.bodyBytes;
  return Math.max(0, Math.min(frame.bodyBytes, bytes - frame.overheadBytes));
}

function missingOf({ request, response }: Exchange<HttpFrame>): Missing[] | undefined {
  const ofRequest = request === undefined ? undefined : lostOf(request);
  const ofResponse = response === undefined ? undefined : lostOf(response);
  if (ofRequest === undefined && ofResponse === undefined) return undefined;
  const missing: Missing[] = [];
  if (ofRequest !== undefined) missing.push(`request.${ofRequest}`, 'request.size');
  if (ofResponse !== undefined) missing.push(`response.${ofResponse}`, 'response.size');
  return missing;
}

function lostOf({ frame, truncated }: Message<HttpFrame>): 'head' | 'body' | undefined {
  if (frame.lost !== undefined) return frame.lost;
  return truncated ? 'body' : undefined;
}
