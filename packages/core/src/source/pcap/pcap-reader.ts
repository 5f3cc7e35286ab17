// SPDX-License-Identifier: Apache-2.0
import type { CaptureBytes } from './capture-bytes.js';
import { Timestamps, type CaptureClock } from './capture-clock.js';
import { brokenCapture } from './capture-error.js';
import { CapturedPacket, type CaptureReader } from './captured-packet.js';
import { requireLinkType } from './link-types.js';

/** What the first four bytes of a pcap file say, as a big-endian number. */
interface Layout {
  readonly littleEndian: boolean;
  /** Unit of the fraction of a second. */
  readonly fractionNs: 1 | 1000;
  /** Bytes before each packet. */
  readonly headerBytes: 16 | 24;
}

/**
 * Magic numbers. `a1b2cd34` is the variant of the patched libpcap of some Linux distributions of 1999, whose packets
 * have eight more header bytes.
 */
const layouts: ReadonlyMap<number, Layout> = new Map([
  [0xa1b2c3d4, { littleEndian: false, fractionNs: 1000, headerBytes: 16 }],
  [0xd4c3b2a1, { littleEndian: true, fractionNs: 1000, headerBytes: 16 }],
  [0xa1b23c4d, { littleEndian: false, fractionNs: 1, headerBytes: 16 }],
  [0x4d3cb2a1, { littleEndian: true, fractionNs: 1, headerBytes: 16 }],
  [0xa1b2cd34, { littleEndian: false, fractionNs: 1000, headerBytes: 24 }],
  [0x34cdb2a1, { littleEndian: true, fractionNs: 1000, headerBytes: 24 }],
]);

const fileHeaderBytes = 24;
/** Larger packets than this are taken for damage, unless the file's snaplen says that there may be some. */
const usualPacketBytes = 1024 * 1024;
const mostPacketBytes = 16 * 1024 * 1024;

/** Whether a file that begins with these four bytes (big-endian) is of this format. */
export function isPcap(magic: number): boolean {
  return layouts.has(magic);
}

/**
 * pcap files: https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-05.html
 *
 * ```
 *  file    magic(4) major(2) minor(2) zone(4) accuracy(4) snaplen(4) link type(4)
 *  packet  seconds(4) fraction(4) captured length(4) wire length(4) data
 * ```
 */
export class PcapReader implements CaptureReader {
  readonly format = 'pcap';
  readonly #queue: CaptureBytes;
  readonly #packet = new CapturedPacket();
  readonly #layout: Layout;
  readonly #timestamps: Timestamps;
  #maxPacketBytes = usualPacketBytes;
  #headerRead = false;
  /** Bytes of the packet that was returned last. */
  #returned = 0;

  /** @param magic the first four bytes, big-endian: {@link isPcap} is true for them. */
  constructor(queue: CaptureBytes, clock: CaptureClock, magic: number) {
    this.#queue = queue;
    this.#layout = layouts.get(magic)!;
    this.#timestamps = Timestamps.secondsAndFraction(clock, this.#layout.fractionNs);
  }

  next(): CapturedPacket | undefined {
    const queue = this.#queue;
    if (!this.#headerRead && !this.#readHeader()) return undefined;
    queue.skip(this.#returned);
    this.#returned = 0;
    const { littleEndian, headerBytes } = this.#layout;
    if (!queue.has(headerBytes)) return undefined;
    const captured = u32(queue.data, queue.at + 8, littleEndian);
    if (captured > this.#maxPacketBytes) {
      throw brokenCapture(`the pcap file has a packet of ${captured} bytes`, queue.offset);
    }
    if (!queue.has(headerBytes + captured)) return undefined;
    const { data, at } = queue;
    const packet = this.#packet;
    packet.timeNs = this.#timestamps.read(
      u32(data, at, littleEndian),
      u32(data, at + 4, littleEndian),
    );
    packet.data = data;
    packet.start = at + headerBytes;
    packet.captured = captured;
    packet.wireLength = Math.max(captured, u32(data, at + 12, littleEndian));
    this.#returned = headerBytes + captured;
    return packet;
  }

  #readHeader(): boolean {
    const queue = this.#queue;
    if (!queue.has(fileHeaderBytes)) return false;
    const { data, at } = queue;
    const { littleEndian } = this.#layout;
    const major = littleEndian ? data.readUInt16LE(at + 4) : data.readUInt16BE(at + 4);
    if (major !== 2) throw brokenCapture(`the pcap file has version ${major}, not 2`, 4);
    const snaplen = u32(data, at + 16, littleEndian);
    this.#maxPacketBytes = Math.min(mostPacketBytes, Math.max(usualPacketBytes, snaplen));
    // The upper half tells of a frame check sequence.
    this.#packet.linkType = u32(data, at + 20, littleEndian) & 0xffff;
    requireLinkType(this.#packet.linkType);
    queue.skip(fileHeaderBytes);
    this.#headerRead = true;
    return true;
  }
}

function u32(data: Buffer, at: number, littleEndian: boolean): number {
  return littleEndian ? data.readUInt32LE(at) : data.readUInt32BE(at);
}
