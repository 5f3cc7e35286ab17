// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { pcapFile } from './capture-files.test-support.js';
import { collect } from './collected.test-support.js';
import {
  client,
  ethernet,
  etherTypeOf,
  ipv4,
  ipv6,
  server,
  tcp,
  u16,
} from './packets.test-support.js';

const segment = tcp({
  sourcePort: 1000,
  destinationPort: 80,
  sequence: 7,
  acknowledgment: 1,
  payload: 'payload',
});
const version4 = ipv4(segment, { source: client, destination: server });
const version6 = ipv6(segment, { source: '2001:db8::2', destination: '2001:db8::1' });

async function read(
  data: Buffer,
  linkType: number,
): Promise<{ text: string | undefined; remote: unknown; leftOut: object }> {
  const { collected, stats } = await collect(pcapFile([{ data }], { linkType }));
  const [connection] = collected.connections;
  return {
    text: connection?.text('in'),
    remote: connection?.info.remote,
    leftOut: stats.leftOut,
  };
}

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');
const after = (start: Buffer) => (ip: Buffer) => Buffer.concat([start, ip]);
const cooked = (type: (ip: Buffer) => number) => (ip: Buffer) =>
  Buffer.concat([u16(0, 1, 6), Buffer.alloc(8), u16(type(ip)), ip]);
const cooked2 = (ip: Buffer): Buffer =>
  Buffer.concat([u16(etherTypeOf(ip), 0, 0, 3, 1), hex('00 06'), Buffer.alloc(8), ip]);
const pppType = (ip: Buffer): Buffer => u16(ip[0]! >> 4 === 6 ? 0x57 : 0x21);
const family = (six: number, littleEndian: boolean) => (ip: Buffer) => {
  const value = Buffer.from([0, 0, 0, ip[0]! >> 4 === 6 ? six : 2]);
  return Buffer.concat([littleEndian ? value.reverse() : value, ip]);
};
const mpls = (ip: Buffer): Buffer =>
  Buffer.concat([Buffer.alloc(12), u16(0x8847), hex('00 01 00 40 00 02 01 40'), ip]);
const snap = (ip: Buffer): Buffer =>
  Buffer.concat([
    Buffer.alloc(12),
    u16(ip.length + 8),
    hex('aaaa03 000000'),
    u16(etherTypeOf(ip)),
    ip,
  ]);
const pppoe = (ip: Buffer): Buffer =>
  Buffer.concat([Buffer.alloc(12), u16(0x8864, 0x1100, 1, ip.length + 2), pppType(ip), ip]);

const links: [string, number, (ip: Buffer) => Buffer][] = [
  ['Ethernet', 1, (ip) => ethernet(ip)],
  ['Ethernet with padding', 1, (ip) => Buffer.concat([ethernet(ip), Buffer.alloc(18, 0x50)])],
  ['802.1Q', 1, (ip) => ethernet(ip, [0x8100, 5])],
  ['QinQ', 1, (ip) => ethernet(ip, [0x88a8, 5, 0x8100, 6])],
  ['QinQ of old', 1, (ip) => ethernet(ip, [0x9100, 5, 0x8100, 6])],
  ['802.2 SNAP', 1, snap],
  ['MPLS', 1, mpls],
  ['PPPoE', 1, pppoe],
  ['raw (101)', 101, (ip) => ip],
  ['raw (12)', 12, (ip) => ip],
  ['raw (14)', 14, (ip) => ip],
  ['loopback of Linux', 0, family(10, true)],
  ['loopback of FreeBSD', 0, family(28, true)],
  ['loopback of macOS', 0, family(30, true)],
  ['loopback of NetBSD', 0, family(24, true)],
  ['loopback of a big-endian machine', 0, family(24, false)],
  ['loopback in network byte order', 108, family(24, false)],
  ['Linux cooked', 113, cooked(etherTypeOf)],
  ['Linux cooked 2', 276, cooked2],
  ['PPP', 9, (ip) => Buffer.concat([pppType(ip), ip])],
  ['PPP with HDLC', 50, (ip) => Buffer.concat([hex('ff 03'), pppType(ip), ip])],
  ['PPP, compressed', 9, (ip) => Buffer.concat([pppType(ip).subarray(1), ip])],
];

describe('packets', () => {
  it.each(links)('of %s are read', async (_, linkType, wrap) => {
    expect(await read(wrap(version4), linkType)).toEqual({
      text: 'payload',
      remote: { address: client, port: 1000 },
      leftOut: {},
    });
    expect(await read(wrap(version6), linkType)).toEqual({
      text: 'payload',
      remote: { address: '2001:db8::2', port: 1000 },
      leftOut: {},
    });
  });

  it('of IPv4 only or IPv6 only links are read', async () => {
    expect((await read(version4, 228)).text).toBe('payload');
    expect((await read(version6, 229)).text).toBe('payload');
  });

  it('of Linux cooked may be tagged', async () => {
    const tagged = after(u16(5, 0x0800))(version4);
    const packet = cooked(() => 0x8100)(tagged);
    expect((await read(packet, 113)).text).toBe('payload');
  });

  it.each<[string, number, Buffer]>([
    ['ARP', 1, Buffer.concat([Buffer.alloc(12), u16(0x0806), Buffer.alloc(28)])],
    [
      'spanning tree',
      1,
      Buffer.concat([Buffer.alloc(12), u16(38), hex('424203'), Buffer.alloc(35)]),
    ],
    [
      'a pseudowire',
      1,
      Buffer.concat([Buffer.alloc(12), u16(0x8847), hex('00010140'), Buffer.alloc(60)]),
    ],
    ['endless tags', 1, Buffer.concat([Buffer.alloc(12), u16(...Array<number>(200).fill(0x8100))])],
    ['endless labels', 1, Buffer.concat([Buffer.alloc(12), u16(0x8847), Buffer.alloc(200)])],
    ['PPP control', 9, hex('c021 0101 0004')],
    ['another address family', 0, hex('07000000 00000000')],
    ['raw, but no IP', 101, hex('00 00 00 00')],
  ])('without IP are counted: %s', async (_, linkType, data) => {
    const { leftOut } = await read(data, linkType);
    expect(leftOut).toEqual({ 'not-ip': { packets: 1, bytes: data.length } });
  });

  it.each(links)('of %s that are cut short are counted', async (_, linkType, wrap) => {
    for (const ip of [version4, version6]) {
      const whole = wrap(ip);
      const payloadAt = whole.indexOf('payload');
      for (let length = 0; length < payloadAt - segment.length + 7 + 20; length++) {
        const { text, leftOut } = await read(whole.subarray(0, length), linkType);
        expect(text).toBeUndefined();
        expect(leftOut).toEqual({ malformed: { packets: 1, bytes: length } });
      }
    }
  });
});
