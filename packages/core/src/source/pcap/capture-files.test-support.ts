// SPDX-License-Identifier: Apache-2.0

/** One packet to be written to a capture file. */
export interface TestPacket {
  readonly data: Buffer;
  /** Unix time, nanoseconds. Default: a millisecond after the packet before. */
  readonly unixNs?: bigint;
  /** Length on the wire, when the capture cut it. */
  readonly wireLength?: number;
  readonly interfaceId?: number;
}

export const startNs = 1_700_000_000_123_456_000n;

function timed(packets: readonly TestPacket[]): (TestPacket & { readonly unixNs: bigint })[] {
  let last = startNs - 1_000_000n;
  return packets.map((packet) => ({
    ...packet,
    unixNs: (last = packet.unixNs ?? last + 1_000_000n),
  }));
}

/** Writes numbers in one byte order. */
class Fields {
  readonly #littleEndian: boolean;
  readonly #parts: Buffer[] = [];

  constructor(littleEndian: boolean) {
    this.#littleEndian = littleEndian;
  }

  u16(value: number): this {
    return this.#number(2, BigInt(value));
  }

  u32(value: number | bigint): this {
    return this.#number(4, BigInt(value) & 0xffff_ffffn);
  }

  u64(value: bigint): this {
    return this.#number(8, BigInt.asUintN(64, value));
  }

  bytes(value: Buffer): this {
    this.#parts.push(value);
    return this;
  }

  padded(value: Buffer): this {
    return this.bytes(value).bytes(Buffer.alloc((4 - (value.length % 4)) % 4));
  }

  done(): Buffer {
    return Buffer.concat(this.#parts);
  }

  #number(width: number, value: bigint): this {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64BE(value);
    const wanted = bytes.subarray(8 - width);
    return this.bytes(this.#littleEndian ? wanted.reverse() : wanted);
  }
}

export interface PcapFileOptions {
  readonly littleEndian?: boolean;
  readonly nanoseconds?: boolean;
  /** The variant with longer packet headers. */
  readonly modified?: boolean;
  readonly linkType?: number;
  readonly major?: number;
}

export function pcapFile(packets: readonly TestPacket[], options: PcapFileOptions = {}): Buffer {
  const { littleEndian = true, nanoseconds = false, modified = false, linkType = 1 } = options;
  const fields = new Fields(littleEndian)
    .u32(modified ? 0xa1b2cd34 : nanoseconds ? 0xa1b23c4d : 0xa1b2c3d4)
    .u16(options.major ?? 2)
    .u16(4)
    .u32(0)
    .u32(0)
    .u32(262_144)
    .u32(linkType);
  for (const { data, unixNs, wireLength } of timed(packets)) {
    const fraction = unixNs % 1_000_000_000n;
    fields
      .u32(unixNs / 1_000_000_000n)
      .u32(nanoseconds ? fraction : fraction / 1000n)
      .u32(data.length)
      .u32(wireLength ?? data.length);
    if (modified) fields.u32(1).u32(0);
    fields.bytes(data);
  }
  return fields.done();
}

export interface TestInterface {
  readonly linkType?: number;
  readonly snaplen?: number;
  /** if_tsresol */
  readonly resolution?: number;
  /** if_tsoffset */
  readonly offsetSeconds?: bigint;
}

/** Blocks of a pcapng section, in one byte order. */
export class Section {
  readonly #littleEndian: boolean;
  readonly #blocks: Buffer[] = [];
  readonly #interfaces: TestInterface[] = [];

  constructor(littleEndian = true) {
    this.#littleEndian = littleEndian;
    this.block(0x0a0d0d0a, this.fields().u32(0x1a2b3c4d).u16(1).u16(0).u64(-1n).done());
  }

  fields(): Fields {
    return new Fields(this.#littleEndian);
  }

  block(type: number, body: Buffer): this {
    const padded = this.fields().padded(body).done();
    const length = padded.length + 12;
    this.#blocks.push(this.fields().u32(type).u32(length).bytes(padded).u32(length).done());
    return this;
  }

  interface(options: TestInterface = {}): this {
    const { linkType = 1, snaplen = 0, resolution, offsetSeconds } = options;
    this.#interfaces.push(options);
    const body = this.fields().u16(linkType).u16(0).u32(snaplen);
    // if_name, which is of no interest.
    body.u16(2).u16(3).padded(Buffer.from('lo0'));
    if (resolution !== undefined)
      body
        .u16(9)
        .u16(1)
        .padded(Buffer.from([resolution]));
    if (offsetSeconds !== undefined) body.u16(14).u16(8).u64(offsetSeconds);
    return this.block(1, body.u16(0).u16(0).done());
  }

  packet(packet: TestPacket & { readonly unixNs: bigint }): this {
    const { data, interfaceId = 0 } = packet;
    const units = this.#units(packet.unixNs, interfaceId);
    const body = this.fields()
      .u32(interfaceId)
      .u32(units >> 32n)
      .u32(units)
      .u32(data.length)
      .u32(packet.wireLength ?? data.length)
      .padded(data);
    // An option of no interest.
    return this.block(6, body.u16(2).u16(4).u32(0).u16(0).u16(0).done());
  }

  oldPacket(packet: TestPacket & { readonly unixNs: bigint }): this {
    const { data, interfaceId = 0 } = packet;
    const units = this.#units(packet.unixNs, interfaceId);
    const body = this.fields()
      .u16(interfaceId)
      .u16(0xffff)
      .u32(units >> 32n)
      .u32(units)
      .u32(data.length)
      .u32(packet.wireLength ?? data.length);
    return this.block(2, body.padded(data).done());
  }

  simplePacket(data: Buffer, wireLength = data.length): this {
    return this.block(3, this.fields().u32(wireLength).padded(data).done());
  }

  done(): Buffer {
    return Buffer.concat(this.#blocks);
  }

  #units(unixNs: bigint, interfaceId: number): bigint {
    const { resolution = 6, offsetSeconds = 0n } = this.#interfaces[interfaceId] ?? {};
    const base = resolution & 0x80 ? 2n : 10n;
    const perSecond = base ** BigInt(resolution & 0x7f);
    return ((unixNs - offsetSeconds * 1_000_000_000n) * perSecond) / 1_000_000_000n;
  }
}

export function pcapngFile(packets: readonly TestPacket[]): Buffer {
  const section = new Section().interface({ resolution: 9 });
  for (const packet of timed(packets)) section.packet(packet);
  return section.done();
}
