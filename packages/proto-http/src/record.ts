// SPDX-License-Identifier: Apache-2.0
import type {
  ConnectionInfo,
  Exchange,
  Message,
  Missing,
  ProtocolResult,
} from '@libtrace/core/plugin';
import type { Http1Frame, HttpFrame, HttpRequestFrame, HttpResponseFrame } from './frames.js';
import { writeGrpc } from './grpc/grpc-record.js';
import { streamResult } from './http2/stream-record.js';
import {
  AttributeWriter,
  type Collected,
  setError,
  type Status,
  statusOf,
  UNKNOWN_OPERATION,
} from './record-attributes.js';
import { splitTarget } from './target.js';
import type { HttpAttributes, HttpOptions } from './types.js';
import { webSocketResult } from './websocket/websocket-record.js';

type Result = ProtocolResult<HttpAttributes> | undefined;

/** Turns exchanges into what a record says of them. */
export class RecordBuilder {
  readonly #writer: AttributeWriter;

  constructor(options: HttpOptions) {
    this.#writer = new AttributeWriter(options);
  }

  /** For `ProtocolPlugin.toRecord`. */
  build(exchange: Exchange<HttpFrame>, connection: ConnectionInfo): Result {
    const kind = (exchange.response ?? exchange.request)?.frame.kind;
    switch (kind) {
      case 'request':
      case 'response':
        return this.#http1(exchange, connection);
      case 'stream':
        return this.#http2(exchange, connection);
      case 'websocket':
        return this.#webSocket(exchange, connection);
      default:
        return undefined;
    }
  }

  #http1(exchange: Exchange<HttpFrame>, connection: ConnectionInfo): Result {
    const request = exchange.request as Message<HttpRequestFrame> | undefined;
    const response = exchange.response as Message<HttpResponseFrame> | undefined;
    const version = (request ?? response)?.frame.version;
    if (version === undefined) return undefined;
    const attributes = newAttributes(version);
    let operation = UNKNOWN_OPERATION;
    let status: Status = 'unknown';
    if (request !== undefined) {
      operation = this.#request(attributes, request.frame, connection);
      attributes['http.request.body.size'] = bodySize(request);
    }
    if (response !== undefined) {
      status = statusOf(response.frame.statusCode);
      this.#response(attributes, response.frame, status, connection);
      attributes['http.response.body.size'] = bodySize(response);
    }
    if (request?.frame.grpc !== undefined || response?.frame.grpc !== undefined) {
      const call = {
        path: request && splitTarget(request.frame.method, request.frame.target).path,
        request: request?.frame.grpc,
        response: response?.frame.grpc,
        end: response?.frame.grpcEnd,
      };
      const summary = writeGrpc(attributes, call, connection);
      operation = summary.operation ?? operation;
      status = summary.status ?? (status === 'ok' ? 'unknown' : status);
    }
    const missing = missingOf(request, response);
    return missing === undefined
      ? { operation, status, attributes }
      : { operation, status, attributes, missing };
  }

  /** A stream; its request may have come in HTTP/1.1 (RFC 7540 §3.2). */
  #http2(exchange: Exchange<HttpFrame>, connection: ConnectionInfo): Result {
    const attributes = newAttributes('2');
    const asked = exchange.request?.frame;
    if (asked?.kind !== 'request') {
      return streamResult(this.#writer, attributes, exchange, undefined, connection);
    }
    const operation = this.#request(attributes, asked, connection);
    attributes['http.request.body.size'] = bodySize({ ...exchange.request!, frame: asked });
    attributes['libtrace.http.upgrade'] = 'h2c';
    const upgrade = { operation, path: asked.target };
    return streamResult(this.#writer, attributes, exchange, upgrade, connection);
  }

  #webSocket(exchange: Exchange<HttpFrame>, connection: ConnectionInfo): Result {
    const attributes = newAttributes('1.1');
    for (const message of [exchange.request, exchange.response]) {
      if (message?.frame.kind !== 'websocket' || message.frame.upgrade === undefined) continue;
      this.#request(attributes, message.frame.upgrade, connection);
      attributes['network.protocol.version'] = message.frame.upgrade.version;
      break;
    }
    return webSocketResult(attributes, exchange);
  }

  /** Returns the operation. */
  #request(attributes: Collected, request: HttpRequestFrame, connection: ConnectionInfo): string {
    const operation = this.#writer.method(attributes, request.method);
    this.#writer.asked(attributes, { ...request, scheme: undefined }, connection);
    if (request.userAgent !== undefined) attributes['user_agent.original'] = request.userAgent;
    this.#writer.headers(attributes, 'http.request.header.', request.headers);
    return operation;
  }

  #response(
    attributes: Collected,
    response: HttpResponseFrame,
    status: Status,
    connection: ConnectionInfo,
  ): void {
    attributes['http.response.status_code'] = response.statusCode;
    setError(attributes, status, String(response.statusCode), connection);
    if (response.upgrade !== undefined) attributes['libtrace.http.upgrade'] = response.upgrade;
    this.#writer.headers(attributes, 'http.response.header.', response.headers);
  }
}

function newAttributes(version: string): Collected {
  return { 'network.protocol.name': 'http', 'network.protocol.version': version };
}

/** What moved of the body: all that was stated, unless the connection ended first. */
function bodySize({ frame, bytes, truncated }: Message<Http1Frame>): number {
  if (!truncated) return frame.bodyBytes;
  return Math.max(0, Math.min(frame.bodyBytes, bytes - frame.overheadBytes));
}

function missingOf(
  request: Message<Http1Frame> | undefined,
  response: Message<Http1Frame> | undefined,
): Missing[] | undefined {
  const ofRequest = request === undefined ? undefined : lostOf(request);
  const ofResponse = response === undefined ? undefined : lostOf(response);
  if (ofRequest === undefined && ofResponse === undefined) return undefined;
  const missing: Missing[] = [];
  if (ofRequest !== undefined) missing.push(`request.${ofRequest}`, 'request.size');
  if (ofResponse !== undefined) missing.push(`response.${ofResponse}`, 'response.size');
  return missing;
}

function lostOf({ frame, truncated }: Message<Http1Frame>): 'head' | 'body' | undefined {
  if (frame.lost !== undefined) return frame.lost;
  return truncated ? 'body' : undefined;
}
