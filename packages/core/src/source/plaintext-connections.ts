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
  connection: KernelConnection;
  readonly sinceNs: number;
  /** Undefined once it was opened in the pipeline. */
  held: Held[] | undefined;
  heldBytes: number;
  /** Id of its carrier, when that is known. */
  carrier: number | undefined;
  /** What began earlier is not shown: some of the probes were not in place. 0 once something may be. */
  completeSinceNs: number;
  /** Probes were taken out: whatever is unanswered may have been answered since. */
  interrupted: boolean;
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
  /** The one that an object is now. */
  readonly #objects = new Map<string, PlaintextConnection>();
  /** Those that no socket is known for, by process. */
  readonly #unbound = new Map<number, Set<PlaintextConnection>>();
  #heldBytes = 0;
  #forgotten = 0;

  constructor(pipeline: PipelineSource, options: PlaintextOptions = {}) {
    this.#pipeline = pipeline;
    this.#closed = options.closed ?? (() => undefined);
    this.#needsSocket = options.needsSocket ?? false;
  }

  /** How many the kernel side had no room for any more. */
  get forgotten(): number {
    return this.#forgotten;
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

  /**
   * `completeSinceNs`: what began earlier is taken for not seen. While probes are being placed, requests are seen and their
   * responses are not, or the other way round: neither could be told from a client that does not wait for answers.
   */
  open(connection: KernelConnection, nowNs: number, completeSinceNs = 0): void {
    const fresh: PlaintextConnection = {
      connection,
      sinceNs: nowNs,
      held: [],
      heldBytes: 0,
      carrier: undefined,
      completeSinceNs,
      interrupted: false,
    };
    const object = objectOf(connection);
    const before = this.#objects.get(object);
    if (before !== undefined) this.#lostTrack(before, nowNs);
    this.#objects.set(object, fresh);
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
    if (plaintext !== undefined && !this.#isComplete(plaintext, segment)) return;
    if (plaintext?.held === undefined) {
      this.#pipeline.segment(id, segment, hint);
      return;
    }
    const owned = new OwnedSegment(segment);
    plaintext.held.push({ segment: owned, hint });
    plaintext.heldBytes += owned.cost;
    this.#heldBytes += owned.cost;
    if (plaintext.heldBytes > HOLD_BYTES || this.#heldBytes > HOLD_TOTAL_BYTES) {
      this.#show(plaintext);
    }
  }

  end(id: number, direction: 'in' | 'out', position: number, timestampNs: number): void {
    const plaintext = this.#all.get(id);
    if (plaintext === undefined || isHidden(plaintext)) return;
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
    const object = objectOf(plaintext.connection);
    if (this.#objects.get(object) === plaintext) this.#objects.delete(object);
    if (!isHidden(plaintext)) {
      const hasEnded = !plaintext.interrupted;
      this.#pipeline.close(id, inPosition, outPosition, timestampNs, undefined, hasEnded);
    }
    this.#closed(id);
  }

  /** Probes of a source were taken out of files in use. Its connections end; what ends them is told as for others. */
  interrupt(source: string): void {
    for (const each of this.#all.values()) {
      if (each.connection.source === source) each.interrupted = true;
    }
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
      if (!isHidden(each) && nowNs - each.sinceNs > HOLD_NS) this.#show(each);
    }
  }

  /** Ends those that the kernel side no longer knows: the events of their ends were lost. */
  endMissing(known: ReadonlySet<number>, nowNs: number): void {
    for (const id of this.#all.keys()) if (!known.has(id)) this.close(id, -1, -1, nowNs);
  }

  /** Shows everything that is held, and forgets. */
  finish(): void {
    for (const each of this.#waiting) if (!isHidden(each)) this.#show(each);
    this.#all.clear();
    this.#waiting.clear();
    this.#carriers.clear();
    this.#carried.clear();
    this.#unbound.clear();
    this.#objects.clear();
  }

  /** The kernel side knows its object as another connection now, and has not said that this one ended. */
  #lostTrack(plaintext: PlaintextConnection, nowNs: number): void {
    this.#forgotten++;
    plaintext.interrupted = true;
    this.close(plaintext.connection.id, -1, -1, nowNs);
  }

  /** It is no longer where it was looked up: by its carrier, or by its process. */
  #leave(plaintext: PlaintextConnection): void {
    if (plaintext.carrier === undefined) remove(this.#unbound, plaintext.connection.pid, plaintext);
    else remove(this.#carried, plaintext.carrier, plaintext);
  }

  #settle(id: number): void {
    const plaintext = this.#all.get(id);
    if (plaintext?.held !== undefined && !isHidden(plaintext)) this.#show(plaintext);
  }

  #bound(plaintext: PlaintextConnection, carrier: ConnectionInfo): void {
    if (plaintext.held === undefined) {
      this.#pipeline.bind(plaintext.connection.id, carrier);
      return;
    }
    // Else the first segment that is shown will tell whether the beginning is.
    if (!isHidden(plaintext)) this.#show(plaintext);
  }

  /** Whether a segment may be shown: all probes were there when it began, or others were shown before it. */
  #isComplete(plaintext: PlaintextConnection, { startNs }: Segment): boolean {
    if (!isHidden(plaintext)) return true;
    if (startNs < plaintext.completeSinceNs) {
      plaintext.connection = { ...plaintext.connection, midstream: true };
      return false;
    }
    plaintext.completeSinceNs = 0;
    if (plaintext.held !== undefined && this.#carrierOf(plaintext) !== undefined) {
      this.#show(plaintext);
    }
    return true;
  }

  #carrierOf({ carrier }: PlaintextConnection): ConnectionInfo | undefined {
    return carrier === undefined ? undefined : this.#carriers.get(carrier);
  }

  #show(plaintext: PlaintextConnection): void {
    const held = plaintext.held ?? [];
    const info = withCarrier(plaintext.connection, this.#carrierOf(plaintext));
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

/** Nothing of it may be shown yet. */
function isHidden({ completeSinceNs }: PlaintextConnection): boolean {
  return completeSinceNs > 0;
}

function objectOf({ pid, source, key }: KernelConnection): string {
  return `${pid} ${source ?? ''} ${key}`;
}

/** What is known of a plaintext connection with its socket. */
function withCarrier(
  connection: KernelConnection,
  carrier: ConnectionInfo | undefined,
): ConnectionInfo {
  if (carrier === undefined) return connection;
  const { id, local, remote, role } = carrier;
  const midstream = carrier.midstream || connection.midstream;
  return { ...connection, local, remote, role, midstream, carrier: id };
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
