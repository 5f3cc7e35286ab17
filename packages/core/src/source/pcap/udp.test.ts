// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { pcapFile, Section, startNs, type TestPacket } from './capture-files.test-support.js';
import { collect, type Collected } from './collected.test-support.js';
import { client, ethernet, ipv4, ipv6, server, u16, udp } from './packets.test-support.js';
import type { PcapStats } from './pcap-stats.js';

const ask = { source: client, destination: server };
const answer = { source: server, destination: client };

function question(payload: string, identification = 0): Buffer {
  return ipv4(udp(5000, 53, payload), ask, { protocol: 17, identification });
}

function reply(payload: string, identification = 0): Buffer {
  return ipv4(udp(53, 5000, payload), answer, { protocol: 17, identification });
}

async function read(
  packets: readonly TestPacket[],
  linkType = 101,
): Promise<{ collected: Collected; stats: PcapStats }> {
  return collect(pcapFile(packets, { linkType }));
}

describe('UDP', () => {
  it('is a connection for each pair of addresses and ports, a segment for each datagram', async () => {
    const other = ipv4(udp(5001, 53, 'other'), ask, { protocol: 17 });
    const { collected, stats } = await read([
      { data: question('one') },
      { data: reply('1') },
      { data: other },
      { data: question('two') },
      { data: reply('22') },
    ]);
    const [first, second] = collected.connections;
    expect(first?.info).toEqual({
      id: 1,
      transport: 'udp',
      role: 'unknown',
      local: { address: server, port: 53 },
      remote: { address: client, port: 5000 },
      midstream: false,
      likelyRequests: 'in',
    });
    expect(first?.order).toEqual(['<one', '>1', '<two', '>22']);
    expect(first?.segments.map((each) => [each.position, each.oppositePosition])).toEqual([
      [0, 0],
      [0, 3],
      [3, 1],
      [1, 6],
    ]);
    expect(second?.order).toEqual(['<other']);
    expect(stats.udp).toEqual({
      datagrams: 5,
      conversations: 2,
      bytes: 14,
      cutBytes: 0,
      duplicates: 0,
      evictedConversations: 0,
    });
  });

  it('goes over IPv6', async () => {
    const to = { source: 'fe80::2', destination: 'fe80::1' };
    const { collected } = await read([{ data: ipv6(udp(5000, 53, 'six'), to, 17) }]);
    expect(collected.connections[0]?.text('in')).toBe('six');
  });

  it('ends with its stated length: what follows is padding', async () => {
    const data = ipv4(udp(5000, 53, 'one#####', 11), ask, { protocol: 17 });
    expect((await read([{ data }])).collected.connections[0]?.text('in')).toBe('one');
  });

  it('cut by the capture is a hole', async () => {
    const data = question('question');
    const { collected, stats } = await read([
      { data: data.subarray(0, data.length - 5), wireLength: data.length },
    ]);
    expect(collected.connections[0]?.text('in')).toBe('que[5]');
    expect(stats.udp).toMatchObject({ bytes: 3, cutBytes: 5 });
  });

  it('without bytes is counted', async () => {
    const { collected, stats } = await read([{ data: question('') }]);
    expect(collected.connections[0]?.segments).toEqual([]);
    expect(stats.udp.datagrams).toBe(1);
  });

  it('is forgotten after a minute of silence', async () => {
    const { collected, stats } = await read([
      { data: question('one') },
      { data: question('two'), unixNs: startNs + 59_000_000_000n },
      { data: question('three'), unixNs: startNs + 118_000_000_000n },
      { data: reply('other'), unixNs: startNs + 180_000_000_000n },
      { data: question('four'), unixNs: startNs + 180_000_000_000n },
    ]);
    expect(collected.connections.map((each) => each.order)).toEqual([
      // The packet that makes time pass still belongs to it.
      ['<one', '<two', '<three', '>other', '<four'],
    ]);
    const dns = ipv4(udp(1, 2, 'x'), ask, { protocol: 17 });
    const silent = await read([
      { data: question('one') },
      { data: dns, unixNs: startNs + 61_000_000_000n },
      { data: question('two'), unixNs: startNs + 62_000_000_000n },
    ]);
    expect(silent.collected.connections.map((each) => each.order)).toEqual([
      ['<one'],
      ['<x'],
      ['<two'],
    ]);
    expect(silent.collected.connections[0]?.closed).toEqual({ in: 3, out: 0, ended: false });
    expect(stats.udp.evictedConversations).toBe(0);
  });

  it('beyond the bound is forgotten, least recently used first', async () => {
    const from = (port: number): TestPacket => ({
      data: ipv4(udp(port, 53, 'x'), ask, { protocol: 17, identification: port }),
    });
    const file = pcapFile([from(1), from(2), from(1), from(3), from(1)], { linkType: 101 });
    const { collected, stats } = await collect(file, { maxConnections: 2 });
    expect(collected.connections.map((each) => each.text('in'))).toEqual(['x', 'x', 'x']);
    expect(stats.udp).toMatchObject({ evictedConversations: 1, duplicates: 2 });
  });
});

describe('a datagram captured twice', () => {
  const soon = 10_000n;
  const cooked = (type: number, ip: Buffer): Buffer =>
    Buffer.concat([u16(type, 1, 6), Buffer.alloc(8), u16(0x0800), ip]);

  it.each([
    ['on two interfaces', 0],
    ['on two interfaces, numbered', 7],
  ])('%s counts once', async (_, identification) => {
    const data = ethernet(question('one', identification));
    const file = new Section()
      .interface({ resolution: 9 })
      .interface({ resolution: 9 })
      .packet({ data, unixNs: startNs, interfaceId: 0 })
      .packet({ data, unixNs: startNs + soon, interfaceId: 1 });
    const { collected, stats } = await collect(file.done());
    expect(collected.connections[0]?.text('in')).toBe('one');
    expect(stats.udp).toMatchObject({ datagrams: 1, duplicates: 1 });
  });

  it('on its way in and out counts once', async () => {
    const { stats } = await read(
      [
        { data: cooked(4, question('one')), unixNs: startNs },
        { data: cooked(0, question('one')), unixNs: startNs + soon },
      ],
      113,
    );
    expect(stats.udp).toMatchObject({ datagrams: 1, duplicates: 1 });
  });

  it('on one interface, by a mirrored port, counts once', async () => {
    const { stats } = await read([
      { data: question('one', 7), unixNs: startNs },
      { data: question('one', 7), unixNs: startNs + soon },
    ]);
    expect(stats.udp).toMatchObject({ datagrams: 1, duplicates: 1 });
  });

  it.each([
    ['later', question('one', 7), 20_000_000n],
    ['with another number', question('one', 8), soon],
    ['with other bytes', question('two', 7), soon],
    ['the other way', reply('one', 7), soon],
  ])('is another one %s', async (_, data, after) => {
    const { stats } = await read([
      { data: question('one', 7), unixNs: startNs },
      { data, unixNs: startNs + after },
    ]);
    expect(stats.udp).toMatchObject({ datagrams: 2, duplicates: 0 });
  });

  it('is another one on the same interface when senders do not number', async () => {
    const data = ethernet(question('one'));
    const file = new Section().interface({ resolution: 9 }).interface({ resolution: 9 });
    for (const interfaceId of [0, 1, 0, 1, 0]) file.packet({ data, unixNs: startNs, interfaceId });
    const { stats } = await collect(file.done());
    expect(stats.udp).toMatchObject({ datagrams: 3, duplicates: 2 });
  });
});
