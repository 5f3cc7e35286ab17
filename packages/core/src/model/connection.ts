// SPDX-License-Identifier: Apache-2.0

/** What carries the bytes of a connection. `tls` is plaintext taken above a TLS library. */
export type Transport = 'tcp' | 'udp' | 'unix' | 'tls';

/** What the traced process is on a connection: it accepted (`server`) or opened (`client`) it. */
export type Role = 'client' | 'server' | 'unknown';

/** Direction seen from the traced process: `in` was read by it, `out` was written by it. */
export type Direction = 'in' | 'out';

/** One end of a connection. */
export interface Endpoint {
  /** IPv4 dotted, IPv6 compressed (IPv4-mapped addresses are shown as IPv4), or the path of a unix socket (`''` when it has none; `@name` when abstract). */
  readonly address: string;
  /** TCP or UDP port; 0 for unix sockets. */
  readonly port: number;
}

/** What is known of one socket. One object per socket; `role` is filled in when it becomes known. */
export interface ConnectionInfo {
  /** Unique among all connections of one tracer's life; a safe integer. */
  readonly id: number;
  /** What carries its bytes. */
  readonly transport: Transport;
  /** What the traced process is on it. */
  readonly role: Role;
  /** The traced process' own end. */
  readonly local: Endpoint;
  /** The other end. */
  readonly remote: Endpoint;
  /** True when the connection was older than the tracing of it: its first bytes were not seen. */
  readonly midstream: boolean;
  /** Which direction carries requests, as far as the source can tell without a handshake: asked when neither role nor rules say. */
  readonly likelyRequests?: Direction;
}
