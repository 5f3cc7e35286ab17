// SPDX-License-Identifier: Apache-2.0
// What programs say of the calls that they made over TLS, compared with the records of them.
import { readFileSync, realpathSync } from 'node:fs';
import type { Role, TraceRecord } from '@libtrace/core';
import { expect } from 'vitest';
import { SERVER_NAME } from './certificate.js';
import { statusOf } from './expected-calls.js';

/** What a client of programs/tls-peer.mjs or tls-python.py knows of a call. */
export type Told = readonly [
  n: number,
  statusCode: number,
  bytes: number,
  port: number,
  version: string | null,
  cipher: string | null,
];

/** One call as it was made. */
export interface TlsCall {
  /** Path with query. */
  readonly path: string;
  readonly operation: string;
  readonly statusCode: number;
  readonly requestBody: number;
  readonly responseBody: number;
  readonly clientPort: number;
  /** What the message must be long; undefined: both sides must say the same. */
  readonly requestBytes?: number;
  readonly responseBytes?: number;
  /** Version and cipher of TLS. */
  readonly tls?: { readonly version: string; readonly cipher: string };
  /** Fields of the messages that carry the number of the call. */
  readonly id?: number;
}

/** From whose side records are seen, and what all of them say. */
export interface TlsSide {
  readonly role: Role;
  readonly pids: readonly number[];
  readonly serverPort: number;
  /** Version of HTTP. Default 1.1. */
  readonly version?: string;
  /** Default: `openssl`. */
  readonly source?: string;
  /** The handshake was seen: records say what was agreed. Default true. */
  readonly handshake?: boolean;
  /** Name that the client asked for; default {@link SERVER_NAME}; null: none. */
  readonly serverName?: string | null;
  /** What the process is called, when it is gone. Default: asked for. */
  readonly comm?: string;
  readonly exe?: string;
}

/** Every tenth call of the programs is a 404, every third is a POST: programs/tls-peer.mjs. */
export function callsTold(told: readonly Told[], prefix = '/n'): TlsCall[] {
  return told.map(([n, statusCode, bytes, clientPort, version, cipher]) => ({
    path: `${prefix}/${n}`,
    operation: n % 3 === 0 ? 'POST' : 'GET',
    statusCode,
    requestBody: n % 3 === 0 ? n % 1000 : 0,
    responseBody: bytes,
    clientPort,
    ...(version === null || cipher === null ? {} : { tls: { version, cipher } }),
    id: n,
  }));
}

/** Path and query of a record. */
export function pathOf({ attributes }: TraceRecord): string {
  const { 'url.path': path, 'url.query': query } = attributes;
  return query === undefined ? String(path) : `${String(path)}?${String(query)}`;
}

const nameOf = (pid: number): string => readFileSync(`/proc/${pid}/comm`, 'utf8').trimEnd();

type Difference = readonly [what: string, actual: unknown, expected: unknown];

function messageDifferences(record: TraceRecord, call: TlsCall, side: TlsSide): Difference[] {
  const { attributes } = record;
  const ids = call.id === undefined ? undefined : String(call.id);
  const header = (name: string): unknown => (attributes[name] as string[] | undefined)?.join();
  return [
    ['protocol', record.protocol, 'http'],
    ['operation', record.operation, call.operation],
    ['version', attributes['network.protocol.version'], side.version ?? '1.1'],
    ['status', record.status, statusOf(call.statusCode)],
    ['status code', attributes['http.response.status_code'], call.statusCode],
    ['request body', attributes['http.request.body.size'], call.requestBody],
    ['response body', attributes['http.response.body.size'], call.responseBody],
    ['request bytes', record.requestBytes, call.requestBytes ?? record.requestBytes],
    ['response bytes', record.responseBytes, call.responseBytes ?? record.responseBytes],
    ['number of the request', header('http.request.header.x-n'), ids],
    ['number of the response', header('http.response.header.x-id'), ids],
    ['missing', record.missing.join(), ''],
    ['complete', record.complete, true],
  ];
}

function connectionDifferences(record: TraceRecord, call: TlsCall, side: TlsSide): Difference[] {
  const { connection, process } = record;
  const isTls = (side.source ?? 'openssl') !== 'syscall';
  const seen = isTls && side.handshake !== false;
  const name = side.serverName === null ? undefined : (side.serverName ?? SERVER_NAME);
  const comm = side.comm ?? (side.pids.includes(process.pid) ? nameOf(process.pid) : 'unknown');
  const exe =
    side.exe ?? (side.pids.includes(process.pid) ? realpathSync(`/proc/${process.pid}/exe`) : '');
  return [
    ['source', record.source, side.source ?? 'openssl'],
    ['transport', connection.transport, isTls ? 'tls' : 'tcp'],
    ['client', connection.client.address, '127.0.0.1'],
    ['server', connection.server.address, '127.0.0.1'],
    ['client port', connection.client.port, call.clientPort],
    ['server port', connection.server.port, side.serverPort],
    ['TLS version', connection.tls?.version, seen ? call.tls?.version : undefined],
    ['cipher', connection.tls?.cipher, seen ? call.tls?.cipher : undefined],
    ['server name', connection.tls?.serverName, seen ? name : undefined],
    ['pid known', side.pids.includes(process.pid), true],
    ['comm', process.comm, comm],
    ['exe', process.exe, exe],
    ['duration', record.durationMs > 0 && record.durationMs < 600_000, true],
  ];
}

const SHOWN_MAX = 12;

function expectNone(problems: readonly string[], what: string): void {
  const more = problems.length > SHOWN_MAX ? [`… ${problems.length - SHOWN_MAX} more`] : [];
  expect([...problems.slice(0, SHOWN_MAX), ...more], what).toEqual([]);
}

/** Each call has exactly one record of this side with every value right, and there is no other of this role and source. */
export function expectTlsCalls(
  records: readonly TraceRecord[],
  calls: readonly TlsCall[],
  side: TlsSide,
): void {
  const byPath = new Map(calls.map((call) => [call.path, call]));
  expect(byPath.size, 'every call has a path of its own').toBe(calls.length);
  const seen = new Map<string, number>();
  const problems: string[] = [];
  for (const record of records) {
    if (record.role !== side.role) continue;
    const path = pathOf(record);
    seen.set(path, (seen.get(path) ?? 0) + 1);
    const call = byPath.get(path);
    if (call === undefined) {
      problems.push(`${path}: not a call that was made (${record.source}, ${record.status})`);
      continue;
    }
    for (const [what, actual, expected] of [
      ...messageDifferences(record, call, side),
      ...connectionDifferences(record, call, side),
    ]) {
      if (actual !== expected)
        problems.push(`${path}: ${what} ${String(actual)}, expected ${String(expected)}`);
    }
  }
  for (const { path } of calls) {
    const times = seen.get(path) ?? 0;
    if (times !== 1) problems.push(`${path}: ${times} records`);
  }
  expectNone(problems, `seen as ${side.role}`);
}

/** The records of the two sides of each call are of the same socket, and count the same bytes. */
export function expectPairs(records: readonly TraceRecord[], pairs: number): void {
  const ends = (record: TraceRecord): string => {
    const { client, server } = record.connection;
    return `${client.address}:${client.port}>${server.address}:${server.port} ${record.requestBytes}+${record.responseBytes}`;
  };
  const servers = new Map(
    records.filter(({ role }) => role === 'server').map((record) => [pathOf(record), record]),
  );
  const clients = records.filter(({ role }) => role === 'client');
  const problems = clients.flatMap((record) => {
    const other = servers.get(pathOf(record));
    const [a, b] = [ends(record), other === undefined ? 'not seen' : ends(other)];
    return a === b ? [] : [`${pathOf(record)}: client ${a}, server ${b}`];
  });
  expect(clients.length).toBe(pairs);
  expectNone(problems, 'the two sides');
}
