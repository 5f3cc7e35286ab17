// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import {
  pcapFile,
  pcapngFile,
  Section,
  startNs,
  type TestPacket,
} from './capture-files.test-support.js';
import { collect, Collected } from './collected.test-support.js';
import { packetOf } from './packets.test-support.js';
import { PcapSource } from './pcap-source.js';

const syn = packetOf('client', { sequence: 99, flags: 'S' });
const hello = packetOf('client', { sequence: 100, acknowledgment: 500, payload: 'hello' });
const world = packetOf('server', { sequence: 500, acknowledgment: 105, payload: 'world' });
const packets: TestPacket[] = [{ data: syn }, { data: hello }, { data: world }];

async function texts(file: Buffer): Promise<string[]> {
  const { collected } = await collect(file);
  return collected.connections.map((each) => `${each.text('in')} ${each.text('out')}`);
}

/** Times of the segments, Unix nanoseconds. */
async function times(file: Buffer): Promise<bigint[]> {
  const { collected, source } = await collect(file);
  return collected.connections.flatMap(({ segments }) =>
    segments.map((segment) => BigInt(segment.startNs) + source.wallClockOffsetNs),
  );
}

describe('pcap files', () => {
  it.each([true, false])('are read in either byte order (little: %s)', async (littleEndian) => {
    expect(await texts(pcapFile(packets, { littleEndian }))).toEqual(['hello world']);
  });

  it.each([true, false])('have micro- or nanoseconds (nano: %s)', async (nanoseconds) => {
    const at = startNs + 1_000_007n;
    const file = pcapFile([{ data: syn }, { data: hello, unixNs: at }], { nanoseconds });
    expect(await times(file)).toEqual([nanoseconds ? at : (at / 1000n) * 1000n]);
  });

  it.each([true, false])('may have longer packet headers (little: %s)', async (littleEndian) => {
    const file = pcapFile(packets, { modified: true, littleEndian });
    expect(await texts(file)).toEqual(['hello world']);
  });

  it('keep times exact over days', async () => {
    const at = startNs + 86_400n * 30n * 1_000_000_000n + 1n;
    const file = pcapFile([{ data: syn }, { data: hello, unixNs: at }], { nanoseconds: true });
    expect(await times(file)).toEqual([at]);
  });

  it('of one interface that is not read are refused by name', async () => {
    await expect(PcapSource.open([pcapFile(packets, { linkType: 127 })])).rejects.toMatchObject({
      code: 'ERR_CAPTURE_LINK_TYPE',
      message: expect.stringContaining('127, IEEE802_11_RADIOTAP') as string,
      remedy: expect.any(String) as string,
    });
  });

  it('of another version are refused', async () => {
    await expect(PcapSource.open([pcapFile(packets, { major: 3 })])).rejects.toMatchObject({
      code: 'ERR_CAPTURE_FORMAT',
      message: expect.stringContaining('version 3') as string,
    });
  });

  it('with a packet that cannot be are read up to there', async () => {
    const file = pcapFile(packets);
    const broken = 24 + 2 * 16 + syn.length + hello.length;
    file.writeUInt32LE(0x7fff_ffff, broken + 8);
    const collected = await collect(file.subarray(0, broken));
    expect(collected.collected.connections[0]?.text('in')).toBe('hello');
    await expect(collect(file)).rejects.toMatchObject({
      code: 'ERR_CAPTURE_FORMAT',
      message: expect.stringContaining(`at byte ${broken})`) as string,
      offset: broken,
    });
  });

  it('may have no packets', async () => {
    const { collected, stats, source } = await collect(pcapFile([]));
    expect(stats).toMatchObject({ format: 'pcap', packets: 0, truncated: false });
    expect(collected.finished).toBe(1);
    expect(source.wallClockOffsetNs).toBe(0n);
  });
});

describe('pcapng files', () => {
  it.each([true, false])('are read in either byte order (little: %s)', async (littleEndian) => {
    const section = new Section(littleEndian).interface();
    section.packet({ data: syn, unixNs: startNs }).packet({ data: hello, unixNs: startNs });
    expect(await texts(section.packet({ data: world, unixNs: startNs }).done())).toEqual([
      'hello world',
    ]);
  });

  it.each([
    ['seconds', 0, 0n, 1_000_000_000n],
    ['microseconds when they do not say', undefined, 0n, 1000n],
    ['nanoseconds', 9, 0n, 1n],
    ['picoseconds', 12, 1_700_000_000n, 1n],
    ['1/1024 seconds', 0x8a, 0n, 976_563n],
    ['an offset', 9, 1_600_000_000n, 1n],
    ['a negative offset', 6, -3600n, 1000n],
  ])('have time stamps in %s', async (_, resolution, offsetSeconds, precision) => {
    const at = startNs + 5_000_000_007n;
    const section = new Section().interface({
      ...(resolution === undefined ? {} : { resolution }),
      ...(offsetSeconds === 0n ? {} : { offsetSeconds }),
    });
    section.packet({ data: syn, unixNs: startNs }).packet({ data: hello, unixNs: at });
    const [time] = await times(section.done());
    expect(at - time!).toBeGreaterThanOrEqual(0n);
    expect(at - time!).toBeLessThan(precision);
  });

  it('have one time line for interfaces of different clocks', async () => {
    const at = startNs + 2_000_000n;
    const section = new Section()
      .interface()
      .interface({ resolution: 9, offsetSeconds: 1_000_000_000n })
      .packet({ data: syn, unixNs: startNs })
      .packet({ data: hello, unixNs: at, interfaceId: 1 })
      .packet({ data: world, unixNs: at + 1000n });
    expect(await times(section.done())).toEqual([at, at + 1000n]);
  });

  it('may hold old and simple packets', async () => {
    const file = new Section().interface().oldPacket({ data: syn, unixNs: startNs });
    file.simplePacket(hello).oldPacket({ data: world, unixNs: startNs });
    expect(await texts(file.done())).toEqual(['hello world']);
  });

  it('cut simple packets to the snaplen of their interface', async () => {
    const snaplen = hello.length - 2;
    const file = new Section().interface({ snaplen }).packet({ data: syn, unixNs: startNs });
    file.simplePacket(hello.subarray(0, snaplen), hello.length);
    const { collected, stats } = await collect(file.done());
    expect(collected.connections[0]?.text('in')).toBe('hel[2]');
    expect(stats.tcp.cutBytes).toBe(2);
  });

  it('may hold anything else, of any size', async () => {
    const file = new Section().block(0x0bad, Buffer.alloc(3)).interface();
    file.packet({ data: syn, unixNs: startNs }).block(0x4000_0bad, Buffer.alloc(17 * 1024 * 1024));
    expect(await texts(file.packet({ data: hello, unixNs: startNs }).done())).toEqual(['hello ']);
  });

  it('may have several sections, each with its interfaces and byte order', async () => {
    const first = new Section(true).interface({ linkType: 228 }).interface();
    first.packet({ data: syn, unixNs: startNs, interfaceId: 1 });
    const second = new Section(false).interface().packet({ data: hello, unixNs: startNs });
    expect(await texts(Buffer.concat([first.done(), second.done()]))).toEqual(['hello ']);
  });

  it('count packets of an interface that is not read', async () => {
    const file = new Section().interface({ linkType: 189 }).interface();
    file.packet({ data: syn, unixNs: startNs, interfaceId: 1 });
    file.packet({ data: Buffer.alloc(64), unixNs: startNs });
    file.packet({ data: hello, unixNs: startNs, interfaceId: 1 });
    const { collected, stats } = await collect(file.done());
    expect(collected.connections[0]?.text('in')).toBe('hello');
    expect(stats.leftOut).toEqual({ 'link-type': { packets: 1, bytes: 64 } });
  });

  it('without another interface are refused by name', async () => {
    const file = new Section().interface({ linkType: 189 });
    const bytes = file.packet({ data: Buffer.alloc(64), unixNs: startNs }).done();
    await expect(PcapSource.open([bytes])).rejects.toMatchObject({
      code: 'ERR_CAPTURE_LINK_TYPE',
      message: expect.stringContaining('USB_LINUX') as string,
    });
  });

  it.each([
    ['a packet of an unknown interface', new Section().packet({ data: syn, unixNs: 0n }).done()],
    [
      'a block too short for what it is',
      new Section().interface().block(6, Buffer.alloc(8)).done(),
    ],
    ['a packet longer than its block', longerThanItsBlock()],
    ['two lengths of a block', twoLengths()],
    ['a length that is no multiple of four', oddLength()],
    ['an unknown byte order', unknownByteOrder()],
    ['interfaces without end', manyInterfaces()],
  ])('with %s are refused', async (_, file) => {
    await expect(collect(file)).rejects.toMatchObject({
      code: 'ERR_CAPTURE_FORMAT',
      message: expect.stringMatching(/at byte \d+/) as string,
      remedy: expect.any(String) as string,
    });
  });
});

function longerThanItsBlock(): Buffer {
  const file = new Section().interface().packet({ data: syn, unixNs: startNs }).done();
  const at = file.lastIndexOf(syn) - 8;
  file.writeUInt32LE(syn.length + 100, at);
  return file;
}

function twoLengths(): Buffer {
  const file = new Section().interface().packet({ data: syn, unixNs: startNs }).done();
  file.writeUInt32LE(4, file.length - 4);
  return file;
}

function oddLength(): Buffer {
  const file = new Section().interface().done();
  file.writeUInt32LE(file.readUInt32LE(32) + 1, 32);
  return file;
}

function manyInterfaces(): Buffer {
  const section = new Section().done();
  const one = new Section().interface().done().subarray(section.length);
  return Buffer.concat([section, ...Array<Buffer>(65_537).fill(one)]);
}

function unknownByteOrder(): Buffer {
  const file = new Section().done();
  file.writeUInt32LE(0x1234_5678, 8);
  return file;
}

describe('a capture', () => {
  const files: [string, Buffer][] = [
    ['pcap', pcapFile(packets)],
    ['pcapng', pcapngFile(packets)],
  ];

  it.each(files)('that ends inside a packet is read up to there (%s)', async (_, file) => {
    for (let cut = 1; cut < 75; cut++) {
      const { collected, stats } = await collect(file.subarray(0, file.length - cut));
      expect(collected.connections[0]?.text('in')).toBe('hello');
      expect(collected.finished).toBe(1);
      expect(stats.truncated).toBe(stats.packets < 3 && file.length - cut > endOf(file, 2));
    }
    expect((await collect(file)).stats.truncated).toBe(false);
  });

  it.each(files)('may come in pieces of any size (%s)', async (_, file) => {
    for (const size of [1, 2, 3, 7, 64, 100]) {
      const pieces: Buffer[] = [];
      for (let at = 0; at < file.length; at += size) pieces.push(file.subarray(at, at + size));
      const { collected, stats } = await collect(pieces);
      expect(collected.connections[0]?.text('in')).toBe('hello');
      expect(collected.connections[0]?.text('out')).toBe('world');
      expect(stats).toMatchObject({ packets: 3, truncated: false });
    }
  });

  it.each(files)('may be gzip (%s)', async (_, file) => {
    expect(await texts(gzipSync(file))).toEqual(['hello world']);
    const pieces = [...gzipSync(file)].map((byte) => Buffer.from([byte]));
    expect((await collect(pieces)).stats.packets).toBe(3);
  });

  it('that ends inside its compression is read up to there', async () => {
    const zipped = gzipSync(pcapFile(packets), { level: 0 });
    const { collected, stats } = await collect(zipped.subarray(0, zipped.length - 40));
    expect(collected.connections[0]?.text('in')).toBe('hello');
    expect(stats.truncated).toBe(true);
  });

  it('whose compression is damaged in the middle is read up to there', async () => {
    const many = Array.from({ length: 20_000 }, (_, i) => ({
      data: packetOf('client', { sequence: 100 + i * 5, acknowledgment: 500, payload: 'hello' }),
    }));
    const zipped = gzipSync(pcapFile(many));
    for (const cut of [zipped.length - 1, zipped.length >> 1]) {
      const { stats } = await collect(zipped.subarray(0, cut));
      expect(stats.truncated).toBe(true);
      expect(stats.packets / many.length).toBeCloseTo(cut / zipped.length, 1);
    }
    zipped.fill(0xff, zipped.length >> 1);
    const source = await PcapSource.open([zipped]);
    await expect(source.run(new Collected())).rejects.toMatchObject({ code: 'ERR_FILE_READ' });
    expect(source.stats().packets / many.length).toBeGreaterThan(0.4);
  });

  it('whose compression is damaged says so', async () => {
    const zipped = gzipSync(pcapFile(packets), { level: 0 });
    zipped[zipped.length - 5]! ^= 1;
    await expect(collect(zipped)).rejects.toMatchObject({
      code: 'ERR_FILE_READ',
      cause: { code: 'Z_DATA_ERROR' },
    });
  });

  it('is given back when it is not read', async () => {
    let returned = false;
    async function* input(): AsyncGenerator<Buffer> {
      try {
        for (;;) yield await Promise.resolve(pcapFile(packets));
      } finally {
        returned = true;
      }
    }
    await (await PcapSource.open(input())).close();
    expect(returned).toBe(true);
  });

  it('is read from a file', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'libtrace-pcap-'));
    try {
      const path = join(folder, 'test.pcap');
      writeFileSync(path, pcapFile(packets));
      const { collected } = await collect(path);
      expect(collected.connections[0]?.text('out')).toBe('world');
      await expect(collect(join(folder, 'none.pcap'))).rejects.toMatchObject({
        code: 'ERR_FILE_READ',
        cause: { code: 'ENOENT' },
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it.each([
    ['empty', '', '0 bytes'],
    ['too short', 'd4c3', '2 bytes'],
    ['text', Buffer.from('GET / HTTP/1.1').toString('hex'), '474554202f204854'],
    ['zstd', '28b52ffd00000000', 'zstd'],
    ['snoop', '736e6f6f7000000000', 'snoop'],
  ])('is no file that is %s', async (_, hex, message) => {
    await expect(PcapSource.open([Buffer.from(hex, 'hex')])).rejects.toMatchObject({
      code: 'ERR_CAPTURE_FORMAT',
      message: expect.stringContaining(message) as string,
      remedy: expect.any(String) as string,
    });
  });

  it('with times that cannot be has the time of the packet before', async () => {
    const file = new Section()
      .interface({ resolution: 0 })
      .packet({ data: syn, unixNs: startNs })
      .packet({ data: hello, unixNs: 300_000_000_000n * 1_000_000_000n })
      .done();
    const { stats, collected } = await collect(file);
    expect(stats.invalidTimes).toBe(1);
    expect(collected.connections[0]?.segments[0]?.startNs).toBe(0);
  });

  it('lets time pass every 100 ms at most', async () => {
    const file = pcapFile(
      [0n, 50n, 100n, 120n, 3_600_000n].map((ms) => ({
        data: hello,
        unixNs: startNs + ms * 1_000_000n,
      })),
    );
    expect((await collect(file)).collected.ticks).toEqual([100e6, 3_600_000e6]);
  });

  it('refuses bounds that cannot be', async () => {
    await expect(PcapSource.open([pcapFile([])], { maxConnections: 0 })).rejects.toMatchObject({
      code: 'ERR_OPTION_INVALID',
    });
  });
});

/** Where the packet with this index ends in the file. */
function endOf(file: Buffer, count: number): number {
  const isNg = file[0] === 0x0a;
  const data = [syn, hello, world][count - 1]!;
  const behind = file.indexOf(data) + data.length;
  return isNg ? behind + ((4 - (data.length % 4)) % 4) + 16 : behind;
}
