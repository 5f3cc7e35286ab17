// SPDX-License-Identifier: Apache-2.0
import type { KernelConnection } from '../kernel/event-decoder.js';
import type { ConnectionInfo, Segment } from '../model/index.js';
import { OwnedSegment } from '../stream/owned-segment.js';
import type { PipelineSource } from '../stream/pipeline-types.js';

/** Bytes above TLS wait so long for the socket that carries them to be known. */
const HOLD_NS = 300e6;
/** And so many of one connection do. */
const HOLD_BYTES = 1024 * 1024;
/** And so many of all. */
const HOLD_TOTAL_BYTES = 16 * 1024 * 1024;

interface Held {
  readonly segment: OwnedSegment;
  readonly hint: string | undefined;
}

interface PlaintextConnection {
  readonly connection: KernelConnection;
  readonly sinceNs: number;
  /** Undefined once it was opened in the pipeline. */
  held: Held[] | undefined;
  heldBytes: number;
  /** Id of its carrier, when that is known. */
  carrier: number | undefined;
}

/** How {@link PlaintextConnections} treats them. */
export interface PlaintextOptions {
  /** Called with the id of each that has ended. */
  readonly closed?: (id: number) => void;
  /** What no socket is found for is not shown: only some ports are wanted. Default false. */
  readonly needsSocket?: boolean;
}

/**
 * Connections above TLS libraries, between the kernel side, which names them by the library's objects, and the pipeline,
 * which wants to know their sockets: bytes are held for a moment until the socket is known, and shown without it then.
 */
export class PlaintextConnections {
  readonly #pipeline: PipelineSource;
  readonly #closed: (id: number) => void;
  readonly #needsSocket: boolean;
  readonly #all = new Map<number, PlaintextConnection>();
  /** Those whose bytes are held. */
  readonly #waiting = new Set<PlaintextConnection>();
  readonly #carriers = new Map<number, ConnectionInfo>();
  /** By the id of the connection that carries them. */
  readonly #carried = new Map<number, Set<PlaintextConnection>>();
  /** Those that no socket is known for, by process. */
  readonly #unbound = new Map<number, Set<PlaintextConnection>>();
  #heldBytes = 0;

  constructor(pipeline: PipelineSource, options: PlaintextOptions = {}) {
    this.#pipeline = pipeline;
    this.#closed = options.closed ?? (() => undefined);
    this.#needsSocket = options.needsSocket ?? false;
  }

  has(id: number): boolean {
    return this.#all.has(id);
  }

  /** A connection that may carry others was announced. */
  carrierOpened(carrier: ConnectionInfo): void {
    this.#carriers.set(carrier.id, carrier);
    // A binding may be told before the socket is.
    for (const each of this.#carried.get(carrier.id) ?? []) this.#bound(each, carrier);
  }

  /** Whether it carries others that have not ended. */
  carries(id: number): boolean {
    return this.#carried.has(id);
  }

  /** What it carried ends with it. */
  carrierClosed(id: number, timestampNs: number): void {
    this.#carriers.delete(id);
    for (const { connection } of [...(this.#carried.get(id) ?? [])]) {
      this.close(connection.id, -1, -1, timestampNs);
    }
  }

  open(connection: KernelConnection, nowNs: number): void {
    const fresh: PlaintextConnection = {
      connection,
      sinceNs: nowNs,
      held: [],
      heldBytes: 0,
      carrier: undefined,
    };
    this.#all.set(connection.id, fresh);
    this.#waiting.add(fresh);
    add(this.#unbound, connection.pid, fresh);
  }

  bind(id: number, carrierId: number): void {
    const plaintext = this.#all.get(id);
    if (plaintext === undefined) return;
    this.#leave(plaintext);
    plaintext.carrier = carrierId;
    add(this.#carried, carrierId, plaintext);
    const carrier = this.#carriers.get(carrierId);
    if (carrier !== undefined) this.#bound(plaintext, carrier);
  }

  segment(id: number, segment: Segment, hint: string | undefined): void {
    const plaintext = this.#all.get(id);
    if (plaintext?.held === undefined) {
      this.#pipeline.segment(id, segment, hint);
      return;
    }
    const owned = new OwnedSegment(segment);
    plaintext.held.push({ segment: owned, hint });
    plaintext.heldBytes += owned.cost;
    this.#heldBytes += owned.cost;
    if (plaintext.heldBytes > HOLD_BYTES || this.#heldBytes > HOLD_TOTAL_BYTES) {
      this.#show(plaintext, plaintext.connection);
    }
  }

  end(id: number, direction: 'in' | 'out', position: number, timestampNs: number): void {
    this.#settle(id);
    this.#pipeline.end(id, direction, position, timestampNs);
  }

  close(id: number, inPosition: number, outPosition: number, timestampNs: number): void {
    const plaintext = this.#all.get(id);
    if (plaintext === undefined) return;
    this.#settle(id);
    this.#all.delete(id);
    this.#waiting.delete(plaintext);
    this.#leave(plaintext);
    this.#pipeline.close(id, inPosition, outPosition, timestampNs, undefined);
    this.#closed(id);
  }

  /** A process ended: what it had and no socket carries has ended too. */
  exited(pid: number, timestampNs: number): void {
    for (const { connection } of [...(this.#unbound.get(pid) ?? [])]) {
      this.close(connection.id, -1, -1, timestampNs);
    }
  }

  /** Shows what has waited long enough. */
  tick(nowNs: number): void {
    for (const each of this.#waiting) {
      if (nowNs - each.sinceNs > HOLD_NS) this.#show(each, each.connection);
    }
  }

  /** Ends those that the kernel side no longer knows: the events of their ends were lost. */
  endMissing(known: ReadonlySet<number>, nowNs: number): void {
    for (const id of this.#all.keys()) if (!known.has(id)) this.close(id, -1, -1, nowNs);
  }

  /** Shows everything that is held, and forgets. */
  finish(): void {
    for (const each of this.#waiting) this.#show(each, each.connection);
    this.#all.clear();
    this.#waiting.clear();
    this.#carriers.clear();
    this.#carried.clear();
    this.#unbound.clear();
  }

  /** It is no longer where it was looked up: by its carrier, or by its process. */
  #leave(plaintext: PlaintextConnection): void {
    if (plaintext.carrier === undefined) remove(this.#unbound, plaintext.connection.pid, plaintext);
    else remove(this.#carried, plaintext.carrier, plaintext);
  }

  #settle(id: number): void {
    const plaintext = this.#all.get(id);
    if (plaintext?.held !== undefined) this.#show(plaintext, plaintext.connection);
  }

  #bound(plaintext: PlaintextConnection, carrier: ConnectionInfo): void {
    if (plaintext.held === undefined) {
      this.#pipeline.bind(plaintext.connection.id, carrier);
      return;
    }
    const { local, remote, role, midstream } = carrier;
    this.#show(plaintext, {
      ...plaintext.connection,
      local,
      remote,
      role,
      midstream: midstream || plaintext.connection.midstream,
      carrier: carrier.id,
    });
  }

  #show(plaintext: PlaintextConnection, info: ConnectionInfo): void {
    const held = plaintext.held ?? [];
    this.#heldBytes -= plaintext.heldBytes;
    plaintext.heldBytes = 0;
    if (this.#needsSocket && info.carrier === undefined) {
      // Its socket may still be found: what comes from then on is shown.
      plaintext.held = [];
      return;
    }
    plaintext.held = undefined;
    this.#waiting.delete(plaintext);
    this.#pipeline.open(info);
    for (const { segment, hint } of held) this.#pipeline.segment(info.id, segment, hint);
  }
}

function add<T>(sets: Map<number, Set<T>>, key: number, value: T): void {
  const set = sets.get(key);
  if (set === undefined) sets.set(key, new Set([value]));
  else set.add(value);
}

function remove<T>(sets: Map<number, Set<T>>, key: number, value: T): void {
  const set = sets.get(key);
  set?.delete(value);
  if (set?.size === 0) sets.delete(key);
}
