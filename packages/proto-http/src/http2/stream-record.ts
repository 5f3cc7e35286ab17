// SPDX-License-Identifier: Apache-2.0
import type {
  ConnectionInfo,
  Exchange,
  Message,
  Missing,
  ProtocolResult,
} from '@libtrace/core/plugin';
import type { HttpFrame } from '../frames.js';
import { grpcEncoding } from '../grpc/content-type.js';
import { writeGrpc } from '../grpc/grpc-record.js';
import {
  type AttributeWriter,
  type Collected,
  setError,
  type Status,
  statusOf,
  UNKNOWN_OPERATION,
} from '../record-attributes.js';
import type { HttpAttributes } from '../types.js';
import { errorCodeName } from './error-codes.js';
import type { StreamEnd, StreamFrame } from './frames.js';
import type { HeaderList } from './header-list.js';

/** What an upgrade request of HTTP/1.1 has said already. */
export interface UpgradeRequest {
  readonly operation: string;
  readonly path: string;
}

/** The record of a stream. */
export function streamResult(
  writer: AttributeWriter,
  attributes: Collected,
  exchange: Exchange<HttpFrame>,
  upgrade: UpgradeRequest | undefined,
  connection: ConnectionInfo,
): ProtocolResult<HttpAttributes> | undefined {
  const request = streamFrame(exchange.request);
  const response = streamFrame(exchange.response);
  const either = response ?? request;
  if (either === undefined) return undefined;
  attributes['libtrace.http.stream_id'] = either.streamId;
  if (either.pushed) attributes['libtrace.http.pushed'] = true;
  let operation = upgrade?.operation ?? UNKNOWN_OPERATION;
  if (request !== undefined) operation = writeRequest(writer, attributes, request, connection);
  let status: Status = 'unknown';
  if (response !== undefined) status = writeResponse(writer, attributes, response, connection);
  const ended = writeEnd(attributes, either.end);
  if (ended !== undefined && (status === 'unknown' || status === 'ok')) {
    status = ended.status;
    setError(attributes, status, ended.type, connection);
  }
  const path = request?.head?.path ?? upgrade?.path;
  const call = writeCall(attributes, path, request, response, connection);
  if (call !== undefined) {
    operation = call.operation ?? operation;
    // 200 says only that the server took the call
    status = call.status ?? (status === 'ok' ? 'unknown' : status);
  }
  const missing = [
    ...missingOf('request', exchange.request, request),
    ...missingOf('response', exchange.response, response),
  ];
  return missing.length === 0
    ? { operation, status, attributes }
    : { operation, status, attributes, missing };
}

function streamFrame(message: Message<HttpFrame> | undefined): StreamFrame | undefined {
  return message?.frame.kind === 'stream' ? message.frame : undefined;
}

/** Returns the operation. */
function writeRequest(
  writer: AttributeWriter,
  attributes: Collected,
  { head, trailers, bodyBytes }: StreamFrame,
  connection: ConnectionInfo,
): string {
  attributes['http.request.body.size'] = bodyBytes;
  const unknown = unknownOf(head, trailers);
  if (unknown > 0) attributes['libtrace.http.unknown_request_headers'] = unknown;
  if (head === undefined) return UNKNOWN_OPERATION;
  const { method, path, scheme, authority, host, protocol, userAgent } = head;
  if (path !== undefined) {
    const asked = { method: 'GET', target: path, scheme, host: authority ?? host };
    writer.asked(attributes, asked, connection);
  } else {
    // CONNECT has an authority only (RFC 9113 §8.5)
    if (scheme !== undefined) attributes['url.scheme'] = scheme;
    writer.host(attributes, authority ?? host);
  }
  if (userAgent !== undefined) attributes['user_agent.original'] = userAgent;
  if (protocol !== undefined) attributes['libtrace.http.upgrade'] = protocol.toLowerCase();
  else if (method === 'CONNECT') attributes['libtrace.http.upgrade'] = 'opaque';
  writer.headers(attributes, 'http.request.header.', head.headers);
  return method === undefined ? UNKNOWN_OPERATION : writer.method(attributes, method);
}

function writeResponse(
  writer: AttributeWriter,
  attributes: Collected,
  { head, trailers, bodyBytes }: StreamFrame,
  connection: ConnectionInfo,
): Status {
  attributes['http.response.body.size'] = bodyBytes;
  const unknown = unknownOf(head, trailers);
  if (unknown > 0) attributes['libtrace.http.unknown_response_headers'] = unknown;
  const headers = [...(head?.headers ?? []), ...(trailers?.headers ?? [])];
  writer.headers(attributes, 'http.response.header.', headers);
  const code = head?.status;
  if (code === undefined) return 'unknown';
  attributes['http.response.status_code'] = code;
  const status = statusOf(code);
  setError(attributes, status, String(code), connection);
  return status;
}

/** A reset, or a GOAWAY: what it says of the exchange. */
function writeEnd(
  attributes: Collected,
  { resetCode, resetBy, goawayCode }: StreamEnd,
): { readonly status: Status; readonly type: string } | undefined {
  if (goawayCode !== undefined) attributes['libtrace.http.goaway_code'] = errorCodeName(goawayCode);
  if (resetCode === undefined || resetBy === undefined) return undefined;
  const type = resetCode < 0 ? undefined : errorCodeName(resetCode);
  if (type !== undefined) attributes['libtrace.http.reset_code'] = type;
  attributes['libtrace.http.reset_by'] = resetBy;
  return {
    status: resetBy === 'client' ? 'client-error' : 'server-error',
    type: type ?? 'RST_STREAM',
  };
}

function writeCall(
  attributes: Collected,
  path: string | undefined,
  request: StreamFrame | undefined,
  response: StreamFrame | undefined,
  connection: ConnectionInfo,
): ReturnType<typeof writeGrpc> | undefined {
  const ends = [response?.trailers, response?.head];
  const end = ends.find((list) => list?.grpcStatus !== undefined);
  const isCall =
    end !== undefined || [request, response].some((each) => isGrpc(each?.head?.contentType));
  if (!isCall) return undefined;
  return writeGrpc(
    attributes,
    {
      path,
      request: request?.grpc,
      response: response?.grpc,
      end: end && { status: end.grpcStatus, message: end.grpcMessage },
    },
    connection,
  );
}

function isGrpc(contentType: string | undefined): boolean {
  return grpcEncoding(contentType) !== undefined;
}

function unknownOf(head: HeaderList | undefined, trailers: HeaderList | undefined): number {
  return (head?.unknown ?? 0) + (trailers?.unknown ?? 0);
}

function missingOf(
  side: 'request' | 'response',
  message: Message<HttpFrame> | undefined,
  frame: StreamFrame | undefined,
): Missing[] {
  if (message === undefined || frame === undefined) return [];
  const { head, trailers } = frame;
  const missing: Missing[] = [];
  const isCut = head === undefined || head.cut || trailers?.cut === true;
  if (isCut || unknownOf(head, trailers) > 0) missing.push(`${side}.head`);
  if (frame.lost || message.truncated) missing.push(`${side}.body`, `${side}.size`);
  return missing;
}
