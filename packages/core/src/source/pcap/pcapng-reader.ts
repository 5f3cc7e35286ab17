// SPDX-License-Identifier: Apache-2.0
import type { CaptureBytes } from './capture-bytes.js';
import { Timestamps, type CaptureClock } from './capture-clock.js';
import { brokenCapture } from './capture-error.js';
import { CapturedPacket, type CaptureReader } from './captured-packet.js';
import { isKnownLinkType, requireLinkType } from './link-types.js';

/** Type of a section header: the same in both byte orders. */
export const sectionHeaderType = 0x0a0d0d0a;
const byteOrderMagic = 0x1a2b3c4d;
const blockType = { interface: 1, oldPacket: 2, simplePacket: 3, enhancedPacket: 6 } as const;
const option = { end: 0, resolution: 9, offset: 14 } as const;
/** Microseconds, when an interface does not say. */
const usualResolution = 6;
/** Larger blocks than this that must be looked into are taken for damage. Others are skipped whatever their size. */
const mostBlockBytes = 16 * 1024 * 1024;
const mostInterfaces = 65_536;

interface Interface {
  readonly linkType: number;
  /** 0: no limit. */
  readonly snaplen: number;
  readonly timestamps: Timestamps;
}

/**
 * pcapng files: https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-03.html
 *
 * ```
 *  block            type(4) total length(4) body … total length(4)
 *  section header   byte-order magic(4) major(2) minor(2) section length(8) options
 *  interface        link type(2) reserved(2) snaplen(4) options
 *  enhanced packet  interface(4) time, high(4) time, low(4) captured(4) wire length(4) data, options
 *  simple packet    wire length(4) data
 *  packet (old)     interface(2) drops(2) time, high(4) time, low(4) captured(4) wire length(4) data, options
 * ```
 */
export class PcapngReader implements CaptureReader {
  readonly format = 'pcapng';
  readonly #queue: CaptureBytes;
  readonly #clock: CaptureClock;
  readonly #packet = new CapturedPacket();
  #littleEndian = false;
  #interfaces: Interface[] = [];
  /** Packets of some interface of the section are read. */
  #someKnown = false;
  /** Bytes of the block that was returned last. */
  #returned = 0;

  constructor(queue: CaptureBytes, clock: CaptureClock) {
    this.#queue = queue;
    this.#clock = clock;
  }

  next(): CapturedPacket | undefined {
    const queue = this.#queue;
    queue.skip(this.#returned);
    this.#returned = 0;
    while (queue.has(12)) {
      const type = this.#u32(queue.at);
      if (type === sectionHeaderType) this.#setByteOrder();
      const length = this.#u32(queue.at + 4);
      if (length < 12 || length % 4 !== 0) {
        throw brokenCapture(`the pcapng file has a block of ${length} bytes`, queue.offset);
      }
      if (!this.#isOfInterest(type)) {
        queue.skip(length);
        continue;
      }
      if (length > mostBlockBytes) {
        throw brokenCapture(`the pcapng file has a block of ${length} bytes`, queue.offset);
      }
      if (!queue.has(length)) return undefined;
      const { at } = queue;
      if (this.#u32(at + length - 4) !== length) {
        throw brokenCapture('the pcapng file has a block with two lengths', queue.offset);
      }
      if (this.#readBlock(type, at + 8, at + length - 4)) {
        this.#returned = length;
        return this.#packet;
      }
      queue.skip(length);
    }
    return undefined;
  }

  #isOfInterest(type: number): boolean {
    switch (type) {
      case sectionHeaderType:
      case blockType.interface:
      case blockType.oldPacket:
      case blockType.simplePacket:
      case blockType.enhancedPacket:
        return true;
      default:
        return false;
    }
  }

  /** Reads the body of a block; true when it was a packet. */
  #readBlock(type: number, at: number, end: number): boolean {
    switch (type) {
      case sectionHeaderType:
        this.#readSectionHeader(at, end);
        return false;
      case blockType.interface:
        this.#readInterface(at, end);
        return false;
      case blockType.simplePacket:
        this.#readSimplePacket(at, end);
        return true;
      case blockType.oldPacket:
        this.#require(end - at >= 20, 'packet');
        this.#readPacket(this.#u16(at), at, end);
        return true;
      default:
        this.#require(end - at >= 20, 'packet');
        this.#readPacket(this.#u32(at), at, end);
        return true;
    }
  }

  #setByteOrder(): void {
    const { data, at, offset } = this.#queue;
    const magic = data.readUInt32BE(at + 8);
    this.#littleEndian = magic !== byteOrderMagic;
    if (this.#u32(at + 8) !== byteOrderMagic) {
      throw brokenCapture('the pcapng file has a section of unknown byte order', offset);
    }
  }

  #readSectionHeader(at: number, end: number): void {
    this.#require(end - at >= 16, 'section header');
    const major = this.#u16(at + 4);
    if (major !== 1) {
      throw brokenCapture(`the pcapng file has version ${major}, not 1`, this.#queue.offset);
    }
    this.#interfaces = [];
    this.#someKnown = false;
  }

  #readInterface(at: number, end: number): void {
    this.#require(end - at >= 8, 'interface description');
    if (this.#interfaces.length === mostInterfaces) {
      throw brokenCapture(
        `the pcapng file describes more than ${mostInterfaces} interfaces`,
        this.#queue.offset,
      );
    }
    let resolution: number = usualResolution;
    let offsetSeconds = 0n;
    for (let next = at + 8; next + 4 <= end;) {
      const code = this.#u16(next);
      const length = this.#u16(next + 2);
      const value = next + 4;
      this.#require(value + length <= end, 'interface description');
      const { data } = this.#queue;
      if (code === option.end) break;
      if (code === option.resolution && length === 1) resolution = data[value]!;
      if (code === option.offset && length === 8) {
        offsetSeconds = this.#littleEndian
          ? data.readBigInt64LE(value)
          : data.readBigInt64BE(value);
      }
      next = value + Math.ceil(length / 4) * 4;
    }
    const linkType = this.#u16(at);
    this.#someKnown ||= isKnownLinkType(linkType);
    this.#interfaces.push({
      linkType,
      snaplen: this.#u32(at + 4),
      timestamps: Timestamps.units(this.#clock, resolution, offsetSeconds),
    });
  }

  #readPacket(interfaceId: number, at: number, end: number): void {
    const on = this.#interfaceOf(interfaceId);
    const captured = this.#u32(at + 12);
    this.#require(captured <= end - at - 20, 'packet');
    const timeNs = on.timestamps.read(this.#u32(at + 4), this.#u32(at + 8));
    this.#fill(on.linkType, interfaceId, timeNs, at + 20, captured, this.#u32(at + 16));
  }

  /** Has no time: it is given that of the packet before it. */
  #readSimplePacket(at: number, end: number): void {
    this.#require(end - at >= 4, 'packet');
    const on = this.#interfaceOf(0);
    const wireLength = this.#u32(at);
    const captured = Math.min(wireLength, end - at - 4, on.snaplen === 0 ? Infinity : on.snaplen);
    this.#fill(on.linkType, 0, this.#clock.lastNs, at + 4, captured, wireLength);
  }

  #fill(
    linkType: number,
    interfaceId: number,
    timeNs: number,
    start: number,
    captured: number,
    wireLength: number,
  ): void {
    const packet = this.#packet;
    packet.linkType = linkType;
    packet.interfaceId = interfaceId;
    packet.timeNs = timeNs;
    packet.data = this.#queue.data;
    packet.start = start;
    packet.captured = captured;
    packet.wireLength = Math.max(captured, wireLength);
  }

  /** An interface whose packets cannot be read is an error only when there is no other. */
  #interfaceOf(id: number): Interface {
    const found = this.#interfaces[id];
    if (found === undefined) {
      throw brokenCapture(
        `the pcapng file has a packet of interface ${id}, which it does not describe`,
        this.#queue.offset,
      );
    }
    if (!this.#someKnown) requireLinkType(found.linkType);
    return found;
  }

  #require(holds: boolean, what: string): void {
    if (!holds) throw brokenCapture(`the pcapng file has a ${what} cut short`, this.#queue.offset);
  }

  #u16(at: number): number {
    const { data } = this.#queue;
    return this.#littleEndian ? data.readUInt16LE(at) : data.readUInt16BE(at);
  }

  #u32(at: number): number {
    const { data } = this.#queue;
    return this.#littleEndian ? data.readUInt32LE(at) : data.readUInt32BE(at);
  }
}
