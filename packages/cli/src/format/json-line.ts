// SPDX-License-Identifier: Apache-2.0
import type { Endpoint } from '@libtrace/core';
import type { AnyRecord } from './record-parts.js';

// JSON.stringify leaves these as they are; a terminal may obey C1 controls, and some line readers split at U+2028/2029.
const unescaped = /[\u007f-\u009f\u2028\u2029]/g;

/** The public shape of a record: schema/record.schema.json describes it. */
export interface RecordJson {
  readonly protocol: string;
  readonly operation: string;
  readonly status: string;
  readonly complete: boolean;
  readonly missing: readonly string[];
  readonly startTime: string;
  readonly durationMs: number;
  readonly role: string;
  readonly source: string;
  readonly process: {
    readonly pid: number;
    readonly tid: number;
    readonly comm: string;
    readonly exe: string;
    readonly cgroup: string;
  };
  readonly connection: {
    readonly id: number;
    readonly transport: string;
    readonly client: Endpoint;
    readonly server: Endpoint;
  };
  readonly requestBytes: number;
  readonly responseBytes: number;
  readonly attributes: object;
}

/** Picks the public fields, in the order in which they are documented. */
export function toRecordJson(record: AnyRecord): RecordJson {
  const { process, connection } = record;
  return {
    protocol: record.protocol,
    operation: record.operation,
    status: record.status,
    complete: record.complete,
    missing: record.missing,
    startTime: record.startTime,
    durationMs: record.durationMs,
    role: record.role,
    source: record.source,
    process: {
      pid: process.pid,
      tid: process.tid,
      comm: process.comm,
      exe: process.exe,
      cgroup: process.cgroup,
    },
    connection: {
      id: connection.id,
      transport: connection.transport,
      client: { address: connection.client.address, port: connection.client.port },
      server: { address: connection.server.address, port: connection.server.port },
    },
    requestBytes: record.requestBytes,
    responseBytes: record.responseBytes,
    attributes: record.attributes,
  };
}

/** One JSON object on one line, with its line end. */
export function formatJsonLine(record: AnyRecord): string {
  const text = JSON.stringify(toRecordJson(record));
  return `${text.replace(unescaped, escapeUnit)}\n`;
}

function escapeUnit(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
