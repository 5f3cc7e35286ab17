// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { pcapFile } from './capture-files.test-support.js';
import { collect } from './collected.test-support.js';
import { Dialogue } from './dialogue.test-support.js';
import { packetOf } from './packets.test-support.js';

describe('a connection', () => {
  it('is opened, moves bytes both ways, and ends', async () => {
    const { first, stats, collected } = await new Dialogue()
      .handshake()
      .client('GET', { at: 0, ack: 0 })
      .server('OK!!', { at: 0, ack: 3 })
      .client('', { at: 3, ack: 4, flags: 'FA' })
      .server('', { at: 4, ack: 4, flags: 'FA' })
      .client('', { at: 4, ack: 5 })
      .read();
    expect(first.info).toEqual({
      id: 1,
      transport: 'tcp',
      role: 'server',
      local: { address: '10.0.0.1', port: 80 },
      remote: { address: '10.0.0.2', port: 50_000 },
      midstream: false,
      likelyRequests: 'in',
    });
    expect(first.order).toEqual(['<GET', '>OK!!']);
    expect(first.ends).toEqual({ in: 3, out: 4 });
    expect(first.closed).toEqual({ in: 3, out: 4, ended: true });
    expect(collected.finished).toBe(1);
    expect(stats.tcp).toEqual({
      packets: 8,
      connections: 1,
      bytes: 7,
      duplicateBytes: 0,
      lostBytes: 0,
      cutBytes: 0,
      strayPackets: 0,
      evictedConnections: 0,
    });
    expect(stats.leftOut).toEqual({});
  });

  it('has times since the first packet, and says what had moved the other way', async () => {
    const { first } = await new Dialogue()
      .handshake()
      .client('GET', { at: 0, ack: 0 })
      .server('OK!!', { at: 0, ack: 3 })
      .client('GET', { at: 3, ack: 4 })
      .read();
    expect(first.segments.map((each) => [each.startNs, each.endNs, each.oppositePosition])).toEqual(
      [
        [3e6, 3e6, 0],
        [4e6, 4e6, 3],
        [5e6, 5e6, 4],
      ],
    );
  });

  it('of which no byte moved is none', async () => {
    const refused = new Dialogue().syn().server('', { at: 0, ack: 0, flags: 'RA' });
    expect((await refused.read()).connections).toEqual([]);
    const idle = new Dialogue().handshake().client('', { at: 0, ack: 0, flags: 'FA' });
    expect((await idle.read()).connections).toEqual([]);
  });

  it('whose server speaks first keeps its roles', async () => {
    const { first } = await new Dialogue().handshake().server('220', { at: 0, ack: 0 }).read();
    expect(first.order).toEqual(['>220']);
    expect(first.info.role).toBe('server');
  });

  it('of which only the SYN-ACK was captured has its roles from that', async () => {
    const { first } = await new Dialogue().synAck().client('GET', { at: 0, ack: 0 }).read();
    expect(first.order).toEqual(['<GET']);
    expect(first.info).toMatchObject({ role: 'server', midstream: false });
  });

  it('may have bytes in its SYN (TCP Fast Open)', async () => {
    const answered = new Dialogue().syn('GET').synAck('OK', 3).client('', { at: 3, ack: 2 });
    expect(await answered.read()).toMatchObject({ in: 'GET', out: 'OK' });
    const repeated = new Dialogue().syn('GET').synAck().client('GET /', { at: 0, ack: 0 });
    expect(await repeated.read()).toMatchObject({ in: 'GET /', out: '' });
  });

  it('that both ends open at once has no client', async () => {
    const { first } = await new Dialogue()
      .syn()
      .server('', { at: -1, flags: 'S' })
      .client('', { at: -1, ack: 0, flags: 'SA' })
      .server('', { at: -1, ack: 0, flags: 'SA' })
      .client('one', { at: 0, ack: 0 })
      .server('two', { at: 0, ack: 3 })
      .read();
    expect(first.info).toMatchObject({ role: 'unknown', midstream: false });
    expect([first.text('in'), first.text('out')]).toEqual(['one', 'two']);
  });

  it('whose capture begins in the middle has the sender of the first packet as its client', async () => {
    const { first } = await new Dialogue()
      .client('', { at: 400, ack: 900 })
      .server('tail', { at: 900, ack: 400 })
      .client('GET', { at: 400, ack: 904 })
      .read();
    expect(first.info).toMatchObject({
      role: 'unknown',
      midstream: true,
      remote: { address: '10.0.0.2' },
    });
    expect(first.order).toEqual(['>tail', '<GET']);
    expect(first.segments.map(({ position }) => position)).toEqual([0, 0]);
  });

  it('ends with a reset, after what was captured late', async () => {
    const { first } = await new Dialogue()
      .handshake()
      .client('GET', { at: 0, ack: 0 })
      .wait(95)
      .server('', { at: 4, ack: 3, flags: 'RA' })
      // Time passes with this one.
      .client('', { at: 3, ack: 0 })
      .server('body', { at: 0, ack: 3 })
      .wait(200)
      .client('', { at: 3, ack: 4 })
      .read();
    expect(first.order).toEqual(['<GET', '>body']);
    expect(first.closed).toEqual({ in: 3, out: 4, ended: false });
  });

  it('does not believe a reset from nowhere', async () => {
    const { first } = await new Dialogue()
      .handshake()
      .server('', { at: 2 ** 31 - 5, flags: 'R' })
      .wait(200)
      .client('GET', { at: 0, ack: 0 })
      .server('OK', { at: 0, ack: 3 })
      .read();
    expect(first.order).toEqual(['<GET', '>OK']);
  });

  it('goes on in one direction when the other has ended', async () => {
    const { first } = await new Dialogue()
      .handshake()
      .client('GET', { at: 0, ack: 0, flags: 'FA' })
      .server('one', { at: 0, ack: 4 })
      .server('two', { at: 3, ack: 4 })
      .read();
    expect(first.order).toEqual(['<GET', '>one', '>two']);
    expect(first.ends).toEqual({ in: 3 });
    expect(first.closed).toBeUndefined();
  });

  it('is not held up by the acknowledgment of its end', async () => {
    const dialogue = new Dialogue()
      .handshake()
      .client('GET', { at: 0, ack: 0, flags: 'FA' })
      .server('OK', { at: 0, ack: 4 });
    const other = packetOf('client', { sourcePort: 9, sequence: 1, payload: 'other' });
    dialogue.packets.push({ data: other });
    const { collected } = await dialogue.read();
    expect(collected.log).toEqual(['1<GET', '1>OK', '2<other']);
  });

  it('is not continued by late packets after its end', async () => {
    const { connections, stats } = await new Dialogue()
      .handshake()
      .client('GET', { at: 0, ack: 0, flags: 'FA' })
      .server('OK', { at: 0, ack: 4, flags: 'FA' })
      .wait(1000)
      .again()
      .client('', { at: 4, ack: 3 })
      .client('GET', { at: 0, ack: 0, flags: 'FA' })
      .wait(61_000)
      .client('', { at: 4, ack: 3, flags: 'R' })
      .read();
    expect(connections).toHaveLength(1);
    expect(stats.tcp.duplicateBytes).toBe(5);
  });

  describe('between the same ports', () => {
    const second = new Dialogue({ client: 500, server: 600 })
      .handshake()
      .client('two', { at: 0, ack: 0 });

    it.each([
      [
        'after the end of the first',
        (first: Dialogue) =>
          first
            .client('', { at: 3, ack: 0, flags: 'FA' })
            .server('', { at: 0, ack: 4, flags: 'FA' }),
      ],
      ['while the first seemed open', (first: Dialogue) => first],
      ['after a reset', (first: Dialogue) => first.server('', { at: 0, ack: 3, flags: 'RA' })],
    ])('is another one when its SYN says so, %s', async (_, end) => {
      const first = end(new Dialogue().handshake().client('one', { at: 0, ack: 0 }));
      first.packets.push(...second.packets.map(({ data }) => ({ data })));
      const { connections } = await first.read();
      expect(connections.map((each) => each.text('in'))).toEqual(['one', 'two']);
      expect(connections[0]?.closed).toMatchObject({ in: 3, out: 0 });
      expect(connections[1]?.info).toMatchObject({ role: 'server', midstream: false });
    });

    it('is another one without its SYN, when the first has ended', async () => {
      const first = new Dialogue()
        .handshake()
        .client('one', { at: 0, ack: 0, flags: 'FA' })
        .server('', { at: 0, ack: 4, flags: 'FA' });
      first.packets.push(...second.packets.slice(2).map(({ data }) => ({ data })));
      const { connections } = await first.read();
      expect(connections.map((each) => each.text('in'))).toEqual(['one', 'two']);
      expect(connections[1]?.info).toMatchObject({ role: 'unknown', midstream: true });
    });

    it('is another one without its SYN, when it is far away', async () => {
      const other = new Dialogue({ client: 0x7000_0000, server: 0x5000_0000 });
      for (let i = 0; i < 5; i++) other.client(`${i}`, { at: i, ack: 0 });
      const first = new Dialogue().handshake().client('one', { at: 0, ack: 0 });
      first.packets.push(...other.packets.map(({ data }) => ({ data })));
      const { connections, stats } = await first.read();
      expect(connections.map((each) => each.text('in'))).toEqual(['one', '234']);
      expect(stats.tcp.strayPackets).toBe(3);
    });

    it('is the same one when the SYN is only repeated', async () => {
      const { connections } = await new Dialogue()
        .syn()
        .again()
        .synAck()
        .again()
        .client('one', { at: 0, ack: 0 })
        .syn()
        .client('two', { at: 3, ack: 0 })
        .read();
      expect(connections.map((each) => each.text('in'))).toEqual(['onetwo']);
    });
  });

  it('whose answer to the SYN was made anew goes on with the new one', async () => {
    const first = new Dialogue().syn().synAck();
    const anew = new Dialogue({ client: first.isn.client, server: 0x4000_0000 })
      .synAck()
      .client('GET', { at: 0, ack: 0 })
      .server('OK', { at: 0, ack: 3 });
    first.packets.push(...anew.packets.map(({ data }) => ({ data })));
    const { connections } = await first.read();
    expect(connections.map((each) => each.order)).toEqual([['<GET', '>OK']]);
  });

  it('between equal ends is read', async () => {
    const same = { sourcePort: 80, destinationPort: 80 };
    const data = packetOf('client', { ...same, sequence: 9, payload: 'self' });
    data.copy(data, 26, 30, 34);
    const { collected } = await collect(pcapFile([{ data }]));
    expect(collected.connections[0]?.text('in')).toBe('self');
  });
});

describe('connections', () => {
  it('beyond the bound are forgotten, least recently used first', async () => {
    const packet = (port: number, sequence: number): { data: Buffer } => ({
      data: packetOf('client', { sourcePort: port, sequence, acknowledgment: 1, payload: 'x' }),
    });
    const file = pcapFile([
      packet(1, 10),
      packet(2, 20),
      packet(1, 11),
      packet(3, 30),
      packet(1, 12),
    ]);
    const { collected, stats } = await collect(file, { maxConnections: 2 });
    expect(collected.connections.map((each) => each.text('in'))).toEqual(['xxx', 'x', 'x']);
    expect(collected.connections.map((each) => each.closed)).toEqual([
      undefined,
      { in: 1, out: 0, ended: false },
      undefined,
    ]);
    expect(stats.tcp).toMatchObject({ connections: 3, evictedConnections: 1 });
  });

  it('are not begun by a reset or an end', async () => {
    const one = { data: packetOf('client', { sequence: 1, acknowledgment: 1, payload: 'x' }) };
    const ends = ['R', 'RA', 'FA'].map((flags, i) => ({
      data: packetOf('client', { sourcePort: 10 + i, sequence: 1, acknowledgment: 1, flags }),
    }));
    const { stats } = await collect(pcapFile([one, ...ends]), { maxConnections: 1 });
    expect(stats.tcp.evictedConnections).toBe(0);
  });

  it('that have ended make room first', async () => {
    const ended = new Dialogue()
      .handshake()
      .client('one', { at: 0, ack: 0, flags: 'FA' })
      .server('', { at: 0, ack: 4, flags: 'FA' });
    const open = packetOf('client', {
      sourcePort: 1,
      sequence: 1,
      acknowledgment: 1,
      payload: 'x',
    });
    const more = packetOf('client', {
      sourcePort: 2,
      sequence: 1,
      acknowledgment: 1,
      payload: 'y',
    });
    const packets = [
      { data: open },
      ...ended.packets.map(({ data }) => ({ data })),
      { data: more },
    ];
    const { stats } = await collect(pcapFile(packets), { maxConnections: 2 });
    expect(stats.tcp).toMatchObject({ connections: 3, evictedConnections: 0 });
  });
});
