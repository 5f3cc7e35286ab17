// SPDX-License-Identifier: Apache-2.0
import type { IpPacket } from './ip-packet.js';
import type { PcapCounters } from './pcap-stats.js';

/** Packets in reassembly at once, and their bytes: more are given up, oldest first. */
const maxPackets = 4096;
const maxTotalBytes = 16 * 1024 * 1024;
/** Cost of a fragment beside its bytes. */
const overheadBytes = 128;
/** No IP packet is longer. */
const maxPacketBytes = 65_535;
const maxFragments = 8192;
/** Linux waits as long. */
const timeoutNs = 30e9;

interface Fragment {
  readonly offset: number;
  readonly length: number;
  readonly data: Buffer;
}

interface Partial {
  readonly fragments: Fragment[];
  readonly firstNs: number;
  /** Length of the whole, once the last fragment was seen. */
  total: number;
  /** Bytes on the wire of the fragments so far. */
  received: number;
  cost: number;
  protocol: number;
  /** Of the capture, for the account. */
  packets: number;
  bytes: number;
}

/** Puts fragments of IP packets together (RFC 791, 3.2; RFC 8200, 4.5). Where they overlap the first copy wins. */
export class Fragments {
  readonly #counters: PcapCounters;
  readonly #partials = new Map<string, Partial>();
  #cost = 0;

  constructor(counters: PcapCounters) {
    this.#counters = counters;
  }

  /** Takes a fragment, `bytes` long in the capture; true when `packet` now is the whole packet. */
  add(packet: IpPacket, bytes: number, timeNs: number): boolean {
    this.#expire(timeNs);
    const key = keyOf(packet);
    let partial = this.#partials.get(key);
    if (partial === undefined) {
      partial = {
        fragments: [],
        firstNs: timeNs,
        total: -1,
        received: 0,
        cost: 0,
        protocol: packet.protocol,
        packets: 0,
        bytes: 0,
      };
      this.#partials.set(key, partial);
    }
    partial.packets++;
    partial.bytes += bytes;
    if (!this.#keep(partial, packet)) {
      this.#giveUp(key, partial);
      return false;
    }
    while (this.#cost > maxTotalBytes || this.#partials.size > maxPackets) {
      const [oldest] = this.#partials;
      this.#giveUp(...oldest!);
    }
    if (partial.total < 0 || partial.received < partial.total) return false;
    if (this.#partials.get(key) !== partial) return false;
    this.#forget(key, partial);
    fill(packet, partial);
    return true;
  }

  /** Counts what will not become whole any more. */
  finish(): void {
    for (const [key, partial] of this.#partials) this.#giveUp(key, partial);
  }

  /** False when the fragments contradict each other. */
  #keep(partial: Partial, packet: IpPacket): boolean {
    const { fragments } = partial;
    let { start, captured, length, fragmentOffset: offset } = packet;
    let end = offset + length;
    if (end > maxPacketBytes || fragments.length >= maxFragments) return false;
    if (!packet.moreFragments) {
      if (partial.total >= 0 && partial.total !== end) return false;
      partial.total = end;
    }
    if (offset === 0) partial.protocol = packet.protocol;
    let at = 0;
    while (at < fragments.length && fragments[at]!.offset <= offset) at++;
    const before = fragments[at - 1];
    const overlap = before === undefined ? 0 : before.offset + before.length - offset;
    if (overlap > 0) {
      start += overlap;
      offset += overlap;
      captured = Math.max(0, captured - overlap);
    }
    const after = fragments[at];
    if (after !== undefined && end > after.offset) end = after.offset;
    length = end - offset;
    if (length > 0) {
      captured = Math.min(captured, length);
      const data = Buffer.from(packet.data.subarray(start, start + captured));
      fragments.splice(at, 0, { offset, length, data });
      partial.received += length;
    }
    const cost = overheadBytes + (length > 0 ? captured : 0);
    partial.cost += cost;
    this.#cost += cost;
    return partial.total < 0 || end <= partial.total;
  }

  #expire(nowNs: number): void {
    for (const [key, partial] of this.#partials) {
      if (nowNs - partial.firstNs < timeoutNs) break;
      this.#giveUp(key, partial);
    }
  }

  #giveUp(key: string, partial: Partial): void {
    this.#forget(key, partial);
    this.#counters.leaveOut('incomplete-fragments', partial.packets, partial.bytes);
  }

  #forget(key: string, partial: Partial): void {
    this.#partials.delete(key);
    this.#cost -= partial.cost;
  }
}

/** What fragments of one packet have in common. */
function keyOf({ header, addressesAt, addressBytes, identification, protocol }: IpPacket): string {
  const addresses = header.toString('latin1', addressesAt, addressesAt + addressBytes);
  // Of IPv6 fragments after the first the protocol says nothing.
  return `${identification} ${addressBytes === 8 ? protocol : ''} ${addresses}`;
}

/** The payload up to the first byte that was not captured. */
function fill(packet: IpPacket, { fragments, total, protocol }: Partial): void {
  const pieces: Buffer[] = [];
  let captured = 0;
  for (const { offset, data } of fragments) {
    if (offset !== captured) break;
    pieces.push(data);
    captured += data.length;
  }
  packet.protocol = protocol;
  packet.data = Buffer.concat(pieces);
  packet.start = 0;
  packet.captured = Math.min(captured, total);
  packet.length = total;
  packet.isFragment = false;
}
