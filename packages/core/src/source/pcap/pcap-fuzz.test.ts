// SPDX-License-Identifier: Apache-2.0
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LibtraceError } from '../../errors.js';
import type { TraceRecord } from '../../model/index.js';
import { Pipeline } from '../../stream/index.js';
import { toyMessage, toyProtocol } from '../../stream/toy-protocol.test-support.js';
import { pcapFile, pcapngFile, Section, startNs } from './capture-files.test-support.js';
import { Collected } from './collected.test-support.js';
import { Dialogue } from './dialogue.test-support.js';
import { ipv4, ipv6, packetOf, udp } from './packets.test-support.js';
import { PcapSource } from './pcap-source.js';

const runs = Number(process.env['LIBTRACE_FUZZ_RUNS'] ?? 1500);

const dialogue = new Dialogue()
  .handshake()
  .client(toyMessage('Q', 1, 200), { at: 0, ack: 0 })
  .server(toyMessage('S', 1, 30), { at: 0, ack: 218 })
  .client(toyMessage('Q', 2, 0), { at: 236, ack: 48 })
  .client(toyMessage('Q', 2, 0), { at: 218, ack: 48, flags: 'FA' })
  .server('', { at: 48, ack: 255, flags: 'FA' });
const ends = { source: 'fe80::1', destination: 'fe80::2' };
const datagram = ipv6(udp(1, 2, 'datagram'), ends, 17);
const v4 = { source: '10.0.0.1', destination: '10.0.0.2' };
const pieces = [0, 8].map((fragmentOffset) =>
  ipv4(Buffer.alloc(16 + fragmentOffset), v4, {
    protocol: 17,
    fragmentOffset,
    moreFragments: fragmentOffset === 0,
  }),
);
const mixed = new Section()
  .interface()
  .interface({ linkType: 101, resolution: 0x8a, offsetSeconds: 5n })
  .packet({ data: dialogue.packets[3]!.data, unixNs: startNs })
  .packet({ data: datagram, unixNs: startNs, interfaceId: 1 })
  .packet({ data: pieces[0]!, unixNs: startNs, interfaceId: 1 })
  .packet({ data: pieces[1]!, unixNs: startNs, interfaceId: 1 })
  .block(77, Buffer.alloc(20))
  .oldPacket({ data: dialogue.packets[4]!.data, unixNs: startNs })
  .simplePacket(dialogue.packets[5]!.data)
  .done();
const files: readonly Buffer[] = [
  pcapFile(dialogue.packets),
  pcapFile(dialogue.packets, { littleEndian: false, nanoseconds: true }),
  pcapngFile(dialogue.packets),
  mixed,
  gzipSync(pcapFile(dialogue.packets)),
];

/** Reads damaged bytes: into a strict observer, and into a pipeline. Only typed errors may come out. */
async function read(file: Buffer, size: number): Promise<void> {
  const chunks: Buffer[] = [];
  for (let at = 0; at < file.length; at += size) chunks.push(file.subarray(at, at + size));
  const records: TraceRecord[] = [];
  try {
    const source = await PcapSource.open(chunks);
    await source.run(new Collected());
  } catch (error) {
    if (!(error instanceof LibtraceError)) throw error;
    expect(error.remedy).toBeTypeOf('string');
  }
  try {
    const source = await PcapSource.open(chunks);
    const pipeline = new Pipeline({
      plugins: [toyProtocol()],
      source: 'pcap',
      wallClockOffsetNs: source.wallClockOffsetNs,
      onRecord: (record) => records.push(record),
    });
    await source.run(pipeline);
  } catch (error) {
    if (!(error instanceof LibtraceError)) throw error;
  }
  for (const record of records) JSON.stringify(record);
}

const interesting = fc.oneof(fc.constantFrom(0, 1, 4, 0x7f, 0x80, 0xff), fc.nat(255));
const damage = fc.record({
  file: fc.nat(files.length - 1),
  bytes: fc.array(fc.tuple(fc.nat(4000), interesting), { maxLength: 8 }),
  words: fc.array(fc.tuple(fc.nat(1000), fc.nat(0xffff_ffff)), { maxLength: 2 }),
  cut: fc.option(fc.nat(4000), { nil: undefined }),
  spliced: fc.option(fc.tuple(fc.nat(4000), fc.nat(4000)), { nil: undefined }),
  size: fc.integer({ min: 1, max: 5000 }),
});

describe('damaged captures', () => {
  it('yield typed errors at most', async () => {
    await fc.assert(
      fc.asyncProperty(damage, async ({ file, bytes, words, cut, spliced, size }) => {
        let broken = Buffer.from(files[file]!);
        for (const [at, value] of bytes) broken[at % broken.length] = value;
        for (const [at, value] of words) {
          broken.writeUInt32LE(value, Math.min(at * 4, broken.length - 4));
        }
        if (spliced !== undefined) {
          const [from, to] = spliced.map((at) => at % broken.length) as [number, number];
          broken = Buffer.concat([broken.subarray(0, from), broken.subarray(to)]);
        }
        await read(cut === undefined ? broken : broken.subarray(0, cut % broken.length), size);
      }),
      { numRuns: runs },
    );
  });

  it('of random packets keep what is kept within bounds', async () => {
    const field = fc.nat(0xffff_ffff);
    const packet = fc.record({
      from: fc.constantFrom('client' as const, 'server' as const),
      sequence: fc.oneof(field, fc.nat(3000)),
      acknowledgment: fc.option(fc.oneof(field, fc.nat(3000)), { nil: undefined }),
      flags: fc.constantFrom('', 'A', 'S', 'SA', 'FA', 'R', 'RA', 'FSRPA'),
      payload: fc.nat(300).map((length) => Buffer.alloc(length, 'x')),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(packet, { maxLength: 60 }), fc.nat(40), async (packets, ms) => {
        const file = pcapFile(
          packets.map(({ from, ...fields }, i) => ({
            data: packetOf(from, fields),
            unixNs: startNs + BigInt(i * ms) * 1_000_000n,
          })),
        );
        const collected = new Collected();
        const source = await PcapSource.open([file], { maxBufferedBytes: 2000 });
        await source.run(collected);
        const { tcp } = source.stats();
        const moved = packets.reduce((sum, { payload }) => sum + payload.length, 0);
        expect(tcp.bytes + tcp.duplicateBytes).toBeLessThanOrEqual(moved);
        expect(collected.finished).toBe(1);
      }),
      { numRuns: runs },
    );
  });

  it('of packets backwards take no more than time in proportion', async () => {
    const packets = Array.from({ length: 60_000 }, (_, i) => ({
      data: packetOf('client', { sequence: 2_000_000 - i * 2, acknowledgment: 1, payload: 'x' }),
      unixNs: startNs,
    }));
    const source = await PcapSource.open([pcapFile(packets)]);
    await source.run(new Collected());
    const { bytes, duplicateBytes } = source.stats().tcp;
    expect(bytes + duplicateBytes).toBe(60_000);
  });
});
