// SPDX-License-Identifier: Apache-2.0
import type { Endpoint, TlsInfo } from '@libtrace/core';
import { CliError } from '../cli-error.js';
import type { AnyRecord } from './record-parts.js';

// JSON.stringify leaves these as they are; a terminal may obey C1 controls, and some line readers split at U+2028/2029.
const unescaped = /[\u007f-\u009f\u2028\u2029]/g;

/** The public shape of a record: schema/record.schema.json describes it. */
export interface RecordJson {
  /** Name of the plugin. */
  readonly protocol: string;
  /** Low-cardinality name of what was asked. */
  readonly operation: string;
  /** How the call ended. */
  readonly status: string;
  /** True when `missing` is empty. */
  readonly complete: boolean;
  /** What was not seen. */
  readonly missing: readonly string[];
  /** When it began: RFC 3339 with nanoseconds, UTC. */
  readonly startTime: string;
  /** From its first byte to its last, milliseconds. */
  readonly durationMs: number;
  /** What the traced process is on the connection. */
  readonly role: string;
  /** Where the bytes came from. */
  readonly source: string;
  /** Who made the system calls. */
  readonly process: {
    /** Process id. */
    readonly pid: number;
    /** Thread id. */
    readonly tid: number;
    /** Command name. */
    readonly comm: string;
    /** Path of the executable; `''` when unknown. */
    readonly exe: string;
    /** cgroup v2 path; `''` when unknown. */
    readonly cgroup: string;
    /** Id of its container; absent outside of containers. */
    readonly container?: string;
  };
  /** The connection that it took place on. */
  readonly connection: {
    /** Unique among the connections of one trace. */
    readonly id: number;
    /** What carries the bytes. */
    readonly transport: string;
    /** The end that opened the connection. */
    readonly client: Endpoint;
    /** The end that accepted it. */
    readonly server: Endpoint;
    /** Of plaintext above TLS: what its handshake told. */
    readonly tls?: TlsInfo;
  };
  /** Bytes of the request on the wire. */
  readonly requestBytes: number;
  /** Bytes of the response on the wire. */
  readonly responseBytes: number;
  /** Values of the protocol, by name. */
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
      ...(process.container === undefined ? {} : { container: process.container }),
    },
    connection: {
      id: connection.id,
      transport: connection.transport,
      client: { address: connection.client.address, port: connection.client.port },
      server: { address: connection.server.address, port: connection.server.port },
      ...(connection.tls === undefined ? {} : { tls: tlsJson(connection.tls) }),
    },
    requestBytes: record.requestBytes,
    responseBytes: record.responseBytes,
    attributes: record.attributes,
  };
}

/** What was not seen is left out. */
function tlsJson({ version, cipher, serverName, alpn }: TlsInfo): TlsInfo {
  return {
    ...(version === undefined ? {} : { version }),
    ...(cipher === undefined ? {} : { cipher }),
    ...(serverName === undefined ? {} : { serverName }),
    ...(alpn === undefined ? {} : { alpn }),
  };
}

/**
 * One JSON object on one line, with its line end.
 * @throws CliError `ERR_PLUGIN_INVALID` for an attribute that JSON cannot hold, with its name and that of the plugin
 */
export function formatJsonLine(record: AnyRecord): string {
  let text;
  try {
    text = JSON.stringify(toRecordJson(record));
  } catch (cause) {
    throw attributeError(record, cause);
  }
  return `${text.replace(unescaped, escapeUnit)}\n`;
}

function attributeError({ protocol, attributes }: AnyRecord, cause: unknown): CliError {
  const bad = Object.entries(attributes).find(([, value]) => !canBeWritten(value));
  return new CliError(
    'ERR_PLUGIN_INVALID',
    `Plugin ${protocol} gave attribute ${bad?.[0] ?? '?'} a value that JSON cannot hold.`,
    { cause, remedy: 'attributes are strings, numbers, booleans and arrays of strings' },
  );
}

function canBeWritten(value: unknown): boolean {
  try {
    JSON.stringify(value);
    return true;
  } catch {
    return false;
  }
}

function escapeUnit(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
