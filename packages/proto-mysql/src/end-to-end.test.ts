// SPDX-License-Identifier: Apache-2.0
import { deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { Capability } from './capabilities.js';
import { hellos } from '../../core/src/stream/tls/hello.test-support.js';
import { ServerConnection } from './connection.test-support.js';
import * as build from './packets.test-support.js';
import { bytes, compressed, le, packet, query, resultSet } from './packets.test-support.js';

const loggedIn = (...settings: Parameters<typeof ServerConnection.loggedIn>): ServerConnection =>
  ServerConnection.loggedIn(...settings);
const compressing = build.allCapabilities | Capability.COMPRESS;
/** Header of a packet of the maximal length. */
const maximal = (sequence: number, ...first: build.Piece[]): Buffer =>
  bytes(le(0xffffff, 3), sequence, ...first);

describe('mysql through the pipeline', () => {
  it('reports a login and a query', () => {
    const connection = new ServerConnection()
      .writes(build.greeting())
      .reads(build.login())
      .writes(build.ok(2))
      .reads(query("select 'secret' from items"))
      .writes(resultSet(['a', 'b']));
    expect(connection.verdicts).toEqual([{ kind: 'protocol', name: 'mysql' }]);
    expect(connection.records).toMatchObject([
      { operation: 'LOGIN', status: 'ok', complete: true, requestBytes: build.login().length },
      { operation: 'SELECT', status: 'ok', complete: true },
    ]);
    expect(connection.attributes).toEqual([
      {
        'system.name': 'mysql',
        namespace: 'shop',
        command: 'LOGIN',
        user: 'app',
        server_version: '8.4.3',
      },
      {
        'system.name': 'mysql',
        namespace: 'shop',
        command: 'QUERY',
        'query.text': 'select ? from items',
        'operation.name': 'SELECT',
        'collection.name': 'items',
        'response.returned_rows': 2,
      },
    ]);
  });

  it('shows values when asked to', () => {
    const connection = loggedIn({ showValues: true })
      .reads(query("insert into items values ('it''s')"))
      .writes(build.err(1, 1062, '23000', "Duplicate entry 'it's' for key 'PRIMARY'"));
    expect(connection.attributes).toMatchObject([
      {
        'query.text': "insert into items values ('it''s')",
        'error.message': "Duplicate entry 'it's' for key 'PRIMARY'",
      },
    ]);
  });

  it('keeps as much of a statement as asked to', () => {
    const connection = loggedIn({ maxQueryBytes: 12 })
      .reads(query('select a, b, c from items'))
      .writes(resultSet([]))
      .reads(query('select a'))
      .writes(resultSet([]));
    expect(connection.attributes.map((one) => one['query.text'])).toEqual([
      'select a, b,…',
      'select a',
    ]);
    const long = `select ${'a, '.repeat(10_000)}b from items`;
    const usual = loggedIn().reads(query(long)).writes(resultSet([]));
    expect(String(usual.attributes[0]!['query.text'])).toHaveLength(16 * 1024 + 1);
    expect(usual.records[0]).toMatchObject({ operation: 'SELECT', complete: true });
  });

  it('reports a command of more than 16 MiB, of which little was captured', () => {
    const connection = loggedIn()
      .reads(maximal(0, 3, 'insert into items values ('), 0xffffff - 27)
      .reads(maximal(1), 0xffffff)
      .reads(packet(2, 'end)'))
      .writes(build.ok(3, { affected: 1 }))
      .reads(query('select 2'))
      .writes(resultSet(['2']));
    expect(connection.records).toMatchObject([
      {
        operation: 'INSERT',
        missing: ['request.body'],
        requestBytes: 2 * (0xffffff + 4) + 8,
        attributes: { 'libtrace.mysql.affected_rows': 1 },
      },
      { operation: 'SELECT', missing: [] },
    ]);
  });

  it('counts rows of more than 16 MiB once, and does not look into them', () => {
    const connection = loggedIn()
      .reads(query('select data from items'))
      .writes(bytes(packet(1, 1), build.definition(2, 'data')))
      .writes(maximal(3, 0xfe, le(40_000_000, 4)), 0xffffff - 5)
      .writes(maximal(4, 0xff), 0xffffff - 1)
      .writes(packet(5, 0xfe, 'end of the row'))
      .writes(bytes(packet(6, 0xfd, le(5, 3), 'small'), maximal(7, 0xfe)), 0xffffff - 1)
      // the length of the row is a multiple of the maximal one
      .writes(bytes(packet(8), build.okEof(9)))
      .reads(query('select 2'))
      .writes(resultSet(['2']));
    expect(connection.records).toMatchObject([
      { status: 'ok', missing: ['response.body'], attributes: { 'db.response.returned_rows': 3 } },
      { status: 'ok', missing: [], attributes: { 'db.response.returned_rows': 1 } },
    ]);
  });

  it('says what a server says before it greets, and when it ends an idle connection', () => {
    const refused = new ServerConnection()
      .writes(build.err(0, 1040, '', 'Too many connections'))
      .close();
    expect(refused.records).toMatchObject([
      {
        operation: 'CONNECTION',
        status: 'server-error',
        missing: [],
        attributes: {
          'db.response.status_code': '1040',
          'error.message': 'Too many connections',
        },
      },
    ]);
    const idle = loggedIn()
      .reads(build.ping)
      .writes(build.ok(1))
      .writes(build.err(0, 4031, 'HY000', 'The client was disconnected'))
      .close();
    expect(idle.records.map(({ operation, missing }) => [operation, missing])).toEqual([
      ['PING', []],
      ['CONNECTION', []],
    ]);
  });

  it('leaves the connection when it is encrypted', () => {
    const flags = le(build.allCapabilities | Capability.SSL, 4);
    const connection = new ServerConnection()
      .writes(build.greeting(build.allCapabilities | Capability.SSL))
      .reads(packet(1, flags, le(2 ** 24, 4), 45, Buffer.alloc(23)))
      .reads(bytes(0x16, 3, 1, 0, 1, 1))
      .close();
    expect(connection.records).toEqual([]);
    expect(connection.verdicts.at(-1)).toEqual({ kind: 'ignore' });
  });

  it('reads the plaintext above TLS, which begins with the login', () => {
    const connection = new ServerConnection({ transport: 'tls' })
      .reads(build.login(build.allCapabilities, { sequence: 2 }))
      .writes(build.ok(3))
      .reads(query('select 1'))
      .writes(resultSet(['1']));
    expect(connection.records.map(({ operation }) => operation)).toEqual(['LOGIN', 'SELECT']);
  });

  it('hands over to TLS behind an SSLRequest, with what its handshake tells', () => {
    const flags = le(build.allCapabilities | Capability.SSL, 4);
    const connection = new ServerConnection({ plaintext: true })
      .writes(build.greeting(build.allCapabilities | Capability.SSL))
      .reads(bytes(packet(1, flags, le(2 ** 24, 4), 45, Buffer.alloc(23)), hellos.client));
    expect(connection.pipeline.stats().encryptedConnections).toBe(1);
    const verdictsBefore = connection.verdicts.length;
    connection.writes(hellos.server);
    expect(connection.verdicts.slice(verdictsBefore)).toEqual([{ kind: 'ignore' }]);
    const { pipeline } = connection;
    const carrier = {
      id: 1,
      transport: 'tcp',
      role: 'server',
      local: { address: '10.0.0.1', port: 3306 },
      remote: { address: '10.0.0.2', port: 40_000 },
      midstream: false,
    } as const;
    pipeline.open({ ...carrier, id: 2, transport: 'tls', carrier: 1 });
    const move = (direction: 'in' | 'out', data: Buffer): void =>
      pipeline.segment(
        2,
        {
          ...{ direction, data, dataStart: 0, position: 0, oppositePosition: 0 },
          ...{ length: data.length, captured: data.length, holeReason: undefined },
          ...{ startNs: 1, endNs: 2, tid: 1 },
          process: { pid: 1, ppid: 0, comm: '', exe: '', cgroup: '' },
        },
        undefined,
      );
    move('in', build.login(build.allCapabilities | Capability.SSL, { sequence: 2 }));
    move('out', build.ok(3));
    expect(connection.records.map(({ operation }) => operation)).toEqual(['LOGIN']);
    expect(connection.records[0]?.connection.tls).toEqual(hellos.info);
    expect(pipeline.stats().encryptedConnections).toBe(0);
  });

  it('knows above TLS what the client did not ask for', () => {
    const flags = build.allCapabilities & ~Capability.DEPRECATE_EOF;
    const prepared = build.prepared(7, { columns: 0, withEof: true });
    // The EOF packet comes by another call: who does not expect it takes the response for complete before.
    const connection = new ServerConnection({ transport: 'tls' })
      .reads(build.login(flags, { sequence: 2 }))
      .writes(build.ok(3))
      .reads(build.prepare('select ?'))
      .writesEach(prepared.subarray(0, -9), prepared.subarray(-9));
    expect(connection.records[1]!.responseBytes).toBe(prepared.length);
  });

  it('reads the plaintext above TLS, compressed', () => {
    const connection = new ServerConnection({ transport: 'tls' })
      .reads(build.login(compressing, { sequence: 2 }))
      .writes(build.ok(3))
      .reads(compressed(0, query('select 1')))
      .writes(compressed(1, resultSet(['1'])))
      .reads(compressed(0, build.ping))
      .writes(compressed(1, build.ok(1)));
    expect(connection.records.map(({ operation, status }) => [operation, status])).toEqual([
      ['LOGIN', 'ok'],
      ['SELECT', 'ok'],
      ['PING', 'ok'],
    ]);
  });

  it('speaks the protocol before 4.1', () => {
    const flags = Capability.MYSQL | Capability.CONNECT_WITH_DB;
    const greeting = packet(
      ...([
        0,
        10,
        '4.0.27\0',
        le(5, 4),
        'abcdefgh\0',
        le(flags, 2),
        8,
        le(2, 2),
        Buffer.alloc(13),
      ] as const),
    );
    const connection = new ServerConnection()
      .writes(greeting)
      .reads(packet(1, le(flags, 2), le(0xffffff, 3), 'app\0', 'ABCDEFGH\0', 'shop'))
      .writes(packet(2, 0, 0, 0))
      .reads(query('select name from items'))
      .writes(
        bytes(
          packet(1, 1),
          packet(2, 5, 'items', 4, 'name'),
          packet(3, 0xfe),
          packet(4, 3, 'pen'),
          packet(5, 0xfe),
        ),
      )
      .reads(query('delete from items'))
      .writes(packet(1, 0, 2, 0))
      .reads(query('select nope'))
      .writes(packet(1, 0xff, le(1054, 2), "Unknown column 'nope' in 'field list'"));
    expect(connection.records.map(({ operation, status }) => [operation, status])).toEqual([
      ['LOGIN', 'ok'],
      ['SELECT', 'ok'],
      ['DELETE', 'ok'],
      ['SELECT', 'client-error'],
    ]);
    expect(connection.attributes[1]).toMatchObject({
      namespace: 'shop',
      'response.returned_rows': 1,
    });
    expect(connection.attributes[2]).toMatchObject({ affected_rows: 2 });
  });

  it('goes on while the server reports progress', () => {
    const connection = loggedIn()
      .reads(query('alter table items add b int'))
      .writes(packet(1, 0xff, le(0xffff, 2), 1, 1, 2, le(500, 3), 5, 'stage'))
      .writes(build.ok(2, { affected: 5 }));
    expect(connection.records).toMatchObject([{ operation: 'ALTER', status: 'ok' }]);
  });

  it('tells a file that the server asked for from commands, also when the server answers early', () => {
    const connection = loggedIn()
      .reads(query("load data local infile 'f' into table items"))
      .writes(packet(1, 0xfb, 'f'))
      .readsEach(packet(2, 'a'.repeat(300)), packet(3, '\x03select 1'))
      .writes(build.err(4, 1263, '22004', 'Column set to default value'))
      .readsEach(packet(4, 'more'), packet(5))
      .reads(query('select 2'))
      .writes(resultSet(['2']));
    expect(connection.records).toMatchObject([
      {
        operation: 'LOAD',
        status: 'client-error',
        attributes: { 'libtrace.mysql.sqlstate': '22004' },
      },
      { operation: 'SELECT', status: 'ok' },
    ]);
  });

  it('reports events of a binary log until the connection ends', () => {
    const event = (sequence: number): Buffer => packet(sequence, 0, 'an event of some length');
    const connection = loggedIn()
      .reads(packet(0, 0x12, le(4, 4), le(0, 2), le(7, 4), 'binlog.000001'))
      .writesEach(bytes(event(1), event(2)), event(3))
      .reads(packet(0, 0xef, le(4, 8), 'binlog.000001'))
      .writes(event(4))
      .close();
    expect(connection.records).toMatchObject([
      {
        operation: 'BINLOG_DUMP',
        status: 'ok',
        missing: [],
        attributes: { 'libtrace.mysql.events': 4 },
      },
    ]);
  });

  it('says what was not answered, and what was cut short', () => {
    const silent = loggedIn().reads(query('select sleep(5)')).close();
    expect(silent.records).toMatchObject([{ status: 'unanswered', missing: ['response'] }]);
    const cut = loggedIn()
      .reads(query('select a from items'))
      .writes(resultSet(['1', '2', '3']).subarray(0, -20))
      .close();
    expect(cut.records).toMatchObject([
      {
        status: 'unknown',
        missing: ['response.body'],
        attributes: { 'db.response.returned_rows': 1 },
      },
    ]);
  });
});

describe('mysql with bytes missing', () => {
  it('hands on what it knows when a hole hides where packets begin', () => {
    const connection = loggedIn()
      .reads(query('select a from items'))
      .writes(resultSet(['1', '2', '3']).subarray(0, -11), 5000)
      .writes(bytes('the end of a row', packet(200, 1, '9'), build.okEof(201)))
      .reads(query('select b from items'))
      .writes(resultSet(['4']));
    expect(connection.records).toMatchObject([
      {
        status: 'unknown',
        missing: ['response.body', 'response.size'],
        attributes: { 'db.response.returned_rows': 3 },
      },
      { status: 'ok', missing: [], attributes: { 'db.response.returned_rows': 1 } },
    ]);
  });

  it('pairs again behind lost responses', () => {
    const connection = loggedIn()
      .reads(query('select a from items'))
      .misses('out', 500)
      .reads(build.prepare('select ?'))
      .writes(build.prepared(9))
      .reads(build.execute(9))
      .writes(resultSet(['1']));
    expect(connection.records.map(({ operation, missing }) => [operation, missing])).toEqual([
      ['SELECT', ['response']],
      ['SELECT', []],
      ['SELECT', []],
    ]);
    expect(connection.attributes[2]).toMatchObject({ statement_id: 9, 'query.text': 'select ?' });
  });

  it('does not take for known what a lost command may have changed', () => {
    const connection = loggedIn()
      .misses('in', 40)
      .misses('out', 11)
      .reads(query("select 'a\\', 'secret'"))
      .writes(resultSet(['1']))
      .reads(query("select 'a\\'', 'secret'"))
      .writes(resultSet(['1']));
    expect(connection.attributes.map((one) => [one['namespace'], one['query.text']])).toEqual([
      [undefined, undefined],
      [undefined, 'select ?, ?'],
    ]);
  });

  it('finds the next message in what follows a hole', () => {
    const connection = loggedIn()
      .misses('in', 100)
      .misses('out', 100)
      .reads(bytes('the end of a parameter', query('select 1')))
      .writes(bytes('the end of a row', build.okEof(7)))
      .writes(resultSet(['1']))
      .reads(query('select 2'))
      .writes(resultSet(['2']));
    expect(connection.records.at(-1)).toMatchObject({ operation: 'SELECT', missing: [] });
  });

  it('steps over what was not captured of compressed rows', () => {
    const rows = bytes(
      packet(1, 1),
      build.definition(2, 'data'),
      packet(
        3,
        0xfd,
        le(70_000, 3),
        Buffer.from(Array.from({ length: 70_000 }, (_, i) => (i * i) >> 4)),
      ),
      build.okEof(4),
    );
    const whole = compressed(1, rows.subarray(0, 60_000), deflateSync);
    const rest = compressed(2, rows.subarray(60_000), deflateSync);
    const connection = loggedIn({}, compressing)
      .reads(compressed(0, query('select data from items')))
      .writes(whole.subarray(0, 1000), whole.length - 1000)
      .writes(rest)
      .reads(compressed(0, query('select 2')))
      .writes(compressed(1, resultSet(['2'])));
    expect(connection.records).toMatchObject([
      { status: 'ok', missing: ['response.body'], attributes: { 'db.response.returned_rows': 1 } },
      { status: 'ok', missing: [] },
    ]);
  });

  it('goes on behind a compressed packet that is no such thing', () => {
    const broken = bytes(le(30, 3), 1, le(500, 3), 0x78, 0x9c, 'x'.repeat(28));
    const connection = loggedIn({}, compressing)
      .reads(compressed(0, query('select 1')))
      .writes(broken)
      .reads(compressed(0, query('select 2')))
      .writes(compressed(1, resultSet(['2'])));
    expect(connection.records).toMatchObject([
      { status: 'unknown', missing: ['response'] },
      { status: 'ok', missing: [], attributes: { 'db.response.returned_rows': 1 } },
    ]);
  });
});

describe('mysql on connections older than the tracing', () => {
  const joined = (): ServerConnection => new ServerConnection({ midstream: true });

  it('reads what follows, and says nothing of what it cannot know', () => {
    const connection = joined()
      .reads(query('select a from items'))
      .writes(resultSet(['1']))
      .reads(build.execute(5))
      .writes(resultSet(['2']));
    expect(connection.attributes).toEqual([
      {
        command: 'QUERY',
        'query.text': 'select a from items',
        'operation.name': 'SELECT',
        'collection.name': 'items',
        'response.returned_rows': 1,
      },
      { command: 'STMT_EXECUTE', statement_id: 5, 'response.returned_rows': 1 },
    ]);
    expect(connection.records.map(({ operation }) => operation)).toEqual([
      'SELECT',
      'STMT_EXECUTE',
    ]);
  });

  it('learns whether definitions end with an EOF_Packet', () => {
    for (const withEof of [false, true]) {
      const connection = joined()
        .reads(build.prepare('insert into items values (?)'))
        .writes(build.prepared(7, { columns: 0, withEof }))
        .reads(build.execute(7))
        .writes(build.ok(1, { affected: 1 }))
        .reads(build.prepare('select ?'))
        .writes(build.prepared(8, { withEof }))
        .reads(build.ping)
        .writes(build.ok(1));
      expect(connection.records.map(({ operation, missing }) => [operation, missing])).toEqual([
        ['INSERT', []],
        ['INSERT', []],
        ['SELECT', []],
        ['PING', []],
      ]);
      expect(connection.records[0]!.responseBytes).toBe(
        build.prepared(7, { columns: 0, withEof }).length,
      );
    }
  });

  it('steps over an EOF_Packet that comes later than the definitions', () => {
    const prepared = build.prepared(7, { columns: 0, withEof: true });
    const connection = joined()
      .reads(build.prepare('insert into items values (?)'))
      .writesEach(prepared.subarray(0, -9), prepared.subarray(-9))
      .reads(build.execute(7))
      .writes(build.ok(1, { affected: 1 }))
      .reads(build.prepare('update items set a = ?'))
      .writesEach(prepared.subarray(0, -9), prepared.subarray(-9));
    expect(connection.records.map(({ operation, missing }) => [operation, missing])).toEqual([
      ['INSERT', []],
      ['INSERT', []],
      ['UPDATE', []],
    ]);
    expect(connection.records[2]!.responseBytes).toBe(prepared.length);
  });

  it('finds out that packets are compressed, also when it came in between header and body', () => {
    const one = compressed(0, query('select a from items'));
    const connection = joined()
      .reads(one.subarray(7))
      .writes(compressed(1, resultSet(['1'.repeat(60)]), deflateSync))
      .reads(compressed(0, query('select b from items')))
      .writes(compressed(1, resultSet(['2'.repeat(60)]), deflateSync))
      .reads(compressed(0, build.ping))
      .writes(compressed(1, build.ok(1)));
    expect(connection.records.slice(-2)).toMatchObject([
      { operation: 'SELECT', missing: [], attributes: { 'db.response.returned_rows': 1 } },
      { operation: 'PING', missing: [] },
    ]);
  });
});
