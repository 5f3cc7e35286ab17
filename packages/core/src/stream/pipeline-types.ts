// SPDX-License-Identifier: Apache-2.0
import type {
  ConnectionInfo,
  ProcessIdentity,
  RecordSource,
  Role,
  Segment,
  TraceRecord,
} from '../model/index.js';
import type { AnyProtocol, TracerStats } from '../tracer/types.js';

/** What the pipeline tells the source about a connection: the only arrow back to the kernel. */
export type Verdict =
  /** It speaks this protocol: capture everything. */
  | { readonly kind: 'protocol'; readonly name: string }
  /** No active plugin wants it: capture nothing more. */
  | { readonly kind: 'ignore' }
  /** Back to inference: the parser failed repeatedly. */
  | { readonly kind: 'reopen' };

/** Counters of a pipeline since it was made: `pipeline` of {@link TracerStats}, and what only it knows. */
export type PipelineStats = TracerStats['pipeline'] & {
  /** Bytes that were handed over twice and taken once. */
  readonly overlapBytes: number;
};

/** What a {@link Pipeline} works with and whom it tells. The callbacks must not throw. */
export interface PipelineOptions {
  /** Checked ones: see `validatePlugin`. */
  readonly plugins: readonly AnyProtocol[];
  /** What records say in `source`. */
  readonly source: RecordSource;
  /** Called with every record, as it is made. */
  readonly onRecord: (record: TraceRecord) => void;
  /** Called outside the parse loop. */
  readonly onVerdict?: (connectionId: number, verdict: Verdict) => void;
  /** A plugin threw: data-path failure, already counted. */
  readonly onPluginFailure?: (plugin: string, error: unknown) => void;
  /** Nanoseconds to add to CLOCK_MONOTONIC to get Unix time. */
  readonly wallClockOffsetNs: bigint;
  /** Port to plugin name: connections with that port are of that protocol, whatever their bytes look like. */
  readonly decodeAs?: ReadonlyMap<number, string> | undefined;
  /**
   * Plaintext connections are bound to the connections that carry them: the handshakes of TLS connections are read before
   * nothing more is wanted of them. Default: only when nobody is told verdicts.
   */
  readonly plaintext?: boolean;
  /** Bytes kept per direction of a connection while a message is unfinished. Default 1 MiB. */
  readonly maxBufferedBytes?: number;
  /** The same, over all connections. Default 256 MiB. */
  readonly maxTotalBufferedBytes?: number;
}

/** Takes connections and their segments in capture order; yields records. Pure: no clock, no I/O of its own. */
export interface PipelineSource {
  /** A connection was announced. `protocol` is the in-kernel inference's guess, if it had one. */
  open(connection: ConnectionInfo): void;
  /** The role became known later. */
  role(connectionId: number, role: Role): void;
  /**
   * The socket of a plaintext connection became known after it was opened: its ends, its role unless that was known, and
   * what its handshake tells. Without effect for connections that were not announced.
   * @param carrier the connection that carries its ciphertext; it need not have been announced
   */
  bind(connectionId: number, carrier: ConnectionInfo): void;
  /** Bytes moved on a connection. `protocolHint` is the name that the kernel side knows it by, if it does. */
  segment(connectionId: number, segment: Segment, protocolHint: string | undefined): void;
  /**
   * The connection ended; final positions show trailing holes. The plaintext connections that it carried end with it, and
   * may be said to have ended again.
   */
  close(
    connectionId: number,
    inPosition: number,
    outPosition: number,
    timestampNs: number,
    process: ProcessIdentity | undefined,
    /** False when the source forgets the connection, or it broke: messages are not completed by it. Default: true. */
    ended?: boolean,
  ): void;
  /** One direction ended (FIN seen by the reader, shutdown by the writer). */
  end(connectionId: number, direction: 'in' | 'out', position: number, timestampNs: number): void;
  /** Time passes: time-outs, deferred responses. Call about every 100 ms with CLOCK_MONOTONIC. */
  tick(nowNs: number): void;
  /** The source ended: what is unfinished is reported. */
  finish(nowNs: number): void;
}
