// SPDX-License-Identifier: Apache-2.0
import type { ConnectionInfo } from '@libtrace/core/plugin';
import { type Collected, setError, type Status } from '../record-attributes.js';
import type { GrpcBody, GrpcEnd } from './grpc-body.js';
import { grpcMethod } from './method-name.js';
import { grpcOutcome, grpcStatusNames } from './status.js';

/** What is known of a call. */
export interface GrpcCall {
  readonly path: string | undefined;
  readonly request: GrpcBody | undefined;
  readonly response: GrpcBody | undefined;
  /** From trailers or head; what the body says comes after. */
  readonly end: GrpcEnd | undefined;
}

/** What a call adds to the record of its exchange. */
export interface GrpcSummary {
  /** Name of the method with its service; undefined when it is not known. */
  readonly operation: string | undefined;
  /** Undefined when the call ended without `grpc-status`. */
  readonly status: Status | undefined;
}

/** Adds the attributes of a call. */
export function writeGrpc(
  attributes: Collected,
  call: GrpcCall,
  connection: ConnectionInfo,
): GrpcSummary {
  attributes['rpc.system'] = 'grpc';
  const method = grpcMethod(call.path);
  if (method !== undefined) {
    attributes['rpc.service'] = method.service;
    attributes['rpc.method'] = method.method;
  }
  const asked = call.request?.messages;
  const answered = call.response?.messages;
  if (asked !== undefined) attributes['libtrace.grpc.request_messages'] = asked;
  if (answered !== undefined) attributes['libtrace.grpc.response_messages'] = answered;
  const operation = method === undefined ? undefined : `${method.service}/${method.method}`;
  const end = call.end ?? call.response?.end;
  const code = end?.status;
  if (code === undefined) return { operation, status: undefined };
  attributes['rpc.grpc.status_code'] = code;
  const status = grpcOutcome(code);
  if (status !== 'ok') {
    const message = end?.message;
    if (message !== undefined && message !== '') attributes['error.message'] = message;
    setError(attributes, status, grpcStatusNames[code] ?? String(code), connection);
  }
  return { operation, status };
}
