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
    connection.take(packet, from);
    if (connection.strays >= maxStrays) this.#replace(connection, ip).conversation.take(packet, 0);
    else this.#settle(connection);
    return true;
  }

  /** Time passes. */
  tick(): void {
    for (const connection of this.#waiting) {
      connection.expire();
      this.#settle(connection);
    }
    for (;;) {
      const over = this.#all.oldestRetired;
      if (over === undefined || this.#context.nowNs - over.closedNs! < lingerNs) break;
      this.#all.delete(over);
    }
  }

  /** The capture ended: what waits is handed over. */
  finish(): void {
    for (const connection of this.#all.open) connection.flush();
  }

  /** The connection that a packet belongs to; undefined when it belongs to none and begins none. */
  #placeOf(ip: IpPacket, packet: TcpPacket): Place<TcpConnection> | undefined {
    const place = this.#all.find(keyOf(ip));
    if (place === undefined) {
      const isEnd = packet.rst || (packet.fin && packet.length === 0);
      return isEnd ? undefined : this.#add(ip);
    }
    const { conversation: connection, from } = place;
    const isAnother = packet.syn
      ? connection.isReplacedBy(packet, from)
      : connection.isOutlivedBy(packet, from);
    if (isAnother) return this.#replace(connection, ip);
    if (connection.closedNs === undefined) return place;
    this.#context.counters.tcp.duplicateBytes += packet.length;
    return undefined;
  }

  #add(ip: IpPacket): Place<TcpConnection> {
    while (this.#all.size >= this.#maxConnections) this.#evict();
    const keys = [keyOf(ip), reverseKeyOf(ip)] as const;
    return this.#all.add(new TcpConnection(this.#context, keys, endpointsOf(ip)));
  }

  #replace(connection: TcpConnection, ip: IpPacket): Place<TcpConnection> {
    this.#forget(connection);
    return this.#add(ip);
  }

  #evict(): void {
    const over = this.#all.oldestRetired;
    if (over === undefined) this.#context.counters.tcp.evictedConnections++;
    this.#forget(over ?? this.#all.oldest!);
  }

  #forget(connection: TcpConnection): void {
    connection.close(false);
    this.#waiting.delete(connection);
    this.#all.delete(connection);
  }

  /** Puts a connection where it belongs after it has changed. */
  #settle(connection: TcpConnection): void {
    if (connection.closedNs !== undefined) {
      this.#waiting.delete(connection);
      this.#all.retire(connection);
      return;
    }
    this.#all.touch(connection);
    if (connection.waiting) this.#waiting.add(connection);
    else if (this.#waiting.size > 0) this.#waiting.delete(connection);
  }
}
