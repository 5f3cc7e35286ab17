// SPDX-License-Identifier: Apache-2.0
import type { Direction, Endpoint, HoleReason, Role } from '../../model/index.js';
import { Conversation } from './conversations.js';
import { nobody } from './nobody.js';
import type { End, TcpContext } from './tcp-context.js';
import type { TcpPacket } from './tcp-packet.js';
import { opposite, TcpReassembly, type Reassembled } from './tcp-reassembly.js';
import type { Bytes, TcpStream } from './tcp-stream.js';

/** After a reset, packets that were captured late are still taken. */
const resetNs = 100e6;
/** After a reset the peer's bytes may still be on their way. */
const afterResetNs = 1e9;
const nothing = Buffer.alloc(0);

/** One TCP connection of a capture: its beginning, its end, and who is who. */
export class TcpConnection extends Conversation implements Reassembled {
  /** When it ended. It stays known for a while: late packets are not taken for a new connection. */
  closedNs: number | undefined;
  /** Packets in a row that were out of every window. */
  strays = 0;
  readonly #context: TcpContext;
  readonly #endpoints: readonly [Endpoint, Endpoint];
  readonly #reassembly: TcpReassembly;
  readonly #ended: [boolean, boolean] = [false, false];
  /** The sender of the first packet, unless a SYN says otherwise. */
  #client: End = 0;
  #handshake: 'unseen' | 'seen' | 'simultaneous' = 'unseen';
  /** The connection's number; 0 before it has moved a byte: until then the pipeline does not know of it. */
  #id = 0;
  #resetNs: number | undefined;

  constructor(
    context: TcpContext,
    keys: readonly [string, string],
    endpoints: readonly [Endpoint, Endpoint],
  ) {
    super(keys);
    this.#context = context;
    this.#endpoints = endpoints;
    this.#reassembly = new TcpReassembly(context, this);
  }

  /** Wants {@link expire} as time passes. */
  get waiting(): boolean {
    return this.#resetNs !== undefined || this.#reassembly.waiting;
  }

  /** Whether a packet with SYN begins another connection between the same ports. */
  isReplacedBy(packet: TcpPacket, from: End): boolean {
    const stream = this.#streamOf(from);
    return stream.known && !stream.beganWith(packet.sequence);
  }

  /** Whether a packet that came after the end carries bytes that this connection cannot have had. */
  isOutlivedBy(packet: TcpPacket, from: End): boolean {
    if (packet.length === 0 || this.closedNs === undefined) return false;
    const stream = this.#streamOf(from);
    const position = stream.known ? stream.positionOf(packet.sequence) : undefined;
    if (position === undefined) return true;
    const end = stream.fin === -1 ? stream.delivered : stream.fin;
    if (position + packet.length <= end) return false;
    return this.#resetNs === undefined || packet.timeNs - this.closedNs > afterResetNs;
  }

  take(packet: TcpPacket, from: End): void {
    const reassembly = this.#reassembly;
    this.#streamOf(from).packets++;
    if (packet.syn) this.#takeSyn(packet, from);
    const after = packet.ack ? reassembly.acknowledge(from, packet.acknowledgment) : 0;
    if (packet.length > 0) this.#takePayload(packet, from, after);
    if (packet.fin) this.#takeFin(packet, from);
    if (packet.rst) this.#takeReset(packet, from);
    reassembly.settle();
    this.#takeEnds();
  }

  /** Time passes: what was waited for long enough is given up. */
  expire(): void {
    if (this.#resetNs !== undefined && this.#context.nowNs - this.#resetNs >= resetNs) {
      this.close(false);
      return;
    }
    this.#reassembly.expire();
    this.#takeEnds();
  }

  /** The capture ended. What waits is handed over with its holes. */
  flush(): void {
    this.#reassembly.flush();
    this.#takeEnds();
  }

  /** @param ended both ends said so; else it was broken off, or its end will not be seen. */
  close(ended: boolean): void {
    if (this.closedNs !== undefined) return;
    this.#reassembly.flush();
    const { pipeline, nowNs } = this.#context;
    this.closedNs = nowNs;
    if (this.#id === 0) return;
    const requests = this.#streamOf(this.#client).delivered;
    const responses = this.#streamOf(opposite(this.#client)).delivered;
    pipeline.close(this.#id, requests, responses, nowNs, undefined, ended);
  }

  deliver(from: End, bytes: Bytes, timeNs: number): void {
    const reason = bytes.captured < bytes.length ? 'limit' : undefined;
    this.#send(from, bytes, timeNs, reason);
  }

  lose(from: End, position: number, length: number, timeNs: number): void {
    const hole: Bytes = {
      position,
      length,
      captured: 0,
      data: nothing,
      start: 0,
      timeNs,
      after: 0,
      opposite: this.#streamOf(opposite(from)).delivered,
    };
    this.#send(from, hole, timeNs, 'loss');
  }

  #streamOf(end: End): TcpStream {
    return this.#reassembly.streams[end];
  }

  #takeSyn(packet: TcpPacket, from: End): void {
    const stream = this.#streamOf(from);
    if (!stream.known) stream.begin((packet.sequence + 1) >>> 0);
    if (this.#id !== 0) return;
    const client = packet.ack ? opposite(from) : from;
    if (this.#handshake === 'unseen') {
      this.#handshake = 'seen';
      this.#client = client;
    } else if (client !== this.#client && !packet.ack) {
      // Both opened it at once (RFC 9293, 3.5): neither is the client.
      this.#handshake = 'simultaneous';
    }
  }

  #takePayload(packet: TcpPacket, from: End, after: number): void {
    const stream = this.#streamOf(from);
    // The SYN takes a number of its own.
    const sequence = packet.syn ? (packet.sequence + 1) >>> 0 : packet.sequence;
    if (!stream.known) stream.begin(sequence);
    const position = stream.positionOf(sequence);
    if (position === undefined) {
      this.strays++;
      this.#context.counters.tcp.strayPackets++;
      return;
    }
    this.strays = 0;
    const { length, captured, data, start, timeNs } = packet;
    const bytes: Bytes = { position, length, captured, data, start, timeNs, after, opposite: 0 };
    this.#reassembly.take(from, bytes);
  }

  #takeFin(packet: TcpPacket, from: End): void {
    const stream = this.#streamOf(from);
    if (!stream.known) stream.begin(packet.sequence);
    const position = stream.positionOf(packet.sequence + packet.length + (packet.syn ? 1 : 0));
    if (position !== undefined) stream.finish(position);
  }

  /** A reset from out of every window is not believed. */
  #takeReset(packet: TcpPacket, from: End): void {
    const stream = this.#streamOf(from);
    const isStray = stream.known && stream.positionOf(packet.sequence) === undefined;
    if (!isStray || packet.ack) this.#resetNs ??= packet.timeNs;
  }

  #takeEnds(): void {
    const one = this.#takeEnd(0);
    const other = this.#takeEnd(1);
    if (one && other) this.close(true);
  }

  /** Whether nothing more follows from one end; says so once. */
  #takeEnd(from: End): boolean {
    if (this.#ended[from]) return true;
    const { fin, delivered, pending } = this.#streamOf(from);
    if (fin === -1 || delivered < fin || pending.length > 0) return false;
    this.#ended[from] = true;
    if (this.#id !== 0) {
      const { pipeline, nowNs } = this.#context;
      pipeline.end(this.#id, this.#directionOf(from), fin, nowNs);
    }
    return true;
  }

  #directionOf(from: End): Direction {
    return from === this.#client ? 'in' : 'out';
  }

  #open(): void {
    const { pipeline, counters } = this.#context;
    this.#id = this.#context.nextId();
    counters.tcp.connections++;
    const role: Role = this.#handshake === 'seen' ? 'server' : 'unknown';
    pipeline.open({
      id: this.#id,
      transport: 'tcp',
      role,
      local: this.#endpoints[opposite(this.#client)],
      remote: this.#endpoints[this.#client],
      midstream: this.#handshake === 'unseen',
      likelyRequests: 'in',
    });
    for (const end of [0, 1] as const) {
      // Ended before the other end sent its first byte.
      if (!this.#ended[end]) continue;
      pipeline.end(this.#id, this.#directionOf(end), 0, this.#context.nowNs);
    }
  }

  #send(from: End, bytes: Bytes, timeNs: number, holeReason: HoleReason | undefined): void {
    if (this.#id === 0) this.#open();
    this.#context.pipeline.segment(
      this.#id,
      {
        direction: this.#directionOf(from),
        position: bytes.position,
        length: bytes.length,
        captured: bytes.captured,
        data: bytes.data,
        dataStart: bytes.start,
        holeReason,
        oppositePosition: bytes.opposite,
        startNs: timeNs,
        endNs: timeNs,
        tid: 0,
        process: nobody,
      },
      undefined,
    );
  }
}
