// SPDX-License-Identifier: Apache-2.0
import type { HoleReason } from '../plugin/index.js';
import type { PipelineStats } from './pipeline-types.js';

interface HoleCount {
  count: number;
  bytes: number;
}

/** Counts what a pipeline did, and keeps the account of what it buffers over all connections. */
export class Counters {
  segments = 0;
  bytes = 0;
  straySegments = 0;
  connections = 0;
  encryptedConnections = 0;
  plaintextConnections = 0;
  unboundConnections = 0;
  unrecognizedConnections = 0;
  records = 0;
  incompleteRecords = 0;
  resyncs = 0;
  cappedBytes = 0;
  overlapBytes = 0;
  pluginFailures = 0;
  bufferedBytes = 0;
  readonly #holes = new Map<HoleReason, HoleCount>();

  hole(reason: HoleReason, bytes: number): void {
    let hole = this.#holes.get(reason);
    if (hole === undefined) {
      hole = { count: 0, bytes: 0 };
      this.#holes.set(reason, hole);
    }
    hole.count++;
    hole.bytes += bytes;
  }

  snapshot(openConnections: number): PipelineStats {
    const holes: Record<string, { readonly count: number; readonly bytes: number }> = {};
    for (const [reason, { count, bytes }] of this.#holes) holes[reason] = { count, bytes };
    return {
      segments: this.segments,
      bytes: this.bytes,
      straySegments: this.straySegments,
      connections: this.connections,
      encryptedConnections: this.encryptedConnections,
      plaintextConnections: this.plaintextConnections,
      unboundConnections: this.unboundConnections,
      unrecognizedConnections: this.unrecognizedConnections,
      records: this.records,
      incompleteRecords: this.incompleteRecords,
      holes,
      resyncs: this.resyncs,
      cappedBytes: this.cappedBytes,
      overlapBytes: this.overlapBytes,
      pluginFailures: this.pluginFailures,
      openConnections,
      bufferedBytes: this.bufferedBytes,
    };
  }
}

/** Caps on what is kept, and the account they are charged to. */
export class Budget {
  readonly perDirection: number;
  readonly #total: number;
  readonly #counters: Counters;

  constructor(counters: Counters, perDirection: number, total: number) {
    this.#counters = counters;
    this.perDirection = perDirection;
    this.#total = total;
  }

  /** Whether so many more bytes may be kept. */
  allows(bytes: number): boolean {
    return this.#counters.bufferedBytes + bytes <= this.#total;
  }

  charge(bytes: number): void {
    this.#counters.bufferedBytes += bytes;
  }
}
