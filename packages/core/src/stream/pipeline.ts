// SPDX-License-Identifier: Apache-2.0
import { inferenceReach } from '../inference/index.js';
import {
  ByteView,
  type ConnectionInfo,
  type Direction,
  type ProcessIdentity,
  type ProtocolPlugin,
  type Role,
  type Segment,
  type TlsInfo,
} from '../plugin/index.js';
import { Carriers } from './carriers.js';
import { Connection, type ConnectionContext } from './connection.js';
import { Budget, Counters } from './counters.js';
import type { PipelineOptions, PipelineSource, PipelineStats } from './pipeline-types.js';

const defaultMaxBufferedBytes = 1024 * 1024;
/** Of a handshake that was not seen. */
const nothingKnown: TlsInfo = Object.freeze({});
const defaultMaxTotalBufferedBytes = 256 * 1024 * 1024;

/**
 * Segments in, records out: everything between a source and the sinks. Pure: no clock, no timers, no I/O. Sources call
 * it in capture order, and {@link tick} as time passes; it never throws.
 */
export class Pipeline implements PipelineSource {
  readonly #connections = new Map<number, Connection>();
  readonly #carriers = new Carriers();
  readonly #counters = new Counters();
  readonly #context: ConnectionContext;
  readonly #onVerdict: PipelineOptions['onVerdict'];
  #ticking: Connection[] = [];

  /** The plugins must have been checked by `validatePlugin`. */
  constructor(options: PipelineOptions) {
    const plugins = options.plugins as readonly ProtocolPlugin[];
    this.#onVerdict = options.onVerdict;
    this.#context = {
      plugins,
      reach: inferenceReach(plugins),
      decodeAs: options.decodeAs,
      view: new ByteView(),
      counters: this.#counters,
      budget: new Budget(
        this.#counters,
        options.maxBufferedBytes ?? defaultMaxBufferedBytes,
        options.maxTotalBufferedBytes ?? defaultMaxTotalBufferedBytes,
      ),
      source: options.source,
      readsHandshakes: options.plaintext ?? options.onVerdict === undefined,
      tlsOf: (carrier) => this.#tlsOf(carrier),
      wallClockOffsetNs: options.wallClockOffsetNs,
      onRecord: options.onRecord,
      onPluginFailure: options.onPluginFailure,
      wantsTicks: (connection) => this.#ticking.push(connection),
    };
  }

  open(info: ConnectionInfo): void {
    const { id, transport, carrier } = info;
    this.#counters.connections++;
    if (transport === 'tls') this.#counters.plaintextConnections++;
    const before = this.#connections.get(id);
    if (before !== undefined) {
      this.#forget(before);
      before.drop();
    }
    const connection = new Connection(this.#context, info);
    this.#connections.set(id, connection);
    if (carrier !== undefined) this.#carry(id, carrier);
    if (this.#carriers.has(id)) connection.cover();
  }

  bind(connectionId: number, carrier: ConnectionInfo): void {
    const connection = this.#connections.get(connectionId);
    if (connection === undefined || connectionId === carrier.id) return;
    const before = connection.info.carrier;
    if (before !== undefined) this.#carriers.unbind(connectionId, before);
    connection.bind(carrier);
    this.#carry(connectionId, carrier.id);
    this.#tell(connection);
  }

  role(connectionId: number, role: Role): void {
    const connection = this.#connections.get(connectionId);
    if (connection === undefined) return;
    connection.role(role);
    this.#tell(connection);
    for (const id of this.#carriedBy(connection)) {
      const plaintext = this.#connections.get(id);
      if (plaintext?.isWithoutRole === true) this.role(id, role);
    }
  }

  segment(connectionId: number, segment: Segment, protocolHint: string | undefined): void {
    this.#counters.segments++;
    this.#counters.bytes += segment.length;
    const connection = this.#connections.get(connectionId);
    if (connection === undefined) {
      this.#counters.straySegments++;
      return;
    }
    connection.take(segment, protocolHint);
    if (connection.verdict !== undefined) this.#tell(connection);
  }

  // eslint-disable-next-line @typescript-eslint/no-unused-vars -- the end of a direction needs no time
  end(connectionId: number, direction: Direction, position: number, timestampNs: number): void {
    const connection = this.#connections.get(connectionId);
    if (connection === undefined) return;
    connection.end(direction, position);
    if (connection.verdict !== undefined) this.#tell(connection);
  }

  close(
    connectionId: number,
    inPosition: number,
    outPosition: number,

    timestampNs: number,
    process: ProcessIdentity | undefined,

    ended = true,
  ): void {
    const connection = this.#connections.get(connectionId);
    if (connection === undefined) return;
    for (const id of this.#carriedBy(connection)) {
      this.close(id, -1, -1, timestampNs, process, ended);
    }
    connection.close(inPosition, outPosition, ended);
    this.#connections.delete(connectionId);
    this.#forget(connection);
  }

  tick(nowNs: number): void {
    const ticking = this.#ticking;
    if (ticking.length === 0) return;
    this.#ticking = [];
    for (const connection of ticking) {
      if (connection.tick(nowNs)) this.#ticking.push(connection);
      else connection.ticking = false;
      if (connection.verdict !== undefined) this.#tell(connection);
    }
  }

  // eslint-disable-next-line @typescript-eslint/no-unused-vars -- as for close
  finish(nowNs: number): void {
    this.#ticking = [];
    // What is known of a carrier's TLS is asked for meanwhile.
    for (const connection of this.#connections.values()) {
      connection.close(-1, -1, false);
      this.#forget(connection);
    }
    this.#connections.clear();
  }

  /**
   * Replaces the active plugins. Connections that an object of the new list reads go on undisturbed; the others, those
   * that no plugin wanted among them, are inferred anew: what was unfinished on them is reported as far as it is known.
   */
  setPlugins(plugins: PipelineOptions['plugins']): void {
    this.#context.plugins = plugins as readonly ProtocolPlugin[];
    this.#context.reach = inferenceReach(this.#context.plugins);
    for (const connection of this.#connections.values()) {
      connection.review();
      this.#tell(connection);
    }
  }

  /** Counters since this pipeline was made. */
  stats(): PipelineStats {
    return this.#counters.snapshot(this.#connections.size);
  }

  /** Plaintext carries nothing, whatever a recording says: what follows a carrier ends there. */
  #carriedBy({ info: { id, transport } }: Connection): readonly number[] {
    return transport === 'tls' ? [] : this.#carriers.plaintextsOf(id).filter((each) => each !== id);
  }

  #carry(plaintext: number, carrier: number): void {
    this.#carriers.bind(plaintext, carrier);
    this.#connections.get(carrier)?.cover();
  }

  /** A connection is closed, or its id is another's now. */
  #forget({ info: { id, transport, carrier } }: Connection): void {
    if (carrier !== undefined) this.#carriers.unbind(id, carrier);
    else if (transport === 'tls') this.#counters.unboundConnections++;
  }

  #tlsOf(carrier: number | undefined): TlsInfo {
    const connection = carrier === undefined ? undefined : this.#connections.get(carrier);
    return connection?.carriedTls ?? nothingKnown;
  }

  #tell(connection: Connection): void {
    const { verdict } = connection;
    if (verdict === undefined) return;
    connection.verdict = undefined;
    this.#onVerdict?.(connection.info.id, verdict);
  }
}
