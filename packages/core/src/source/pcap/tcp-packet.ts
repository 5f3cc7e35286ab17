// SPDX-License-Identifier: Apache-2.0
import type { IpPacket } from './ip-packet.js';

const flag = { fin: 1, syn: 2, rst: 4, ack: 16 } as const;
const leastHeaderBytes = 20;

/** One TCP segment (RFC 9293, 3.1). One object is used for all of a file. */
export class TcpPacket {
  timeNs = 0;
  sequence = 0;
  acknowledgment = 0;
  fin = false;
  syn = false;
  rst = false;
  ack = false;
  data: Buffer = Buffer.alloc(0);
  /** Where the payload begins in `data`. */
  start = 0;
  /** Bytes of the payload in `data`. */
  captured = 0;
  /** Bytes of the payload on the wire. */
  length = 0;

  /** False when the header is malformed or cut short. */
  read(ip: IpPacket, timeNs: number): boolean {
    if (ip.captured < leastHeaderBytes) return false;
    const { data, start } = ip;
    const headerBytes = (data[start + 12]! >> 4) * 4;
    if (headerBytes < leastHeaderBytes || headerBytes > ip.length) return false;
    const flags = data[start + 13]!;
    this.timeNs = timeNs;
    this.sequence = data.readUInt32BE(start + 4);
    this.acknowledgment = data.readUInt32BE(start + 8);
    this.fin = (flags & flag.fin) !== 0;
    this.syn = (flags & flag.syn) !== 0;
    this.rst = (flags & flag.rst) !== 0;
    this.ack = (flags & flag.ack) !== 0;
    this.data = data;
    this.start = start + Math.min(headerBytes, ip.captured);
    this.length = ip.length - headerBytes;
    this.captured = Math.max(0, ip.captured - headerBytes);
    return true;
  }
}
