// SPDX-License-Identifier: Apache-2.0
import type { Endpoint, Role, TlsInfo, Transport } from './connection.js';
import type { ProcessIdentity } from './process.js';

/** How an exchange ended. `unanswered`: no response within the protocol's timeout or before the connection closed. */
export type RecordStatus = 'ok' | 'client-error' | 'server-error' | 'unanswered' | 'unknown';

/**
 * What a record lacks. `request` / `response`: the whole message. `request.body` / `response.body`: part of a body was
 * in a hole; its size is right when the protocol states it. `… .size`: the size is a lower bound.
 */
export type Missing =
  | 'request'
  | 'response'
  | 'request.head'
  | 'response.head'
  | 'request.body'
  | 'response.body'
  | 'request.size'
  | 'response.size';

/** Values of one record, by OpenTelemetry's semantic-convention names, or `libtrace.*` where there is none. */
export type Attributes = Readonly<
  Record<string, string | number | boolean | readonly string[] | undefined>
>;

/** Where the bytes came from: system calls, a capture, a recording, or a source of plaintext (the name of its plugin). */
export type RecordSource = 'syscall' | 'openssl' | 'go' | 'pcap' | 'recording' | (string & {});

/** The public result: one exchange of one protocol, seen from one process. */
export interface TraceRecord<Name extends string = string, A extends object = Attributes> {
  /** Name of the plugin. */
  readonly protocol: Name;
  /** Low-cardinality name of what was asked (`GET`, `SELECT`, `Produce`). */
  readonly operation: string;
  /** How the exchange ended. */
  readonly status: RecordStatus;
  /** True when `missing` is empty. */
  readonly complete: boolean;
  /** What was not seen. */
  readonly missing: readonly Missing[];
  /** CLOCK_MONOTONIC nanoseconds at which the request (or, without one, the response) began. */
  readonly startNs: number;
  /** Wall-clock start, RFC 3339 with nanoseconds, UTC. */
  readonly startTime: string;
  /** From the start of the request to the end of the response, milliseconds. Until the last byte seen when unanswered. */
  readonly durationMs: number;
  /** What the traced process is on the connection. */
  readonly role: Role;
  /** Where the bytes came from. */
  readonly source: RecordSource;
  /** Who made the system calls, with the thread that began. */
  readonly process: ProcessIdentity & {
    /** Thread that moved the first byte. */
    readonly tid: number;
  };
  /** The connection that it took place on. */
  readonly connection: {
    /** {@link ConnectionInfo.id}. */
    readonly id: number;
    /** What carries its bytes. */
    readonly transport: Transport;
    /** The end that opened the connection. */
    readonly client: Endpoint;
    /** The end that accepted it. */
    readonly server: Endpoint;
    /** Of plaintext above TLS: what its handshake told. Absent for other transports. */
    readonly tls?: TlsInfo;
  };
  /** Bytes of the request message on the wire, heads and framing included; 0 when it was not seen. */
  readonly requestBytes: number;
  /** Bytes of the response message on the wire; 0 when it was not seen. */
  readonly responseBytes: number;
  /** Values of the protocol, by name. */
  readonly attributes: A;
}
