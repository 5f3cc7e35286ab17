// SPDX-License-Identifier: Apache-2.0

/** Why a packet of the file shows in no connection. */
export type LeftOutReason =
  /** ARP, spanning tree, … */
  | 'not-ip'
  /** IP with neither TCP nor UDP in it: ICMP, GRE, … */
  | 'other-transport'
  /** Headers that cannot be, or that the capture cut short. */
  | 'malformed'
  /** A fragment of an IP packet whose other fragments are missing, or beyond the caps. */
  | 'incomplete-fragments'
  /** Of an interface (pcapng) whose link type is not read. */
  | 'link-type';

/** A number of packets and their captured bytes. */
export interface PacketCount {
  /** How many. */
  readonly packets: number;
  /** Their captured bytes, headers included. */
  readonly bytes: number;
}

/** What was in a capture file, and what was left out. */
export interface PcapStats {
  /** Undefined as long as nothing was read. */
  readonly format: 'pcap' | 'pcapng' | undefined;
  /** All packets of the file. */
  readonly packets: number;
  /** Their captured bytes. */
  readonly bytes: number;
  /** Packets that show in no connection. */
  readonly leftOut: Readonly<Partial<Record<LeftOutReason, PacketCount>>>;
  /** The file ends inside a packet: the capture was interrupted, or is still being written. */
  readonly truncated: boolean;
  /** Packets whose time stamp cannot be; the time of the packet before was taken. */
  readonly invalidTimes: number;
  /** What TCP carried. */
  readonly tcp: TcpStats;
  /** What UDP carried. */
  readonly udp: UdpStats;
}

/** TCP in a capture. Bytes are payload. */
export interface TcpStats {
  /** With and without payload. */
  readonly packets: number;
  /** Connections that moved a byte. */
  readonly connections: number;
  /** Handed over, each byte of a stream once. */
  readonly bytes: number;
  /** Retransmitted, captured on two interfaces, or behind the end of their stream. */
  readonly duplicateBytes: number;
  /** Known to have moved, and not in the file. */
  readonly lostBytes: number;
  /** Cut off by the capture's snaplen. */
  readonly cutBytes: number;
  /** Packets out of every window: of other connections with the same addresses and ports, or damaged. */
  readonly strayPackets: number;
  /** Connections that were forgotten because there were too many. */
  readonly evictedConnections: number;
}

/** UDP in a capture. Bytes are payload. */
export interface UdpStats {
  /** Each counted once, those without payload included. */
  readonly datagrams: number;
  /** Pairs of addresses and ports. */
  readonly conversations: number;
  /** Handed over. */
  readonly bytes: number;
  /** Cut off by the capture's snaplen. */
  readonly cutBytes: number;
  /** Datagrams captured on more than one interface, counted once above. */
  readonly duplicates: number;
  /** Conversations that were forgotten because there were too many. */
  readonly evictedConversations: number;
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/** Counts while a file is read. */
export class PcapCounters {
  packets = 0;
  bytes = 0;
  truncated = false;
  readonly tcp: Writable<TcpStats> = {
    packets: 0,
    connections: 0,
    bytes: 0,
    duplicateBytes: 0,
    lostBytes: 0,
    cutBytes: 0,
    strayPackets: 0,
    evictedConnections: 0,
  };
  readonly udp: Writable<UdpStats> = {
    datagrams: 0,
    conversations: 0,
    bytes: 0,
    cutBytes: 0,
    duplicates: 0,
    evictedConversations: 0,
  };
  readonly #leftOut: Partial<Record<LeftOutReason, Writable<PacketCount>>> = {};

  leaveOut(reason: LeftOutReason, packets: number, bytes: number): void {
    const count = (this.#leftOut[reason] ??= { packets: 0, bytes: 0 });
    count.packets += packets;
    count.bytes += bytes;
  }

  snapshot(format: 'pcap' | 'pcapng' | undefined, invalidTimes: number): PcapStats {
    const leftOut = Object.fromEntries(
      Object.entries(this.#leftOut).map(([reason, count]) => [reason, { ...count }]),
    );
    return {
      format,
      packets: this.packets,
      bytes: this.bytes,
      leftOut,
      truncated: this.truncated,
      invalidTimes,
      tcp: { ...this.tcp },
      udp: { ...this.udp },
    };
  }
}
