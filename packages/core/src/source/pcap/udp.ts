// SPDX-License-Identifier: Apache-2.0
import type { Endpoint } from '../../model/index.js';
import type { PipelineSource } from '../../stream/pipeline-types.js';
import { Conversation, Conversations } from './conversations.js';
import { endpointsOf, keyOf, reverseKeyOf } from './endpoints.js';
import type { IpPacket } from './ip-packet.js';
import { nobody } from './nobody.js';
import type { PcapCounters } from './pcap-stats.js';
import { RecentDatagrams } from './recent-datagrams.js';

const headerBytes = 8;
/** Datagrams have no end: a pair of ports that was silent for this long is forgotten. */
const idleNs = 60e9;

class UdpConversation extends Conversation {
  readonly id: number;
  readonly endpoints: readonly [Endpoint, Endpoint];
  readonly positions: [number, number] = [0, 0];
  readonly recent = new RecentDatagrams();
  lastNs = 0;

  constructor(
    keys: readonly [string, string],
    id: number,
    endpoints: readonly [Endpoint, Endpoint],
  ) {
    super(keys);
    this.id = id;
    this.endpoints = endpoints;
  }
}

/** What UDP needs of its file. */
export interface UdpContext {
  readonly pipeline: PipelineSource;
  readonly counters: PcapCounters;
  nowNs: number;
  nextId(): number;
}

/** All UDP of a capture: one connection for each pair of addresses and ports, one segment for each datagram. */
export class Udp {
  readonly #context: UdpContext;
  readonly #maxConversations: number;
  readonly #all = new Conversations<UdpConversation>();

  constructor(context: UdpContext, maxConversations: number) {
    this.#context = context;
    this.#maxConversations = maxConversations;
  }

  /** False when the packet is malformed or cut short. `seenOn` names the interface. */
  take(ip: IpPacket, timeNs: number, seenOn: string): boolean {
    if (ip.captured < headerBytes) return false;
    const { pipeline, counters } = this.#context;
    // 0: larger than the field can say (RFC 2675, 4).
    const stated = ip.data.readUInt16BE(ip.start + 4) || ip.length;
    if (stated < headerBytes || stated > ip.length) return false;
    const length = stated - headerBytes;
    const captured = Math.min(ip.captured - headerBytes, length);
    const place = this.#all.find(keyOf(ip)) ?? this.#add(ip);
    const { conversation, from } = place;
    this.#all.touch(conversation);
    conversation.lastNs = this.#context.nowNs;
    const start = ip.start + headerBytes;
    const payload = ip.data.subarray(start, start + captured);
    if (conversation.recent.repeats(from, ip.identification, payload, length, timeNs, seenOn)) {
      counters.udp.duplicates++;
      return true;
    }
    counters.udp.datagrams++;
    counters.udp.bytes += captured;
    counters.udp.cutBytes += length - captured;
    if (length === 0) return true;
    const position = conversation.positions[from];
    conversation.positions[from] += length;
    pipeline.segment(
      conversation.id,
      {
        direction: from === 0 ? 'in' : 'out',
        position,
        length,
        captured,
        data: ip.data,
        dataStart: start,
        holeReason: captured < length ? 'limit' : undefined,
        oppositePosition: conversation.positions[from === 0 ? 1 : 0],
        startNs: timeNs,
        endNs: timeNs,
        tid: 0,
        process: nobody,
      },
      undefined,
    );
    return true;
  }

  /** Time passes. */
  tick(): void {
    for (;;) {
      const { oldest } = this.#all;
      if (oldest === undefined || this.#context.nowNs - oldest.lastNs < idleNs) return;
      this.#close(oldest);
    }
  }

  #add(ip: IpPacket): ReturnType<Conversations<UdpConversation>['add']> {
    while (this.#all.size >= this.#maxConversations) {
      this.#context.counters.udp.evictedConversations++;
      this.#close(this.#all.oldest!);
    }
    const endpoints = endpointsOf(ip);
    const keys = [keyOf(ip), reverseKeyOf(ip)] as const;
    const conversation = new UdpConversation(keys, this.#context.nextId(), endpoints);
    this.#context.counters.udp.conversations++;
    this.#context.pipeline.open({
      id: conversation.id,
      transport: 'udp',
      role: 'unknown',
      local: endpoints[1],
      remote: endpoints[0],
      // Each datagram begins a message.
      midstream: false,
      likelyRequests: 'in',
    });
    return this.#all.add(conversation);
  }

  #close(conversation: UdpConversation): void {
    const [inPosition, outPosition] = conversation.positions;
    const { pipeline, nowNs } = this.#context;
    pipeline.close(conversation.id, inPosition, outPosition, nowNs, undefined, false);
    this.#all.delete(conversation);
  }
}
