// SPDX-License-Identifier: Apache-2.0
import type {
  Attributes,
  Missing,
  ProcessIdentity,
  RecordSource,
  RecordStatus,
  Role,
  TlsInfo,
  TraceRecord,
} from '../plugin/index.js';

/** A record that computes what is rarely asked for (wall-clock time, JSON) only when asked. */
export class ExchangeRecord implements TraceRecord {
  readonly protocol: string;
  readonly operation: string;
  readonly status: RecordStatus;
  readonly complete: boolean;
  readonly missing: readonly Missing[];
  readonly startNs: number;
  readonly durationMs: number;
  readonly role: Role;
  readonly source: RecordSource;
  readonly process: ProcessIdentity & { readonly tid: number };
  readonly connection: TraceRecord['connection'];
  readonly requestBytes: number;
  readonly responseBytes: number;
  readonly attributes: Attributes;
  readonly #wallClockOffsetNs: bigint;

  constructor(
    protocol: string,
    operation: string,
    status: RecordStatus,
    missing: readonly Missing[],
    startNs: number,
    endNs: number,
    role: Role,
    source: RecordSource,
    process: ProcessIdentity & { readonly tid: number },
    connection: TraceRecord['connection'],
    requestBytes: number,
    responseBytes: number,
    attributes: Attributes,
    wallClockOffsetNs: bigint,
  ) {
    this.protocol = protocol;
    this.operation = operation;
    this.status = status;
    this.complete = missing.length === 0;
    this.missing = missing;
    this.startNs = startNs;
    this.durationMs = endNs > startNs ? (endNs - startNs) / 1e6 : 0;
    this.role = role;
    this.source = source;
    this.process = process;
    this.connection = connection;
    this.requestBytes = requestBytes;
    this.responseBytes = responseBytes;
    this.attributes = attributes;
    this.#wallClockOffsetNs = wallClockOffsetNs;
  }

  get startTime(): string {
    return formatWallClock(BigInt(Math.round(this.startNs)) + this.#wallClockOffsetNs);
  }

  /** The JSON form, its fields in documented order; attributes without a value are left out. */
  toJSON(): object {
    const { pid, tid, comm, exe, cgroup, container } = this.process;
    const { id, transport, client, server, tls } = this.connection;
    return {
      protocol: this.protocol,
      operation: this.operation,
      status: this.status,
      complete: this.complete,
      missing: this.missing,
      startTime: this.startTime,
      durationMs: this.durationMs,
      role: this.role,
      source: this.source,
      process: { pid, tid, comm, exe, cgroup, ...(container === undefined ? {} : { container }) },
      connection: {
        id,
        transport,
        client: { address: client.address, port: client.port },
        server: { address: server.address, port: server.port },
        ...(tls === undefined ? {} : { tls: tlsToJSON(tls) }),
      },
      requestBytes: this.requestBytes,
      responseBytes: this.responseBytes,
      attributes: Object.fromEntries(
        Object.entries(this.attributes).filter(([, value]) => value !== undefined),
      ),
    };
  }
}

function tlsToJSON({ version, cipher, serverName, alpn }: TlsInfo): TlsInfo {
  return {
    ...(version === undefined ? {} : { version }),
    ...(cipher === undefined ? {} : { cipher }),
    ...(serverName === undefined ? {} : { serverName }),
    ...(alpn === undefined ? {} : { alpn }),
  };
}

/** Unix nanoseconds as RFC 3339, UTC, nine digits of a second. */
export function formatWallClock(unixNs: bigint): string {
  const billion = 1_000_000_000n;
  const fraction = ((unixNs % billion) + billion) % billion;
  const seconds = Number((unixNs - fraction) / billion);
  const date = new Date(seconds * 1000).toISOString().slice(0, 19);
  return `${date}.${fraction.toString().padStart(9, '0')}Z`;
}
