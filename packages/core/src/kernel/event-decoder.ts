// SPDX-License-Identifier: Apache-2.0
import type {
  ConnectionInfo,
  Endpoint,
  HoleReason,
  ProcessIdentity,
  Role,
  Segment,
} from '../model/index.js';
import { inetEndpoint, unixEndpoint } from './addresses.js';
import {
  bindEvent,
  connectionRole,
  connectionTransport,
  endEvent,
  eventType,
  holeReason,
  mappedEvent,
  openEvent,
  processEvent,
  segmentEvent,
} from './contract.gen.js';
import type { ProcessTable } from './process-table.js';

/** A connection as announced by the kernel side, with what is needed to find it again there. */
export interface KernelConnection extends ConnectionInfo {
  /** Key in the `connections` map. */
  readonly key: bigint;
  /** Inode number of the socket. */
  readonly inode: number;
  readonly pid: number;
}

/** Receives what the events say, in the order in which the kernel side recorded it. */
export interface EventHandler {
  onOpen(connection: KernelConnection): void;
  onSegment(connectionId: number, segment: Segment, protocolHint: string | undefined): void;
  onEnd(connectionId: number, direction: 'in' | 'out', position: number, timestampNs: number): void;
  onClose(
    connectionId: number,
    inPosition: number,
    outPosition: number,
    timestampNs: number,
    pid: number,
  ): void;
  /** TCP is done with the connection, a program still holds the socket: it may read what came before. */
  onLinger(connectionId: number): void;
  /** The plaintext connection has its ciphertext carried by another one, from now on. */
  onBind(connectionId: number, carrierId: number): void;
  /** A process has become another program; `path` is what it asked for. */
  onExec(pid: number, path: string): void;
  onFork(pid: number, parent: number): void;
  /** A process has mapped a file as code. */
  onMapped(pid: number): void;
  onExit(pid: number): void;
}

const RECORD_HEADER = 8;
const holeReasons: readonly (HoleReason | undefined)[] = [];
(holeReasons as (HoleReason | undefined)[])[holeReason.limit] = 'limit';
(holeReasons as (HoleReason | undefined)[])[holeReason.kernelCopy] = 'kernel-copy';
(holeReasons as (HoleReason | undefined)[])[holeReason.fault] = 'fault';

const nobody: ProcessIdentity = { pid: 0, ppid: 0, comm: '', exe: '', cgroup: '' };

/** One object for all segments: a segment is valid only during the call that hands it over. */
class ReusedSegment implements Segment {
  direction: 'in' | 'out' = 'in';
  position = 0;
  length = 0;
  captured = 0;
  data: Buffer = Buffer.alloc(0);
  dataStart = 0;
  holeReason: HoleReason | undefined = undefined;
  oppositePosition = 0;
  startNs = 0;
  endNs = 0;
  idleMs = 0;
  tid = 0;
  process: ProcessIdentity = nobody;
}

/** What a tracer calls protocols and sources of plaintext by their numbers. */
export interface EventNames {
  protocolName(number: number): string | undefined;
  sourceName(number: number): string | undefined;
}

/** Turns slabs of raw events into calls of an {@link EventHandler}. */
export class EventDecoder {
  readonly #handler: EventHandler;
  readonly #processes: ProcessTable;
  readonly #names: EventNames;
  readonly #segment = new ReusedSegment();

  constructor(handler: EventHandler, processes: ProcessTable, names: EventNames) {
    this.#handler = handler;
    this.#processes = processes;
    this.#names = names;
  }

  /** Decodes `records` events packed in `slab`: u32 length, u32 reserved, payload padded to 8 bytes. */
  decode(slab: Buffer, records: number): void {
    const view = new DataView(slab.buffer, slab.byteOffset, slab.byteLength);
    let at = 0;
    for (let i = 0; i < records; i++) {
      const length = view.getUint32(at, true);
      this.#event(slab, view, at + RECORD_HEADER);
      at += RECORD_HEADER + ((length + 7) & ~7);
    }
  }

  #event(slab: Buffer, view: DataView, at: number): void {
    switch (view.getUint8(at)) {
      case eventType.segment:
        this.#onSegment(slab, view, at);
        break;
      case eventType.open:
        this.#handler.onOpen(readOpen(slab, view, at, this.#names));
        break;
      case eventType.end:
        this.#onEnd(view, at);
        break;
      case eventType.close:
        this.#handler.onClose(
          endEvent.connection(view, at),
          endEvent.position0(view, at),
          endEvent.position1(view, at),
          endEvent.timestampNs(view, at),
          endEvent.pid(view, at),
        );
        break;
      case eventType.linger:
        this.#handler.onLinger(endEvent.connection(view, at));
        break;
      case eventType.bind:
        this.#handler.onBind(bindEvent.connection(view, at), bindEvent.carrier(view, at));
        break;
      case eventType.mapped:
        this.#handler.onMapped(mappedEvent.pid(view, at));
        break;
      case eventType.exec:
      case eventType.fork:
      case eventType.exit:
        this.#onProcess(slab, view, at);
        break;
    }
  }

  #onSegment(slab: Buffer, view: DataView, at: number): void {
    const segment = this.#segment;
    segment.direction = segmentEvent.direction(view, at) === 0 ? 'in' : 'out';
    segment.position = segmentEvent.position(view, at);
    segment.length = segmentEvent.length(view, at);
    segment.captured = segmentEvent.captured(view, at);
    segment.data = slab;
    segment.dataStart = at + segmentEvent.size;
    segment.holeReason = holeReasons[segmentEvent.holeReason(view, at)];
    segment.oppositePosition = segmentEvent.oppositePosition(view, at);
    segment.startNs = segmentEvent.startNs(view, at);
    segment.endNs = segmentEvent.endNs(view, at);
    segment.idleMs = segmentEvent.idleMs(view, at);
    segment.tid = segmentEvent.tid(view, at);
    segment.process = this.#processes.get(segmentEvent.pid(view, at));
    this.#handler.onSegment(
      segmentEvent.connection(view, at),
      segment,
      this.#names.protocolName(segmentEvent.protocol(view, at)),
    );
  }

  #onEnd(view: DataView, at: number): void {
    const out = endEvent.direction(view, at) === 1;
    this.#handler.onEnd(
      endEvent.connection(view, at),
      out ? 'out' : 'in',
      out ? endEvent.position1(view, at) : endEvent.position0(view, at),
      endEvent.timestampNs(view, at),
    );
  }

  #onProcess(slab: Buffer, view: DataView, at: number): void {
    const pid = processEvent.pid(view, at);
    const parent = processEvent.parentPid(view, at);
    switch (view.getUint8(at)) {
      case eventType.exec: {
        const commAt = at + processEvent.commAt;
        const commEnd = slab.indexOf(0, commAt);
        const pathAt = at + processEvent.pathAt;
        const path = slab.toString('utf8', pathAt, pathAt + processEvent.pathLength(view, at));
        const argumentsAt = at + processEvent.argumentsAt;
        this.#processes.executed(
          pid,
          parent,
          slab.toString('utf8', commAt, Math.min(commEnd, commAt + processEvent.commSize)),
          path,
          processEvent.cgroup(view, at),
          slab.subarray(argumentsAt, argumentsAt + processEvent.argumentsLength(view, at)),
        );
        this.#handler.onExec(pid, path);
        break;
      }
      case eventType.fork:
        this.#processes.forked(pid, parent);
        this.#handler.onFork(pid, parent);
        break;
      default:
        this.#processes.exited(pid);
        this.#handler.onExit(pid);
    }
  }
}

const roles: Readonly<Record<number, Role>> = {
  [connectionRole.client]: 'client',
  [connectionRole.server]: 'server',
};

const nowhere: Endpoint = { address: '', port: 0 };

function readOpen(slab: Buffer, view: DataView, at: number, names: EventNames): KernelConnection {
  const transport = openEvent.transport(view, at);
  const family = openEvent.family(view, at);
  const common = {
    id: openEvent.connection(view, at),
    role: roles[openEvent.role(view, at)] ?? ('unknown' as const),
    midstream: openEvent.midstream(view, at) !== 0,
    key: openEvent.keyBig(view, at),
    inode: openEvent.inode(view, at),
    pid: openEvent.pid(view, at),
  };
  if (transport === connectionTransport.tls) {
    const source = names.sourceName(openEvent.source(view, at));
    return {
      ...common,
      transport: 'tls',
      local: nowhere,
      remote: nowhere,
      ...(source === undefined ? {} : { source }),
    };
  }
  if (transport === connectionTransport.unix) {
    const pathAt = at + openEvent.pathAt;
    const path = unixEndpoint(slab.subarray(pathAt, pathAt + openEvent.pathLength(view, at)));
    return { ...common, transport: 'unix', local: path, remote: path };
  }
  const address = (offset: number): Buffer => slab.subarray(at + offset, at + offset + 16);
  return {
    ...common,
    transport: transport === connectionTransport.udp ? 'udp' : 'tcp',
    local: inetEndpoint(family, address(openEvent.localAddrAt), openEvent.localPort(view, at)),
    remote: inetEndpoint(family, address(openEvent.remoteAddrAt), openEvent.remotePort(view, at)),
  };
}
