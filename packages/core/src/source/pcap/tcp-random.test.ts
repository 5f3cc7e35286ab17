// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pcapFile, startNs, type TestPacket } from './capture-files.test-support.js';
import { collect } from './collected.test-support.js';
import { packetOf } from './packets.test-support.js';

type Who = 'client' | 'server';

/** One packet of the conversation, as it was sent. */
interface Sent {
  readonly from: Who;
  readonly at: number;
  readonly text: string;
  readonly ack: number;
  readonly fin: boolean;
}

/** What happens to the conversation on its way into the file. */
interface Way {
  /** Lengths of the packets of each turn; the ends take turns. */
  readonly turns: readonly (readonly number[])[];
  /** Sequence numbers that the two streams begin with. */
  readonly isn: Readonly<Record<Who, number>>;
  /** How far packets may be moved back. */
  readonly window: number;
  readonly moves: readonly number[];
  /** Which packets come twice. */
  readonly twice: readonly number[];
  /** Retransmissions after a packet: how many bytes before its end, how many of them. */
  readonly again: readonly (readonly [number, number, number])[];
  /** Which packets are lost. */
  readonly lost: readonly number[];
}

const letters = 'abcdefghijklmnopqrstuvwxyz';

/** A file with packets 10 µs apart, and what of each stream is in it. */
function play(way: Way): { file: Buffer; turns: string[]; streams: Record<Who, string> } {
  const sent: Sent[] = [];
  const streams: Record<Who, string> = { client: '', server: '' };
  const turns: string[] = [];
  const other = { client: 'server', server: 'client' } as const;
  let letter = 0;
  way.turns.forEach((lengths, turn) => {
    const from: Who = turn % 2 === 0 ? 'client' : 'server';
    for (const length of lengths) {
      const text = Array.from({ length }, () => letters[letter++ % 26]).join('');
      const ack = streams[other[from]].length;
      sent.push({ from, at: streams[from].length, text, ack, fin: false });
      streams[from] += text;
      for (const [index, back, count] of way.again) {
        if (index % (way.turns.length * 3) !== sent.length) continue;
        const at = Math.max(0, streams[from].length - back);
        sent.push({ from, at, text: streams[from].slice(at, at + count), ack, fin: false });
      }
    }
    turns.push(
      sent
        .filter((each) => each.from === from)
        .map((each) => each.text)
        .join(''),
    );
  });
  const ways = sent.map((packet, i) => ({
    packet,
    place: i + ((way.moves[i % way.moves.length] ?? 0) % (way.window + 1)),
  }));
  for (const index of way.twice) {
    const copied = ways[index % ways.length];
    if (copied !== undefined)
      ways.push({ packet: copied.packet, place: copied.place + (index % 5) });
  }
  ways.sort((one, two) => one.place - two.place);
  const lost = new Set(way.lost.map((index) => ways[index % ways.length]));
  const packets = ways.filter((each) => !lost.has(each)).map((each) => each.packet);
  for (const from of ['client', 'server'] as const) {
    const ack = streams[other[from]].length;
    packets.push({ from, at: streams[from].length, text: '', ack, fin: true });
  }
  return { file: write(way.isn, packets), turns, streams: masked(streams, packets) };
}

/** The streams, with `_` for bytes that no packet carries. */
function masked(streams: Record<Who, string>, packets: readonly Sent[]): Record<Who, string> {
  const mask = (who: Who): string => {
    const cells = Array<string>(streams[who].length).fill('_');
    for (const { from, at, text } of packets) {
      if (from === who) text.split('').forEach((letter, i) => (cells[at + i] = letter));
    }
    return cells.join('');
  };
  return { client: mask('client'), server: mask('server') };
}

function write(isn: Readonly<Record<Who, number>>, packets: readonly Sent[]): Buffer {
  const records: TestPacket[] = [
    { data: packetOf('client', { sequence: isn.client, flags: 'S' }) },
    {
      data: packetOf('server', {
        sequence: isn.server,
        acknowledgment: isn.client + 1,
        flags: 'SA',
      }),
    },
  ];
  for (const { from, at, text, ack, fin } of packets) {
    const data = packetOf(from, {
      sequence: isn[from] + 1 + at,
      acknowledgment: isn[from === 'client' ? 'server' : 'client'] + 1 + ack,
      payload: text,
      flags: fin ? 'FA' : 'A',
    });
    records.push({ data });
  }
  return pcapFile(
    records.map(({ data }, i) => ({ data, unixNs: startNs + BigInt(i) * 10_000n })),
    { nanoseconds: true },
  );
}

const index = fc.nat(200);
const isn = fc.oneof(
  fc.constantFrom(0, 0xffff_ffff, 0xffff_ff00, 0x7fff_fff0),
  fc.nat(0xffff_ffff),
);
const ways = (losses: number): fc.Arbitrary<Way> =>
  fc.record({
    turns: fc.array(fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 6 }), {
      minLength: 1,
      maxLength: 12,
    }),
    isn: fc.record({ client: isn, server: isn }),
    window: fc.nat(12),
    moves: fc.array(fc.nat(12), { minLength: 1, maxLength: 40 }),
    twice: fc.array(index, { maxLength: 8 }),
    again: fc.array(fc.tuple(index, fc.nat(120), fc.integer({ min: 1, max: 150 })), {
      maxLength: 8,
    }),
    lost: fc.array(index, { minLength: Math.min(1, losses), maxLength: losses }),
  });

const runs = { numRuns: 400 };

describe('a random conversation', () => {
  it('moved about, doubled and retransmitted comes out as it was', async () => {
    await fc.assert(
      fc.asyncProperty(ways(0), async (way) => {
        const { file, streams } = play(way);
        const { collected, stats } = await collect(file);
        const [connection] = collected.connections;
        expect(collected.connections).toHaveLength(1);
        expect(connection?.text('in')).toBe(streams.client);
        expect(connection?.text('out')).toBe(streams.server);
        expect(connection?.closed?.ended).toBe(true);
        expect(stats.tcp).toMatchObject({
          lostBytes: 0,
          strayPackets: 0,
          bytes: streams.client.length + streams.server.length,
        });
      }),
      runs,
    );
  });

  it('comes out turn by turn', async () => {
    await fc.assert(
      fc.asyncProperty(ways(0), async (way) => {
        // A retransmission may acknowledge what its first copy did not know: then there is no order.
        const { file, turns } = play({ ...way, again: [] });
        const { collected } = await collect(file);
        const said: string[] = [];
        let last: string | undefined;
        for (const { direction, data } of collected.connections[0]!.segments) {
          const before = direction === last ? (said.pop() ?? '') : '';
          said.push(before + data.toString());
          last = direction;
        }
        const heard = { in: '', out: '' };
        const directions = said.map((text, i) => {
          const direction = i % 2 === 0 ? 'in' : 'out';
          return (heard[direction] += text);
        });
        expect(directions).toEqual(turns);
      }),
      runs,
    );
  });

  it('of which packets are lost has holes exactly there', async () => {
    await fc.assert(
      fc.asyncProperty(ways(6), async (way) => {
        const { file, streams } = play(way);
        const { collected, stats } = await collect(file);
        const [connection] = collected.connections;
        expect(connection?.masked('in') ?? '').toBe(streams.client);
        expect(connection?.masked('out') ?? '').toBe(streams.server);
        const missing = `${streams.client}${streams.server}`.replaceAll(/[^_]/g, '').length;
        expect(stats.tcp.lostBytes).toBe(missing);
      }),
      runs,
    );
  });

  it('cut by the capture has holes exactly there', async () => {
    await fc.assert(
      fc.asyncProperty(ways(0), fc.integer({ min: 54, max: 94 }), async (way, snaplen) => {
        const { file, streams } = play({ ...way, twice: [], again: [] });
        const { collected, stats } = await collect(cut(file, snaplen));
        const [connection] = collected.connections;
        const seen = (connection?.masked('in') ?? '') + (connection?.masked('out') ?? '');
        const whole = streams.client + streams.server;
        expect(seen).toHaveLength(whole.length);
        const isRight = (letter: string, i: number): boolean =>
          letter === '_' || letter === whole[i];
        expect(seen.split('').every(isRight)).toBe(true);
        expect(stats.tcp.cutBytes).toBe(seen.replaceAll(/[^_]/g, '').length);
        expect(stats.tcp.bytes).toBe(whole.length - stats.tcp.cutBytes);
      }),
      runs,
    );
  });
});

/** The file as a capture with a snaplen would have written it. */
function cut(file: Buffer, snaplen: number): Buffer {
  const parts = [file.subarray(0, 24)];
  for (let at = 24; at < file.length;) {
    const length = file.readUInt32LE(at + 8);
    const header = Buffer.from(file.subarray(at, at + 16));
    header.writeUInt32LE(Math.min(length, snaplen), 8);
    parts.push(header, file.subarray(at + 16, at + 16 + Math.min(length, snaplen)));
    at += 16 + length;
  }
  return Buffer.concat(parts);
}
