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
} from '../plugin/index.js';
import { Connection, type ConnectionContext } from './connection.js';
import { Budget, Counters } from './counters.js';
import type { PipelineOptions, PipelineSource, PipelineStats } from './pipeline-types.js';

const defaultMaxBufferedBytes = 1024 * 1024;
const defaultMaxTotalBufferedBytes = 256 * 1024 * 1024;

/**
 * Segments in, records out: everything between a source and the sinks. Pure: no clock, no timers, no I/O. Sources call
 * it in capture order, and {@link tick} as time passes; it never throws.
 */
export class Pipeline implements PipelineSource {
  readonly #connections = new Map<number, Connection>();
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
      wallClockOffsetNs: options.wallClockOffsetNs,
      onRecord: options.onRecord,
      onPluginFailure: options.onPluginFailure,
      wantsTicks: (connection) => this.#ticking.push(connection),
    };
  }

  open(connection: ConnectionInfo): void {
    this.#counters.connections++;
    this.#connections.get(connection.id)?.drop();
    this.#connections.set(connection.id, new Connection(this.#context, connection));
  }

  role(connectionId: number, role: Role): void {
    const connection = this.#connections.get(connectionId);
    if (connection === undefined) return;
    connection.role(role);
    if (connection.verdict !== undefined) this.#tell(connection);
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
    this.#connections.delete(connectionId);
    connection.close(inPosition, outPosition, ended);
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
    const connections = [...this.#connections.values()];
    this.#connections.clear();
    this.#ticking = [];
    for (const connection of connections) connection.close(-1, -1, false);
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

  #tell(connection: Connection): void {
    const { verdict } = connection;
    if (verdict === undefined) return;
    connection.verdict = undefined;
    this.#onVerdict?.(connection.info.id, verdict);
  }
}
