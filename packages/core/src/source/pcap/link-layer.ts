// SPDX-License-Identifier: Apache-2.0
import type { CapturedPacket } from './captured-packet.js';
import { linkType } from './link-types.js';

/** There is no IP packet in it. */
export const notIp = -1;
/** Too short to tell. */
export const cutShort = -2;

const etherType = {
  ipv4: 0x0800,
  ipv6: 0x86dd,
  vlan: 0x8100,
  providerVlan: 0x88a8,
  oldProviderVlan: 0x9100,
  mpls: 0x8847,
  mplsMulticast: 0x8848,
  pppoeSession: 0x8864,
} as const;
/** Smaller values of an EtherType are the length of an 802.3 frame. */
const firstEtherType = 0x600;
const pppIpv4 = 0x0021;
const pppIpv6 = 0x0057;
/** AF_INET; AF_INET6 of Linux, the BSDs and macOS. https://www.tcpdump.org/linktypes/LINKTYPE_NULL.html */
const addressFamilies: ReadonlySet<number> = new Set([2, 10, 24, 28, 30]);
/** Nested tags and labels that are followed. */
const maxTags = 16;

/** Where the IP packet begins in `packet.data`, or {@link notIp} or {@link cutShort}. */
export function findIp(packet: CapturedPacket): number {
  const { data, start } = packet;
  const end = start + packet.captured;
  switch (packet.linkType) {
    case linkType.ethernet:
      return start + 14 > end ? cutShort : afterEtherType(data, start + 12, end);
    case linkType.raw:
    case linkType.rawOld:
    case linkType.rawOpenBsd:
    case linkType.ipv4:
    case linkType.ipv6:
      return ipAt(data, start, end);
    case linkType.null:
    case linkType.loop:
      return afterAddressFamily(data, start, end);
    case linkType.linuxSll:
      return start + 16 > end ? cutShort : afterEtherType(data, start + 14, end);
    case linkType.linuxSll2:
      if (start + 20 > end) return cutShort;
      return byEtherType(data, data.readUInt16BE(start), start + 20, end);
    case linkType.ppp:
    case linkType.pppHdlc:
      return afterPpp(data, start, end);
    default:
      return notIp;
  }
}

function afterEtherType(data: Buffer, at: number, end: number): number {
  return byEtherType(data, data.readUInt16BE(at), at + 2, end);
}

function byEtherType(data: Buffer, type: number, at: number, end: number): number {
  for (let tags = 0; tags < maxTags; tags++) {
    switch (type) {
      case etherType.ipv4:
      case etherType.ipv6:
        return ipAt(data, at, end);
      case etherType.vlan:
      case etherType.providerVlan:
      case etherType.oldProviderVlan:
        if (at + 4 > end) return cutShort;
        type = data.readUInt16BE(at + 2);
        at += 4;
        break;
      case etherType.mpls:
      case etherType.mplsMulticast:
        return afterLabels(data, at, end);
      case etherType.pppoeSession:
        return afterPpp(data, at + 6, end);
      default:
        if (type >= firstEtherType) return notIp;
        // 802.2 with SNAP: AA AA 03, organization 00 00 00, EtherType.
        if (at + 8 > end) return cutShort;
        if (data.readUInt32BE(at) !== 0xaaaa0300 || data.readUInt16BE(at + 4) !== 0) return notIp;
        type = data.readUInt16BE(at + 6);
        if (type < firstEtherType) return notIp;
        at += 8;
    }
  }
  return notIp;
}

/** MPLS labels, the last of which has bit 8 set (RFC 3032, 2.1). */
function afterLabels(data: Buffer, at: number, end: number): number {
  for (let labels = 0; labels < maxTags; labels++) {
    if (at + 4 > end) return cutShort;
    const isLast = (data[at + 2]! & 1) === 1;
    at += 4;
    if (isLast) return ipAt(data, at, end);
  }
  return notIp;
}

/** PPP with or without HDLC's address and control bytes; protocols of one byte when compressed (RFC 1661, 2). */
function afterPpp(data: Buffer, at: number, end: number): number {
  if (at + 4 > end) return cutShort;
  if (data.readUInt16BE(at) === 0xff03) at += 2;
  const isShort = (data[at]! & 1) === 1;
  const protocol = isShort ? data[at]! : data.readUInt16BE(at);
  if (protocol !== pppIpv4 && protocol !== pppIpv6) return notIp;
  return ipAt(data, at + (isShort ? 1 : 2), end);
}

/** The address family is in the byte order of the machine that captured, whichever that was. */
function afterAddressFamily(data: Buffer, at: number, end: number): number {
  if (at + 4 > end) return cutShort;
  const isIp =
    addressFamilies.has(data.readUInt32BE(at)) || addressFamilies.has(data.readUInt32LE(at));
  return isIp ? ipAt(data, at + 4, end) : notIp;
}

function ipAt(data: Buffer, at: number, end: number): number {
  if (at >= end) return cutShort;
  const version = data[at]! >> 4;
  return version === 4 || version === 6 ? at : notIp;
}
