// SPDX-License-Identifier: Apache-2.0

export const ipProtocol = { tcp: 6, udp: 17 } as const;
const extension = { hopByHop: 0, routing: 43, fragment: 44, authentication: 51, destination: 60 };
/** More extension headers than a packet has use for. */
const maxExtensions = 16;

/** One IP packet. One object is used for all packets of a file. */
export class IpPacket {
  /** Holds the addresses: source, then destination, `addressBytes` together from `addressesAt` on. */
  header: Buffer = Buffer.alloc(0);
  addressesAt = 0;
  addressBytes: 8 | 32 = 8;
  protocol = 0;
  /** Holds the payload: another buffer than `header` when the packet was reassembled. */
  data: Buffer = this.header;
  start = 0;
  /** Bytes of the payload in `data`. */
  captured = 0;
  /** Bytes of the payload on the wire. */
  length = 0;
  isFragment = false;
  /** IPv4 identification of the packet; of IPv6 only fragments have one. */
  identification = 0;
  /** Where a fragment's payload belongs. */
  fragmentOffset = 0;
  moreFragments = false;

  /**
   * Reads the headers at `at`. `end` is where the captured bytes end, `wireEnd` where the packet did: only needed for
   * packets larger than their length field can say (TCP segmentation offload).
   * @returns false when the headers are malformed or cut short.
   */
  read(data: Buffer, at: number, end: number, wireEnd: number): boolean {
    if (at >= end) return false;
    this.header = data;
    this.data = data;
    this.isFragment = false;
    this.identification = 0;
    const version = data[at]! >> 4;
    if (version === 4) return this.#readVersion4(data, at, end, wireEnd);
    if (version === 6) return this.#readVersion6(data, at, end, wireEnd);
    return false;
  }

  /** RFC 791, 3.1. */
  #readVersion4(data: Buffer, at: number, end: number, wireEnd: number): boolean {
    if (at + 20 > end) return false;
    const headerBytes = (data[at]! & 15) * 4;
    let totalBytes = data.readUInt16BE(at + 2);
    if (totalBytes === 0) totalBytes = wireEnd - at;
    if (headerBytes < 20 || totalBytes < headerBytes) return false;
    this.addressesAt = at + 12;
    this.addressBytes = 8;
    this.protocol = data[at + 9]!;
    this.identification = data.readUInt16BE(at + 4);
    const fragment = data.readUInt16BE(at + 6);
    this.fragmentOffset = (fragment & 0x1fff) * 8;
    this.moreFragments = (fragment & 0x2000) !== 0;
    this.isFragment = this.moreFragments || this.fragmentOffset > 0;
    this.#setPayload(at + headerBytes, end, totalBytes - headerBytes);
    return true;
  }

  /** RFC 8200, 3 and 4. */
  #readVersion6(data: Buffer, at: number, end: number, wireEnd: number): boolean {
    if (at + 40 > end) return false;
    const payloadBytes = data.readUInt16BE(at + 4);
    // 0: a jumbogram (RFC 2675), or more than segmentation offload could write.
    const packetEnd = payloadBytes === 0 ? wireEnd : at + 40 + payloadBytes;
    this.addressesAt = at + 8;
    this.addressBytes = 32;
    let protocol = data[at + 6]!;
    let next = at + 40;
    for (let count = 0; count < maxExtensions; count++) {
      const isOptions =
        protocol === extension.hopByHop ||
        protocol === extension.routing ||
        protocol === extension.destination;
      const isFragment = protocol === extension.fragment;
      const isAuthentication = protocol === extension.authentication;
      if (!isOptions && !isFragment && !isAuthentication) {
        this.protocol = protocol;
        if (packetEnd < next) return false;
        this.#setPayload(next, end, packetEnd - next);
        return true;
      }
      if (next + 8 > end) return false;
      protocol = data[next]!;
      if (isOptions) next += (data[next + 1]! + 1) * 8;
      else if (isAuthentication) next += (data[next + 1]! + 2) * 4;
      else {
        this.#readFragment6(data, next);
        next += 8;
        // Extension headers behind this one are part of what is fragmented.
        this.protocol = protocol;
        if (packetEnd < next) return false;
        this.#setPayload(next, end, packetEnd - next);
        if (this.isFragment) return true;
      }
    }
    return false;
  }

  #readFragment6(data: Buffer, at: number): void {
    const fragment = data.readUInt16BE(at + 2);
    this.fragmentOffset = fragment & 0xfff8;
    this.moreFragments = (fragment & 1) === 1;
    // One with neither is a whole packet (RFC 6946).
    this.isFragment = this.moreFragments || this.fragmentOffset > 0;
    this.identification = data.readUInt32BE(at + 4);
  }

  #setPayload(start: number, end: number, length: number): void {
    this.start = start;
    this.length = length;
    this.captured = Math.max(0, Math.min(length, end - start));
  }
}
