// SPDX-License-Identifier: Apache-2.0
import type { ConnectionInfo, ProtocolResult } from '@libtrace/core/plugin';
import type { HeaderField } from './frames.js';
import { registeredMethods } from './methods.js';
import { Redactor } from './redact.js';
import { type Authority, splitAuthority, splitTarget } from './target.js';
import type { HttpAttributes, HttpOptions } from './types.js';

/** Attributes while they are collected. */
export type Collected = {
  -readonly [K in keyof HttpAttributes]: HttpAttributes[K];
};
/** What a plugin may say of an exchange. */
export type Status = ProtocolResult['status'];

/** What a request of any version says of its target. */
export interface Asked {
  readonly method: string;
  /** Request target (RFC 9112 §3.2), or `:path`. */
  readonly target: string;
  readonly scheme: string | undefined;
  /** `:authority`, or the `Host` field; what the target names comes first. */
  readonly host: string | undefined;
}

/** `operation` of a request whose method is not known: OpenTelemetry's name for such a span. */
export const UNKNOWN_OPERATION = 'HTTP';

/** Writes what is common to records of all versions of HTTP, and hides credentials. */
export class AttributeWriter {
  readonly #redactor: Redactor;
  readonly #methods: ReadonlySet<string>;
  /** The last host and what it says: a connection repeats it. */
  #host: string | undefined;
  #hostAuthority: Authority | undefined;

  constructor(options: HttpOptions) {
    this.#redactor = new Redactor(options.redact ?? options.showValues !== true);
    this.#methods = new Set(options.knownMethods ?? registeredMethods);
  }

  /** Method, target and host. */
  asked(attributes: Collected, asked: Asked, connection: ConnectionInfo): void {
    const target = splitTarget(asked.method, asked.target);
    attributes['url.scheme'] = target.scheme ?? asked.scheme ?? schemeOf(connection);
    if (target.path !== undefined) attributes['url.path'] = this.#redactor.path(target.path);
    if (target.query !== undefined) attributes['url.query'] = this.#redactor.query(target.query);
    if (target.scheme !== undefined) attributes['url.full'] = this.#redactor.url(asked.target);
    if (target.authority === undefined) this.host(attributes, asked.host);
    else setAuthority(attributes, splitAuthority(target.authority));
  }

  /** Returns the operation. */
  method(attributes: Collected, method: string): string {
    const known = this.#methods.has(method);
    attributes['http.request.method'] = known ? method : '_OTHER';
    if (!known) attributes['http.request.method_original'] = method;
    return known ? method : UNKNOWN_OPERATION;
  }

  host(attributes: Collected, host: string | undefined): void {
    if (host === undefined) return;
    if (host !== this.#host) {
      this.#host = host;
      this.#hostAuthority = splitAuthority(host);
    }
    setAuthority(attributes, this.#hostAuthority);
  }

  headers(
    attributes: Collected,
    prefix: 'http.request.header.' | 'http.response.header.',
    headers: readonly HeaderField[],
  ): void {
    if (headers.length === 0) return;
    const values = new Map<string, string[]>();
    for (const { name, value } of headers) {
      const shown = this.#redactor.header(name, value);
      const others = values.get(name);
      if (others === undefined) values.set(name, [shown]);
      else others.push(shown);
    }
    for (const [name, list] of values) attributes[`${prefix}${name}`] = list;
  }
}

/** `error.type`, by OpenTelemetry's rule: what the client did wrong is no error of the server. */
export function setError(
  attributes: Collected,
  status: Status,
  type: string,
  connection: ConnectionInfo,
): void {
  const failed =
    status === 'server-error' || (status === 'client-error' && connection.role !== 'server');
  if (failed) attributes['error.type'] = type;
}

/** RFC 9110 §15: unknown codes count as the first of their class, and those without a class as 5xx. */
export function statusOf(code: number): Status {
  if (code < 400) return 'ok';
  return code < 500 ? 'client-error' : 'server-error';
}

function schemeOf(connection: ConnectionInfo): string {
  return connection.transport === 'tls' ? 'https' : 'http';
}

function setAuthority(attributes: Collected, authority: Authority | undefined): void {
  if (authority === undefined) return;
  attributes['server.address'] = authority.address;
  if (authority.port !== undefined) attributes['server.port'] = authority.port;
}
