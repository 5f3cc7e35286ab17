// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import type { ConnectionInfo, ProtocolPlugin } from '../plugin/index.js';
import {
  pairs,
  testPipeline,
  toyMessage,
  toyParser,
  toyProtocol,
  TestConnection,
  connectionInfo,
} from './toy-protocol.test-support.js';

const likely = {
  rules: [
    {
      says: 'request',
      strength: 'likely',
      when: { kind: 'bytes', at: 0, anyOf: ['~Q'] },
    },
  ],
} as const;

describe('inference', () => {
  it('learns the role from who says what', () => {
    for (const [direction, role] of [
      ['in', 'server'],
      ['out', 'client'],
    ] as const) {
      const { connection, records } = testPipeline({ info: { role: 'unknown' } });
      const opposite = direction === 'in' ? 'out' : 'in';
      connection.move(direction, toyMessage('Q', 1, 5));
      connection.move(opposite, toyMessage('S', 1, 5));
      expect(pairs(records)).toEqual(['1/1']);
      expect(records[0]?.role).toBe(role);
    }
  });

  it('trusts the hint of the kernel, and learns the role from the rules', () => {
    const { connection, records, verdicts } = testPipeline({ info: { role: 'unknown' } });
    connection.move('out', toyMessage('Q', 1, 5), { hint: 'toy' });
    connection.move('in', toyMessage('S', 1, 5), { hint: 'toy' });
    expect(pairs(records)).toEqual(['1/1']);
    // It need not be told what it said.
    expect(verdicts).toEqual([]);
  });

  it('keeps what the other direction said before', () => {
    const requestOnly = {
      rules: [{ says: 'request', when: { kind: 'bytes', at: 0, anyOf: ['~Q'] } }],
    } as const;
    const { connection, records } = testPipeline({ toy: { inference: requestOnly } });
    connection.move('out', toyMessage('S', 99, 5));
    connection.move('in', toyMessage('Q', 1, 5));
    connection.move('out', toyMessage('S', 1, 5));
    expect(pairs(records)).toEqual(['-/99 ok !request', '1/1']);
  });

  it('needs a likely rule to match twice, and reports what came before the second match', () => {
    const { connection, records, verdicts } = testPipeline({ toy: { inference: likely } });
    connection.move('in', toyMessage('Q', 1, 5));
    connection.move('out', toyMessage('S', 1, 5));
    expect(verdicts).toEqual([]);
    connection.move('in', toyMessage('Q', 2, 5));
    connection.move('out', toyMessage('S', 2, 5));
    expect(verdicts).toEqual([{ kind: 'protocol', name: 'toy' }]);
    expect(pairs(records)).toEqual(['1/1', '2/2']);
  });

  it('starts a likely count anew when bytes do not match', () => {
    const { connection, verdicts } = testPipeline({ toy: { inference: likely } });
    connection.move('in', toyMessage('Q', 1, 5));
    connection.move('out', Buffer.from('something'));
    connection.move('in', Buffer.from('something else'));
    connection.move('out', Buffer.from('something'));
    connection.move('in', toyMessage('Q', 2, 5));
    expect(verdicts).toEqual([]);
  });

  it('counts likely matches of one plugin in a row, and of one role', () => {
    const likelyOf = (name: string, says: 'either' | 'request') =>
      toyProtocol({
        name,
        inference: {
          rules: [
            { says, strength: 'likely', when: { kind: 'bytes', at: 0, anyOf: [`~${name}`] } },
          ],
        },
      });
    const two = testPipeline({ plugins: [likelyOf('a', 'either'), likelyOf('b', 'either')] });
    two.connection.move('in', Buffer.from('~a'));
    two.connection.move('out', Buffer.from('~b'));
    two.connection.move('in', Buffer.from('~a'));
    expect(two.verdicts).toEqual([]);

    const one = testPipeline({ plugins: [likelyOf('a', 'request')], info: { role: 'unknown' } });
    one.connection.move('in', Buffer.from('~a'));
    one.connection.move('out', Buffer.from('~a'));
    expect(one.verdicts).toEqual([]);
    one.connection.move('out', Buffer.from('~a'));
    expect(one.verdicts).toEqual([{ kind: 'protocol', name: 'a' }]);
  });

  it('leaves out what came before the first message of the direction that told', () => {
    const { connection, records, pipeline } = testPipeline();
    connection.move('in', Buffer.from('not ~Q0000000500000000'));
    connection.move('in', toyMessage('Q', 1, 5));
    connection.close();
    expect(records.map(({ operation }) => operation)).toEqual(['1']);
    expect(pipeline.stats().bufferedBytes).toBe(0);
  });

  it('asks the plugin first that names a port of the connection', () => {
    const rules = [{ says: 'request', when: { kind: 'bytes', at: 0, anyOf: ['~Q'] } }] as const;
    const { connection, verdicts } = testPipeline({
      plugins: [
        toyProtocol({ name: 'one', inference: { rules } }),
        toyProtocol({ name: 'two', inference: { rules, ports: [7000] } }),
      ],
    });
    connection.move('in', toyMessage('Q', 1, 5));
    expect(verdicts).toEqual([{ kind: 'protocol', name: 'two' }]);
  });

  it('leaves transports alone that no plugin names', () => {
    const { connection, records } = testPipeline({ info: { transport: 'udp' } });
    connection.move('in', toyMessage('Q', 1, 5));
    connection.close();
    expect(records).toEqual([]);
  });

  it('ignores TLS and HTTP/2 at once', () => {
    for (const bytes of [
      Buffer.from([22, 3, 1, 2, 0, 1, 0, 1, 252]),
      Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
    ]) {
      const { connection, verdicts } = testPipeline();
      connection.move('in', bytes);
      expect(verdicts).toEqual([{ kind: 'ignore' }]);
    }
  });

  it('gives up a connection after 16 segments that nothing matches, and keeps nothing', () => {
    const { connection, verdicts, pipeline } = testPipeline();
    for (let i = 0; i < 15; i++) connection.move('in', Buffer.from('neither this nor that'));
    expect(verdicts).toEqual([]);
    expect(pipeline.stats().bufferedBytes).toBeGreaterThan(0);
    connection.move('in', Buffer.from('neither this nor that'));
    expect(verdicts).toEqual([{ kind: 'ignore' }]);
    expect(pipeline.stats().bufferedBytes).toBe(0);
  });

  it('gives up a connection after 64 KiB that nothing matches', () => {
    const { connection, verdicts } = testPipeline();
    for (let i = 0; i < 3; i++) connection.move('in', Buffer.alloc(20_000, 'x'));
    expect(verdicts).toEqual([]);
    connection.move('in', Buffer.alloc(20_000, 'x'));
    expect(verdicts).toEqual([{ kind: 'ignore' }]);
  });

  it('joins only bytes that follow each other, and none over a hole', () => {
    const { connection, verdicts } = testPipeline();
    connection.move('in', Buffer.from('~'));
    connection.make('in', Buffer.from('xx'));
    connection.move('in', Buffer.from('Q'));
    expect(verdicts).toEqual([]);
    connection.move('in', Buffer.from('~'), { length: 5 });
    connection.move('in', Buffer.from('Q'));
    expect(verdicts).toEqual([]);
    connection.move('in', Buffer.from('~'));
    connection.move('in', Buffer.from('Q'));
    expect(verdicts).toEqual([{ kind: 'protocol', name: 'toy' }]);
  });

  it('keeps trying on a connection that was joined in the middle of a body', () => {
    const { connection, records, verdicts } = testPipeline({ info: { midstream: true } });
    for (let i = 0; i < 100; i++) connection.move('in', Buffer.alloc(2000, 'x'));
    expect(verdicts).toEqual([]);
    connection.move('out', toyMessage('S', 0, 5));
    connection.move('in', toyMessage('Q', 1, 5));
    connection.move('out', toyMessage('S', 1, 5));
    expect(pairs(records)).toEqual(['-/0 ok !request', '1/1']);
  });

  it('starts at any position on a connection that was joined midstream', () => {
    const { connection, records, pipeline } = testPipeline({ info: { midstream: true } });
    connection.position.in = 1000;
    connection.position.out = 5000;
    connection.move('in', toyMessage('Q', 1, 5));
    connection.move('out', toyMessage('S', 1, 5));
    expect(pairs(records)).toEqual(['1/1']);
    expect(pipeline.stats()).toMatchObject({ holes: {}, resyncs: 0 });
  });

  it('starts with the message that told the protocol, without looking for it', () => {
    const { connection, records } = testPipeline({
      info: { midstream: true },
      plugins: [{ ...toyProtocol(), createParser: () => ({ ...toyParser(), resync: () => -1 }) }],
    });
    connection.move('in', toyMessage('Q', 1, 5));
    connection.close();
    expect(pairs(records)).toEqual(['1/- unanswered !response']);
  });

  it('looks for a start in the direction that did not tell the protocol', () => {
    const { connection, records, pipeline } = testPipeline({ info: { midstream: true } });
    connection.position.out = 5000;
    connection.move('in', toyMessage('Q', 1, 5));
    connection.move('out', Buffer.concat([Buffer.from('rest of S0'), toyMessage('S', 1, 5)]));
    connection.close();
    expect(pairs(records)).toEqual(['-/1 ok !request', '1/- unknown !response']);
    expect(pipeline.stats()).toMatchObject({ holes: {}, resyncs: 0 });
  });

  it('knows bytes before the first segment of a new connection as a hole', () => {
    const { connection, records, pipeline } = testPipeline();
    connection.position.in = 1000;
    connection.move('in', toyMessage('Q', 2, 5), { hint: 'toy' });
    connection.move('out', toyMessage('S', 1, 5));
    expect(pairs(records)).toEqual(['-/1 ok !request', '2/- unknown !response']);
    expect(pipeline.stats().holes).toEqual({ unseen: { count: 1, bytes: 1000 } });
  });

  it('reopens a connection whose parser keeps failing, and reads it again when it can', () => {
    const { connection, records, verdicts } = testPipeline();
    connection.move('in', toyMessage('Q', 1, 5));
    connection.move('out', toyMessage('S', 1, 5));
    connection.move('in', Buffer.from('~xxx'.repeat(20)));
    expect(verdicts.slice(1)).toEqual([{ kind: 'reopen' }]);
    connection.move('in', Buffer.from('~xxx'), { hint: 'toy' });
    expect(verdicts).toHaveLength(2);
    connection.move('in', toyMessage('Q', 2, 5));
    connection.move('out', toyMessage('S', 2, 5));
    expect(verdicts.slice(2)).toEqual([{ kind: 'protocol', name: 'toy' }]);
    expect(pairs(records)).toEqual(['1/1', '2/2']);
  });

  it('gives up a connection that was reopened too often', () => {
    const { connection, verdicts } = testPipeline();
    for (let i = 0; i < 8; i++) {
      connection.move('in', toyMessage('Q', 1, 5));
      connection.move('in', Buffer.from('~xxx'.repeat(20)));
    }
    expect(verdicts.filter(({ kind }) => kind === 'reopen')).toHaveLength(4);
    expect(verdicts[verdicts.length - 1]).toEqual({ kind: 'ignore' });
  });

  it('reads anew when the role turns out to be the other one', () => {
    const either = {
      rules: [{ says: 'either', when: { kind: 'bytes', at: 0, anyOf: ['~'] } }],
    } as const;
    const { pipeline, connection, records } = testPipeline({
      info: { role: 'unknown' },
      toy: { inference: either },
    });
    connection.move('in', toyMessage('S', 0, 5));
    pipeline.role(1, 'client');
    connection.move('out', toyMessage('Q', 1, 5));
    connection.move('in', toyMessage('S', 1, 5));
    expect(pairs(records)).toEqual(['1/1']);
    expect(records[0]?.role).toBe('client');
  });
});

describe('switching', () => {
  const upgrading = (to: string) =>
    toyProtocol({
      name: 'one',
      inference: { rules: [{ says: 'request', when: { kind: 'bytes', at: 0, anyOf: ['~Q'] } }] },
      onParse: (side, view) =>
        side === 'response' && view.available >= 18
          ? {
              status: 'switch',
              to,
              consumed: 18,
              frame: { type: 'S', id: Number(view.latin1(2, 10)), length: 0 },
            }
          : undefined,
    });
  const other = toyProtocol({
    name: 'two',
    inference: { rules: [{ says: 'request', when: { kind: 'bytes', at: 0, anyOf: ['never'] } }] },
  });

  it('hands both directions to another active plugin where they stand', () => {
    const { connection, records, verdicts } = testPipeline({ plugins: [upgrading('two'), other] });
    connection.move('in', toyMessage('Q', 1, 5));
    const response = Buffer.concat([toyMessage('S', 1, 0), toyMessage('S', 99, 5)]);
    connection.move('out', response);
    connection.move('in', toyMessage('Q', 2, 5));
    connection.move('out', toyMessage('S', 2, 5));
    expect(records.map(({ protocol, operation }) => `${protocol} ${operation}`)).toEqual([
      'one 1',
      'two ?',
      'two 2',
    ]);
    expect(verdicts[verdicts.length - 1]).toEqual({ kind: 'protocol', name: 'two' });
  });

  it('lets the other plugin read what the first one left over', () => {
    const waiting = toyProtocol({
      name: 'one',
      inference: { rules: [{ says: 'request', when: { kind: 'bytes', at: 0, anyOf: ['~Q'] } }] },
      onParse: (side, view) =>
        side === 'request'
          ? view.u8(0) === 0x58
            ? { status: 'more' }
            : undefined
          : { status: 'switch', to: 'two', consumed: view.available },
    });
    const reading = toyProtocol({
      name: 'two',
      matching: { mode: 'one-way' },
      onParse: () => ({ status: 'frame', frame: { type: 'Q', id: 7, length: 0 }, consumed: 5 }),
    });
    const { connection, records } = testPipeline({ plugins: [waiting, reading] });
    connection.move('in', Buffer.concat([toyMessage('Q', 1, 0), Buffer.from('XXXXX')]));
    connection.move('out', Buffer.from('go on'));
    expect(records.map(({ protocol, operation }) => `${protocol} ${operation}`)).toEqual([
      'one 1',
      'two 7',
    ]);
  });

  it('begins a known order, whatever was known before', () => {
    const { connection, records } = testPipeline({
      plugins: [upgrading('two'), other],
      info: { midstream: true },
    });
    connection.move('in', toyMessage('Q', 1, 0));
    connection.move('out', toyMessage('S', 1, 0));
    connection.move('in', Buffer.concat([toyMessage('Q', 2, 5), toyMessage('Q', 3, 5)]));
    connection.move('out', Buffer.concat([toyMessage('S', 2, 5), toyMessage('S', 3, 5)]));
    expect(pairs(records)).toEqual(['1/1', '2/2', '3/3']);
  });

  it('ignores the rest when no plugin has the name', () => {
    const { connection, records, verdicts, pipeline } = testPipeline({
      plugins: [upgrading('opaque')],
    });
    connection.move('in', toyMessage('Q', 1, 5));
    connection.move('out', Buffer.concat([toyMessage('S', 1, 0), Buffer.from('\x81\x05hello')]));
    connection.move('in', toyMessage('Q', 2, 5));
    connection.close();
    expect(records.map(({ operation }) => operation)).toEqual(['1']);
    expect(verdicts[verdicts.length - 1]).toEqual({ kind: 'ignore' });
    expect(pipeline.stats().bufferedBytes).toBe(0);
  });
});

describe('connections', () => {
  it('do not mix', () => {
    const { pipeline, connection, records } = testPipeline();
    const second = new TestConnection(pipeline, connectionInfo({ id: 2 }));
    connection.move('in', toyMessage('Q', 1, 5));
    second.move('in', toyMessage('Q', 2, 5));
    second.move('out', toyMessage('S', 2, 5));
    connection.move('out', toyMessage('S', 1, 5));
    expect(records.map((record) => [record.connection.id, record.operation])).toEqual([
      [2, '2'],
      [1, '1'],
    ]);
  });

  it('that were never announced are counted and left alone', () => {
    const { pipeline, connection, records } = testPipeline();
    const segment = connection.make('in', toyMessage('Q', 1, 5));
    pipeline.segment(77, segment, undefined);
    expect(records).toEqual([]);
    expect(pipeline.stats()).toMatchObject({ segments: 1, bytes: 23, openConnections: 1 });
  });

  it('counts connections that are not shown, once each, and why', () => {
    const { pipeline, connection } = testPipeline();
    const other = (id: number): TestConnection =>
      new TestConnection(pipeline, connectionInfo({ id, role: 'unknown' }));
    connection.move('in', toyMessage('Q', 1, 0));
    connection.close();
    other(2).move('in', Buffer.from([22, 3, 1, 0, 10, 1, 0, 0, 6, 3]));
    const prose = other(3);
    prose.move('in', Buffer.from('good morning'));
    prose.close();
    for (let i = 0, silly = other(4); i < 40; i++) silly.move('in', Buffer.from('and so on'));
    other(5).close();
    other(6).move('in', toyMessage('Q', 1, 0));
    pipeline.finish(0);
    expect(pipeline.stats()).toMatchObject({
      connections: 6,
      encryptedConnections: 1,
      unrecognizedConnections: 2,
    });
  });

  it('looks anew at connections that a removed plugin read or none wanted, when plugins change', () => {
    const toy = toyProtocol();
    const late = toyProtocol({
      name: 'late',
      inference: { rules: [{ says: 'request', when: { kind: 'bytes', at: 0, anyOf: ['~Q'] } }] },
    });
    const { pipeline, connection, records, verdicts } = testPipeline({ plugins: [toy] });
    const unwanted = new TestConnection(pipeline, connectionInfo({ id: 2 }));
    for (let i = 0; i < 20; i++) unwanted.move('in', Buffer.from('nothing that is known'));
    connection.move('in', toyMessage('Q', 1, 0));
    verdicts.length = 0;
    pipeline.setPlugins([toy, late]);
    expect(verdicts).toEqual([{ kind: 'reopen' }]);
    connection.move('out', toyMessage('S', 1, 0));
    expect(pairs(records)).toEqual(['1/1']);
    pipeline.setPlugins([late]);
    for (const each of [connection, unwanted]) {
      each.move('in', toyMessage('Q', 2, 0));
      each.move('out', toyMessage('S', 2, 0));
    }
    expect(records.map(({ protocol }) => protocol)).toEqual(['toy', 'late', 'late']);
    expect(pairs(records)).toEqual(['1/1', '2/2', '2/2']);
  });

  it('asks other plugins about what was kept, when they are replaced in the middle of a message', () => {
    const other = toyProtocol({ name: 'other' });
    const { pipeline, connection, records } = testPipeline();
    const message = toyMessage('Q', 1, 5);
    connection.move('in', message.subarray(0, 1));
    pipeline.setPlugins([other]);
    connection.move('in', message.subarray(1));
    connection.move('out', toyMessage('S', 1, 5));
    expect(records.map(({ protocol }) => protocol)).toEqual(['other']);
    expect(pairs(records)).toEqual(['1/1']);
    expect(pipeline.stats().bufferedBytes).toBe(0);
  });

  it('joined midstream, waits for a message that tells who asks; at the end, who spoke first is taken for it', () => {
    const either = {
      says: 'either',
      strength: 'likely',
      when: { kind: 'bytes', at: 0, anyOf: ['~'] },
    };
    const asks = { says: 'request', when: { kind: 'bytes', at: 10, anyOf: ['00000007'] } };
    const inference = { rules: [asks, either] } as ProtocolPlugin['inference'];
    const joined = () =>
      testPipeline({ toy: { inference }, info: { role: 'unknown', midstream: true } });
    const told = joined();
    told.connection.move('out', toyMessage('S', 1, 0));
    told.connection.move('in', toyMessage('Q', 2, 0));
    told.connection.move('out', toyMessage('S', 2, 0));
    expect(told.verdicts).toEqual([]);
    told.connection.move('in', toyMessage('Q', 3, 7));
    told.connection.move('out', toyMessage('S', 3, 0));
    expect(pairs(told.records)).toContain('3/3');
    expect(told.records.at(-1)?.role).toBe('server');

    const never = joined();
    never.connection.move('in', toyMessage('Q', 2, 0));
    never.connection.move('out', toyMessage('S', 2, 0));
    expect(never.records).toEqual([]);
    never.connection.close();
    expect(pairs(never.records)).toEqual(['2/2']);
  });

  it('a guessed role does not survive a parser that fails; the next parser is told that it joins midstream', () => {
    const infos: ConnectionInfo[] = [];
    const toy = {
      ...toyProtocol(),
      createParser: (info: ConnectionInfo) => {
        infos.push(info);
        return toyParser();
      },
    };
    const { connection, records } = testPipeline({ plugins: [toy], info: { role: 'unknown' } });
    connection.move('in', toyMessage('Q', 1, 0));
    connection.move('in', Buffer.from('X~~~~~~~~~~~~~~~~~~~'));
    connection.move('out', toyMessage('Q', 2, 0));
    connection.move('in', toyMessage('S', 2, 0));
    expect(infos.map(({ role, midstream }) => `${role} ${midstream}`)).toEqual([
      'server false',
      'client true',
    ]);
    expect(pairs(records).at(-1)).toBe('2/2');
  });

  it('keeps messages that were likely when a certain one of the same protocol follows', () => {
    const rules = [
      { says: 'request', when: { kind: 'bytes', at: 9, anyOf: ['9'] } },
      { says: 'request', strength: 'likely', when: { kind: 'bytes', at: 0, anyOf: ['~Q'] } },
    ];
    const { connection, records } = testPipeline({
      toy: { inference: { rules, confirm: 5 } as ProtocolPlugin['inference'] },
    });
    connection.move('in', Buffer.concat([toyMessage('Q', 1, 0), toyMessage('Q', 2, 0)]));
    connection.move('in', toyMessage('Q', 9, 0));
    for (const id of [1, 2, 9]) connection.move('out', toyMessage('S', id, 0));
    expect(pairs(records)).toEqual(['1/1', '2/2', '9/9']);
  });

  it('joined midstream, leaves out the rest of a message before the first likely one', () => {
    const { connection, records } = testPipeline({
      toy: { inference: likely, parts: true },
      info: { midstream: true },
    });
    connection.move('in', Buffer.from('000~the rest'));
    connection.move('out', toyMessage('S', 1, 0));
    for (const id of [2, 3]) {
      connection.move('in', toyMessage('Q', id, 0));
      connection.move('out', toyMessage('S', id, 0));
    }
    expect(pairs(records).slice(-2)).toEqual(['2/2', '3/3']);
  });
});
