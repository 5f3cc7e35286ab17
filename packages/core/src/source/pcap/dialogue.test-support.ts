// SPDX-License-Identifier: Apache-2.0
import { pcapFile, startNs, type TestPacket } from './capture-files.test-support.js';
import { collect, type Collected, type CollectedConnection } from './collected.test-support.js';
import { packetOf } from './packets.test-support.js';
import type { PcapOptions } from './pcap-options.js';
import type { PcapStats } from './pcap-stats.js';

/** Fields of a packet; numbers are positions in the two streams. */
export interface Said {
  readonly at: number;
  /** Undefined: no ACK. */
  readonly ack?: number | undefined;
  readonly flags?: string;
  /** Bytes of the packet that the capture cut off. */
  readonly cut?: number;
}

/** The packets of one connection, a millisecond apart. */
export class Dialogue {
  readonly packets: TestPacket[] = [];
  readonly isn: { client: number; server: number };
  #nowNs = startNs;

  constructor(isn = { client: 0xffff_fff0, server: 7_000_000 }) {
    this.isn = isn;
  }

  /** SYN, SYN-ACK, ACK. */
  handshake(): this {
    return this.syn().synAck().client('', { at: 0, ack: 0 });
  }

  syn(payload = ''): this {
    return this.#add('client', payload, { at: -1, flags: 'S' });
  }

  synAck(payload = '', ack = 0): this {
    return this.#add('server', payload, { at: -1, ack, flags: 'SA' });
  }

  client(payload: string | Buffer, said: Said): this {
    return this.#add('client', payload, said);
  }

  server(payload: string | Buffer, said: Said): this {
    return this.#add('server', payload, said);
  }

  /** Time passes. */
  wait(ms: number): this {
    this.#nowNs += BigInt(ms) * 1_000_000n;
    return this;
  }

  /** The last packet once more. */
  again(): this {
    const last = this.packets[this.packets.length - 1]!;
    this.packets.push({ ...last, unixNs: (this.#nowNs += 1_000_000n) });
    return this;
  }

  /** Reads what was said. */
  async read(options?: PcapOptions): Promise<{
    collected: Collected;
    connections: CollectedConnection[];
    first: CollectedConnection;
    in: string;
    out: string;
    stats: PcapStats;
  }> {
    const { collected, stats } = await collect(
      pcapFile(this.packets, { nanoseconds: true }),
      options,
    );
    const { connections } = collected;
    const first = connections[0]!;
    return {
      collected,
      connections,
      first,
      in: connections.length === 0 ? '' : first.text('in'),
      out: connections.length === 0 ? '' : first.text('out'),
      stats,
    };
  }

  #add(from: 'client' | 'server', payload: string | Buffer, said: Said): this {
    const other = from === 'client' ? 'server' : 'client';
    const { at, ack, flags, cut = 0 } = said;
    const data = packetOf(from, {
      sequence: this.isn[from] + 1 + at,
      acknowledgment: ack === undefined ? undefined : this.isn[other] + 1 + ack,
      ...(flags === undefined ? {} : { flags }),
      payload,
    });
    this.packets.push({
      data: data.subarray(0, data.length - cut),
      wireLength: data.length,
      unixNs: this.#nowNs,
    });
    this.#nowNs += 1_000_000n;
    return this;
  }
}
