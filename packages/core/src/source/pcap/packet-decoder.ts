// SPDX-License-Identifier: Apache-2.0
import type { PipelineSource } from '../../stream/pipeline-types.js';
import type { CapturedPacket } from './captured-packet.js';
import { Fragments } from './fragments.js';
import { ipProtocol, IpPacket } from './ip-packet.js';
import { cutShort, findIp, notIp } from './link-layer.js';
import { isKnownLinkType, linkType } from './link-types.js';
import type { LeftOutReason, PcapCounters } from './pcap-stats.js';
import type { ResolvedPcapOptions } from './pcap-options.js';
import { Tcp } from './tcp.js';
import { Udp } from './udp.js';

/** Time passes for the pipeline in steps of at least this. */
const tickNs = 100e6;

/** From packets to the segments of connections. */
export class PacketDecoder {
  readonly #pipeline: PipelineSource;
  readonly #counters: PcapCounters;
  readonly #ip = new IpPacket();
  readonly #fragments: Fragments;
  readonly #context;
  readonly #tcp: Tcp;
  readonly #udp: Udp;
  #tickedNs = 0;

  constructor(pipeline: PipelineSource, counters: PcapCounters, options: ResolvedPcapOptions) {
    this.#pipeline = pipeline;
    this.#counters = counters;
    this.#fragments = new Fragments(counters);
    let lastId = 0;
    this.#context = {
      pipeline,
      counters,
      maxBufferedBytes: options.maxBufferedBytes,
      maxTotalBufferedBytes: options.maxTotalBufferedBytes,
      bufferedBytes: 0,
      nowNs: 0,
      nextId: () => ++lastId,
    };
    this.#tcp = new Tcp(this.#context, options.maxConnections);
    this.#udp = new Udp(this.#context, options.maxConnections);
  }

  take(packet: CapturedPacket): void {
    const { timeNs } = packet;
    if (timeNs > this.#context.nowNs) this.#context.nowNs = timeNs;
    this.#counters.packets++;
    this.#counters.bytes += packet.captured;
    const reason = this.#decode(packet);
    if (reason !== undefined) this.#counters.leaveOut(reason, 1, packet.captured);
    if (this.#context.nowNs - this.#tickedNs >= tickNs) this.#tick();
  }

  /** The capture ended: what is unfinished is reported. */
  finish(): void {
    this.#fragments.finish();
    this.#tcp.finish();
    this.#pipeline.finish(this.#context.nowNs);
  }

  /** Returns why the packet was left out, if it was. */
  #decode(packet: CapturedPacket): LeftOutReason | undefined {
    if (!isKnownLinkType(packet.linkType)) return 'link-type';
    const at = findIp(packet);
    if (at === notIp) return 'not-ip';
    if (at === cutShort) return 'malformed';
    const { start, data, timeNs } = packet;
    const ip = this.#ip;
    if (!ip.read(data, at, start + packet.captured, start + packet.wireLength)) return 'malformed';
    if (ip.isFragment && !this.#fragments.add(ip, packet.captured, timeNs)) return undefined;
    let isRead;
    if (ip.protocol === ipProtocol.tcp) isRead = this.#tcp.take(ip, timeNs);
    else if (ip.protocol === ipProtocol.udp) isRead = this.#udp.take(ip, timeNs, seenOn(packet));
    else return 'other-transport';
    return isRead ? undefined : 'malformed';
  }

  #tick(): void {
    const { nowNs } = this.#context;
    this.#tickedNs = nowNs;
    this.#tcp.tick();
    this.#udp.tick();
    this.#pipeline.tick(nowNs);
  }
}

/** Where a packet was captured: interface, and with Linux cooked also whether on its way in or out. */
function seenOn({ linkType: type, interfaceId, data, start }: CapturedPacket): string {
  switch (type) {
    case linkType.linuxSll:
      return `${interfaceId} ${data.readUInt16BE(start)}`;
    case linkType.linuxSll2:
      return `${interfaceId} ${data.readUInt32BE(start + 4)} ${data[start + 10]!}`;
    default:
      return String(interfaceId);
  }
}
