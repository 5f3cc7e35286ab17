// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { pcapFile, startNs, type TestPacket } from './capture-files.test-support.js';
import { collect, type Collected } from './collected.test-support.js';
import { client, ipv4, ipv6, server, tcp, udp, u16 } from './packets.test-support.js';
import type { PcapStats } from './pcap-stats.js';

const to = { source: client, destination: server };
const to6 = { source: 'fe80::2', destination: 'fe80::1' };

function segment(payload: string | Buffer): Buffer {
  return tcp({ sourcePort: 1000, destinationPort: 80, sequence: 7, payload });
}

/** Reads IP packets; returns what the first connection's client sent. */
async function read(
  packets: readonly (Buffer | TestPacket)[],
): Promise<{ text: string | undefined; stats: PcapStats; collected: Collected }> {
  const file = packets.map((each) => (Buffer.isBuffer(each) ? { data: each } : each));
  const { collected, stats } = await collect(pcapFile(file, { linkType: 101 }));
  return { text: collected.connections[0]?.text('in'), stats, collected };
}

/** An IPv4 packet in fragments that begin at these offsets. */
function fragments4(payload: Buffer, starts: readonly number[], identification = 5): Buffer[] {
  return starts.map((start, i) =>
    ipv4(payload.subarray(start, starts[i + 1]), to, {
      identification,
      fragmentOffset: start,
      moreFragments: i + 1 < starts.length,
    }),
  );
}

function fragment6(payload: Buffer, start: number, end: number, identification = 5): Buffer {
  const more = end < payload.length ? 1 : 0;
  const header = Buffer.concat([Buffer.from([6, 0]), u16(start | more, 0, identification)]);
  return ipv6(Buffer.concat([header, payload.subarray(start, end)]), to6, 44);
}

const text = 'The quick brown fox jumps over the lazy dog and so on.';
const whole = segment(text);

describe('IPv4', () => {
  it('may have options', async () => {
    expect((await read([ipv4(whole, to, { options: 40 })])).text).toBe(text);
  });

  it('has its length from the header: what follows is padding', async () => {
    expect((await read([Buffer.concat([ipv4(whole, to), Buffer.alloc(9, 0x40)])])).text).toBe(text);
  });

  it('has the length on the wire when the header cannot say (segmentation offload)', async () => {
    const payload = Buffer.alloc(70_000, 'x');
    const { text: read70k } = await read([ipv4(segment(payload), to, { totalLength: 0 })]);
    expect(read70k).toBe(payload.toString());
  });

  it('that the capture cut is read up to there', async () => {
    const data = ipv4(whole, to);
    const { text: cut, stats } = await read([
      { data: data.subarray(0, data.length - 10), wireLength: data.length },
    ]);
    expect(cut).toBe(`${text.slice(0, -10)}[10]`);
    expect(stats.tcp).toMatchObject({ bytes: text.length - 10, cutBytes: 10 });
  });

  it('that the capture cut inside the header of TCP has no bytes', async () => {
    const data = ipv4(
      tcp({ sourcePort: 1, destinationPort: 2, sequence: 7, options: 12, payload: 'abc' }),
      to,
    );
    const { text: cut } = await read([{ data: data.subarray(0, 42), wireLength: data.length }]);
    expect(cut).toBe('[3]');
  });

  it.each([
    [
      'a header shorter than 20 bytes',
      Buffer.concat([Buffer.from([0x44]), ipv4(whole, to).subarray(1)]),
    ],
    ['a total length inside its header', ipv4(whole, to, { totalLength: 19 })],
    [
      'a TCP header longer than the packet',
      ipv4(Buffer.from(whole).subarray(0, 20).fill(0xf0, 12, 13), to),
    ],
    [
      'a TCP header shorter than 20 bytes',
      ipv4(Buffer.from(whole).subarray(0, 20).fill(0x40, 12, 13), to),
    ],
    ['half a UDP header', ipv4(Buffer.alloc(4), to, { protocol: 17 })],
    ['a UDP length beyond the packet', ipv4(udp(1, 2, 'abc', 12), to, { protocol: 17 })],
    ['a UDP length below 8', ipv4(udp(1, 2, 'abc', 7), to, { protocol: 17 })],
  ])('with %s is counted', async (_, data) => {
    const { stats, collected } = await read([Buffer.from(data)]);
    expect(stats.leftOut).toEqual({ malformed: { packets: 1, bytes: data.length } });
    expect(collected.connections).toEqual([]);
  });

  it('with neither TCP nor UDP is counted', async () => {
    const { stats } = await read([ipv4(Buffer.alloc(8), to, { protocol: 1 })]);
    expect(stats.leftOut).toEqual({ 'other-transport': { packets: 1, bytes: 28 } });
  });
});

describe('IPv6', () => {
  it('may have extension headers', async () => {
    const extensions = Buffer.concat([
      // Hop by hop, destination options, routing, authentication.
      Buffer.from([60, 0, 1, 4, 0, 0, 0, 0]),
      Buffer.from([43, 1, ...Array<number>(14).fill(0)]),
      Buffer.from([51, 0, ...Array<number>(6).fill(0)]),
      Buffer.from([6, 1, ...Array<number>(10).fill(0)]),
    ]);
    const packet = ipv6(Buffer.concat([extensions, whole]), to6, 0);
    expect((await read([packet])).text).toBe(text);
  });

  it('has the length on the wire when it is a jumbogram', async () => {
    const payload = Buffer.alloc(70_000, 'x');
    const jumbo = Buffer.from([6, 0, 0xc2, 4, 0, 1, 0x11, 0x84]);
    const packet = ipv6(Buffer.concat([jumbo, segment(payload)]), to6, 0, 0);
    expect((await read([packet])).text).toBe(payload.toString());
  });

  it('with extension headers that never end is counted', async () => {
    const packet = ipv6(Buffer.alloc(800), to6, 0);
    expect((await read([packet])).stats.leftOut).toEqual({ malformed: { packets: 1, bytes: 840 } });
  });

  it('in fragments is put together', async () => {
    const parts = [fragment6(whole, 40, 74), fragment6(whole, 0, 24), fragment6(whole, 24, 40)];
    const { text: put, collected } = await read(parts);
    expect(put).toBe(text);
    expect(collected.connections[0]?.info.remote.address).toBe('fe80::2');
  });

  it('in one fragment is whole (RFC 6946)', async () => {
    expect((await read([fragment6(whole, 0, whole.length)])).text).toBe(text);
    const fragment = Buffer.from([60, 0, 0, 0, 0, 0, 0, 9]);
    const options = Buffer.from([6, 0, 1, 4, 0, 0, 0, 0]);
    const packet = ipv6(Buffer.concat([fragment, options, whole]), to6, 44);
    expect((await read([packet])).text).toBe(text);
  });
});

describe('fragments of IPv4', () => {
  const orders: [string, number[]][] = [
    ['in order', [0, 1, 2, 3]],
    ['backwards', [3, 2, 1, 0]],
    ['mixed', [2, 0, 3, 1]],
    ['twice', [0, 1, 1, 0, 2, 3]],
  ];
  it.each(orders)('are put together %s', async (_, order) => {
    const parts = fragments4(whole, [0, 8, 32, 56]);
    const { text: put, stats } = await read(order.map((i) => parts[i]!));
    expect(put).toBe(text);
    expect(stats.leftOut).toEqual({});
  });

  it('may overlap: the first copy wins', async () => {
    const liar = ipv4(Buffer.alloc(48, 'X'), to, {
      identification: 5,
      fragmentOffset: 24,
      moreFragments: true,
    });
    const [first, second, third] = fragments4(whole, [0, 32, 56]);
    const { text: put } = await read([second!, liar, first!, third!]);
    // Offsets 24 to 32 came with the liar first, before those of the first fragment.
    expect(put).toBe(`${text.slice(0, 4)}XXXXXXXX${text.slice(12)}`);
  });

  it('of different packets are told apart', async () => {
    const other = tcp({
      sourcePort: 1001,
      destinationPort: 80,
      sequence: 7,
      payload: 'other payload',
    });
    const one = fragments4(whole, [0, 32], 1);
    const two = fragments4(other, [0, 24], 2);
    const { collected } = await read([one[0]!, two[0]!, two[1]!, one[1]!]);
    expect(collected.connections.map((each) => each.text('in'))).toEqual(['other payload', text]);
  });

  it('cut by the capture leave a hole', async () => {
    const [first, second] = fragments4(whole, [0, 32]);
    const { text: put } = await read([
      { data: first!.subarray(0, 44), wireLength: first!.length },
      second!,
    ]);
    // 44 captured bytes: IP and TCP headers, and 4 of the payload.
    expect(put).toBe(`${text.slice(0, 4)}[${text.length - 4}]`);
  });

  it('that lack one are counted when the capture ends, or after 30 seconds', async () => {
    const [first, , third] = fragments4(whole, [0, 32, 56]);
    const bytes = first!.length + third!.length;
    const counted = { 'incomplete-fragments': { packets: 2, bytes } };
    expect((await read([first!, third!])).stats.leftOut).toEqual(counted);
    const later = startNs + 31_000_000_000n;
    const [, second] = fragments4(whole, [0, 32, 56]);
    const late = await read([first!, third!, { data: second!, unixNs: later }]);
    expect(late.stats.leftOut['incomplete-fragments']?.packets).toBe(3);
    expect(late.collected.connections).toEqual([]);
  });

  it('that cannot be are counted', async () => {
    const beyond = ipv4(Buffer.alloc(100), to, { fragmentOffset: 65_528 });
    const ends = [0, 8].map((start) =>
      ipv4(Buffer.alloc(24), to, { identification: 9, fragmentOffset: start + 8 }),
    );
    const { stats, collected } = await read([beyond, ...ends]);
    expect(stats.leftOut).toEqual({ 'incomplete-fragments': { packets: 3, bytes: 208 } });
    expect(collected.connections).toEqual([]);
  });

  it('are kept within bounds', async () => {
    const payload = Buffer.alloc(1480);
    const many = Array.from({ length: 20_000 }, (_, i) => ({
      data: ipv4(payload, to, { identification: i & 0xffff, moreFragments: true }),
      unixNs: startNs,
    }));
    const { stats } = await read(many);
    expect(stats.leftOut['incomplete-fragments']?.packets).toBe(20_000);
  });
});
