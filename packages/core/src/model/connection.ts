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

/** What was learned of a TLS connection from its handshake; a field is absent when that was not seen. */
export interface TlsInfo {
  /** `1.3`, `1.2`, `1.1`, `1.0` (RFC 8446, section 4.2.1, and its predecessors). */
  readonly version?: string;
  /** Name of the cipher suite in IANA's registry: `TLS_AES_256_GCM_SHA384`; `0x1301` for one without a name here. */
  readonly cipher?: string;
  /** The name that the client asked for (SNI, RFC 6066, section 3). */
  readonly serverName?: string;
  /** The protocol that both agreed on (ALPN, RFC 7301), as far as it was sent in the clear: before TLS 1.3. */
  readonly alpn?: string;
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
  /** Plaintext above a TLS library: which source took it. Absent: the source of the whole pipeline. */
  readonly source?: string;
  /** Plaintext above a TLS library: {@link id} of the connection that carries its ciphertext, when that is known. */
  readonly carrier?: number;
}
