// SPDX-License-Identifier: Apache-2.0
import { Conversations, type Place } from './conversations.js';
import { endpointsOf, keyOf, reverseKeyOf } from './endpoints.js';
import type { IpPacket } from './ip-packet.js';
import { TcpConnection } from './tcp-connection.js';
import type { TcpContext } from './tcp-context.js';
import { TcpPacket } from './tcp-packet.js';

/** So long late packets of a connection that ended are recognized as such. */
const lingerNs = 60e9;
/** So many packets in a row out of every window are another connection whose SYN was not captured. */
const maxStrays = 3;

/** All TCP connections of a capture. */
export class Tcp {
  readonly #context: TcpContext;
  readonly #maxConnections: number;
  readonly #packet = new TcpPacket();
  readonly #all = new Conversations<TcpConnection>();
  readonly #waiting = new Set<TcpConnection>();
  /** Ended, oldest first. */
  readonly #closed = new Set<TcpConnection>();

  constructor(context: TcpContext, maxConnections: number) {
    this.#context = context;
    this.#maxConnections = maxConnections;
  }

  /** False when the packet is malformed or cut short. */
  take(ip: IpPacket, timeNs: number): boolean {
    const packet = this.#packet;
    if (!packet.read(ip, timeNs)) return false;
    this.#context.counters.tcp.packets++;
    const place = this.#placeOf(ip, packet);
    if (place === undefined) return true;
    const { conversation: connection, from } = place;
    this.#all.touch(connection);
    connection.take(packet, from);
    if (connection.strays >= maxStrays) {
      this.#end(connection);
      this.#all.delete(connection);
      this.#closed.delete(connection);
      this.#add(ip).conversation.take(packet, 0);
      return true;
    }
    if (connection.closedNs !== undefined) this.#end(connection);
    else if (connection.waiting) this.#waiting.add(connection);
    else if (this.#waiting.size > 0) this.#waiting.delete(connection);
    return true;
  }

  /** Time passes. */
  tick(): void {
    for (const connection of this.#waiting) {
      connection.expire();
      if (connection.closedNs !== undefined) this.#end(connection);
      else if (!connection.waiting) this.#waiting.delete(connection);
    }
    for (const connection of this.#closed) {
      if (this.#context.nowNs - connection.closedNs! < lingerNs) break;
      this.#forget(connection);
    }
  }

  /** The capture ended: what waits is handed over. */
  finish(): void {
    for (const connection of this.#all) {
      if (connection.closedNs === undefined) connection.flush();
    }
  }

  /** The connection that a packet belongs to; undefined when it belongs to none and begins none. */
  #placeOf(ip: IpPacket, packet: TcpPacket): Place<TcpConnection> | undefined {
    const place = this.#all.find(keyOf(ip));
    if (place === undefined) {
      const isEnd = packet.rst || (packet.fin && packet.length === 0);
      return isEnd ? undefined : this.#add(ip);
    }
    const { conversation: connection, from } = place;
    const isOver = connection.closedNs !== undefined;
    const isAnother =
      (packet.syn && connection.isReplacedBy(packet, from)) ||
      (isOver && !packet.syn && connection.isOutlivedBy(packet, from));
    if (isAnother) {
      this.#end(connection);
      this.#forget(connection);
      return this.#add(ip);
    }
    if (!isOver) return place;
    this.#context.counters.tcp.duplicateBytes += packet.length;
    return undefined;
  }

  #add(ip: IpPacket): Place<TcpConnection> {
    while (this.#all.size >= this.#maxConnections) this.#evict();
    const keys = [keyOf(ip), reverseKeyOf(ip)] as const;
    return this.#all.add(new TcpConnection(this.#context, keys, endpointsOf(ip)));
  }

  #evict(): void {
    const [over] = this.#closed;
    if (over !== undefined) {
      this.#forget(over);
      return;
    }
    const oldest = this.#all.oldest()!;
    this.#context.counters.tcp.evictedConnections++;
    this.#end(oldest);
    this.#forget(oldest);
  }

  #end(connection: TcpConnection): void {
    connection.close(false);
    this.#waiting.delete(connection);
    this.#closed.add(connection);
  }

  #forget(connection: TcpConnection): void {
    this.#all.delete(connection);
    this.#closed.delete(connection);
    this.#waiting.delete(connection);
  }
}
