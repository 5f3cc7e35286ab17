// SPDX-License-Identifier: Apache-2.0
import type { Missing, RecordStatus, Role, TraceRecord, Transport } from '@libtrace/core';
import { expect } from 'vitest';
import type { PeerOptions } from './peer.js';

/** One call as it was made, to be compared with its record. */
export interface ExpectedCall {
  readonly path: string;
  readonly operation: string;
  readonly version: string;
  readonly statusCode: number;
  readonly requestBytes: number;
  readonly responseBytes: number;
  readonly requestBody: number;
  readonly responseBody: number;
  readonly missing: readonly Missing[];
  /** Port of the client's end; 0: not checked. */
  readonly clientPort: number;
}

/** From whose side records are seen, and what all of them say. */
export interface Viewpoint {
  readonly role: Role;
  /** Processes one of which made each call. */
  readonly pids: readonly number[];
  readonly comm: string;
  readonly exe: string;
  readonly transport: Transport;
  /** Address of both ends. */
  readonly address: string;
  readonly serverPort: number;
}

/** programs/peer/messages.c, status_of. */
export function statusCodeOf(n: number): number {
  return { 3: 404, 5: 201, 7: 500 }[n % 10] ?? 200;
}

/** programs/peer/messages.c, size_of. */
export function sizeOf(n: number, options: PeerOptions = {}): number {
  return options.size ?? (n * 37) % 1000;
}

export function statusOf(statusCode: number): RecordStatus {
  if (statusCode < 400) return 'ok';
  return statusCode < 500 ? 'client-error' : 'server-error';
}

/** Bytes of the fields that announce a body, the empty line and the body: programs/peer/messages.c, append_rest. */
function restBytes(length: number, chunk: number | undefined): number {
  if (chunk === undefined) return `Content-Length: ${length}\r\n\r\n`.length + length;
  let bytes = 'Transfer-Encoding: chunked\r\n\r\n'.length + '0\r\n\r\n'.length;
  for (let left = length; left > 0; left -= chunk) {
    const now = Math.min(left, chunk);
    bytes += now.toString(16).length + 4 + now;
  }
  return bytes;
}

/** Request number `n` of a peer client and its response. */
export function expectedCall(
  scenario: string,
  n: number,
  client: PeerOptions = {},
  server: PeerOptions = {},
): ExpectedCall {
  const path = `/s/${scenario}/${n}`;
  const operation = client.body === undefined ? 'GET' : 'POST';
  const requestHead = `${operation} ${path} HTTP/1.1\r\nHost: peer.test\r\nX-Id: ${n}\r\n`.length;
  const statusCode = statusCodeOf(n);
  const responseHead = `HTTP/1.1 ${statusCode} Answer\r\nX-Id: ${n}\r\n`.length;
  const size = sizeOf(n, server);
  return {
    path,
    operation,
    version: '1.1',
    statusCode,
    requestBytes:
      requestHead + (client.body === undefined ? 2 : restBytes(client.body, client.chunk)),
    responseBytes: responseHead + restBytes(size, server.chunk),
    requestBody: client.body ?? 0,
    responseBody: size,
    missing: [],
    clientPort: 0,
  };
}

/** What `PeerClient.run(first, count)` makes on connections with these ports. */
export function expectedCalls(
  scenario: string,
  ports: readonly number[],
  first: number,
  count: number,
  client: PeerOptions = {},
  server: PeerOptions = {},
): ExpectedCall[] {
  return ports.flatMap((clientPort, k) =>
    Array.from({ length: count }, (_, i) => ({
      ...expectedCall(scenario, first + k * count + i, client, server),
      clientPort,
    })),
  );
}

/** What differs between a record and the call that it is of. */
function differences(record: TraceRecord, call: ExpectedCall, from: Viewpoint): string[] {
  const { attributes, connection, process } = record;
  const ports = [call.clientPort === 0 ? connection.client.port : call.clientPort, from.serverPort];
  const pairs: readonly (readonly [string, unknown, unknown])[] = [
    ['protocol', record.protocol, 'http'],
    ['operation', record.operation, call.operation],
    ['method', attributes['http.request.method'], call.operation],
    ['version', attributes['network.protocol.version'], call.version],
    ['status', record.status, statusOf(call.statusCode)],
    ['status code', attributes['http.response.status_code'], call.statusCode],
    ['request bytes', record.requestBytes, call.requestBytes],
    ['response bytes', record.responseBytes, call.responseBytes],
    ['request body', attributes['http.request.body.size'], call.requestBody],
    ['response body', attributes['http.response.body.size'], call.responseBody],
    ['missing', record.missing.join(), call.missing.join()],
    ['complete', record.complete, call.missing.length === 0],
    ['source', record.source, 'syscall'],
    ['transport', connection.transport, from.transport],
    ['client', connection.client.address, from.address],
    ['server', connection.server.address, from.address],
    ['ports', `${connection.client.port}>${connection.server.port}`, ports.join('>')],
    ['comm', process.comm, from.comm],
    ['exe', process.exe, from.exe],
    ['pid known', from.pids.includes(process.pid), true],
    ['start time', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/.test(record.startTime), true],
    ['duration', record.durationMs > 0 && record.durationMs < 600_000, true],
  ];
  return pairs
    .filter(([, actual, expected]) => actual !== expected)
    .map(([what, actual, expected]) => `${what} ${String(actual)}, expected ${String(expected)}`);
}

const SHOWN_MAX = 12;

/** Each call has exactly one record with every value right, and there is no other record of this role. */
export function expectCalls(
  records: readonly TraceRecord[],
  calls: readonly ExpectedCall[],
  from: Viewpoint,
): void {
  const byPath = new Map(calls.map((call) => [call.path, call]));
  const seen = new Map<string, number>();
  const problems: string[] = [];
  for (const record of records) {
    if (record.role !== from.role) continue;
    const path = String(record.attributes['url.path']);
    const call = byPath.get(path);
    const status = `${String(record.attributes['http.response.status_code'])}, ${record.status}, missing [${record.missing.join()}]`;
    if (call === undefined) problems.push(`${path}: not a call that was made (${status})`);
    else problems.push(...differences(record, call, from).map((text) => `${path}: ${text}`));
    seen.set(path, (seen.get(path) ?? 0) + 1);
  }
  for (const { path } of calls) {
    const times = seen.get(path) ?? 0;
    if (times !== 1) problems.push(`${path}: ${times} records`);
  }
  const more = problems.length > SHOWN_MAX ? [`… ${problems.length - SHOWN_MAX} more`] : [];
  expect([...problems.slice(0, SHOWN_MAX), ...more], `seen as ${from.role}`).toEqual([]);
}
