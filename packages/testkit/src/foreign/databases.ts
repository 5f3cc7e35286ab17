// SPDX-License-Identifier: Apache-2.0
import {
  be,
  counted,
  foreign,
  hex,
  join,
  le,
  type ForeignConversation,
} from './foreign-conversation.js';

/** A message of PostgreSQL: a type, a length that counts itself, a body. */
function postgres(type: string, ...parts: readonly (string | Buffer)[]): Buffer {
  const body = join(...parts);
  return join(type, be(body.length + 4, 4), body);
}

/** A message of MongoDB: OP_MSG with one document. */
function mongo(id: number, responseTo: number, document: Buffer): Buffer {
  const body = join(le(0, 4), hex('00'), document);
  return join(le(body.length + 16, 4), le(id, 4), le(responseTo, 4), le(2013, 4), body);
}

/** A BSON document of 32-bit integers and strings. */
function bson(fields: Readonly<Record<string, number | string>>): Buffer {
  const elements = Object.entries(fields).map(([name, value]) =>
    typeof value === 'number'
      ? join('\x10', name, '\0', le(value, 4))
      : join('\x02', name, '\0', le(value.length + 1, 4), value, '\0'),
  );
  const body = join(...elements, '\0');
  return join(le(body.length + 4, 4), body);
}

/** A frame of CQL, version 4. */
function cql(
  response: boolean,
  stream: number,
  opcode: number,
  ...parts: readonly (string | Buffer)[]
): Buffer {
  const head = hex(response ? '8400' : '0400');
  return join(head, be(stream, 2), be(opcode, 1), counted(4, ...parts));
}

/** A string of ClickHouse's native protocol, shorter than 128 bytes. */
function clickhouse(text: string): Buffer {
  return counted(1, text);
}

/** A packet of Tabular Data Stream. */
function tds(type: number, ...parts: readonly (string | Buffer)[]): Buffer {
  const body = join(...parts);
  return join(be(type, 1), hex('01'), be(body.length + 8, 2), hex('00000100'), body);
}

/** A TNS packet of Oracle Net. */
function tns(type: number, ...parts: readonly (string | Buffer)[]): Buffer {
  const body = join(...parts);
  return join(be(body.length + 8, 2), hex('0000'), be(type, 1), hex('000000'), body);
}

/** Databases. */
export const databases: readonly ForeignConversation[] = [
  // PostgreSQL's frontend/backend protocol 3.0
  foreign('postgresql', 5432, [
    ['client', hex('00000008 04d2162f')],
    ['server', 'N'],
    ['client', counted4Self(hex('00030000'), 'user\0app\0database\0shop\0\0')],
    ['server', postgres('R', be(10, 4), 'SCRAM-SHA-256\0\0')],
    ['client', postgres('p', 'SCRAM-SHA-256\0', counted(4, 'n,,n=,r=rOprNGfwEbeRWgbNEkqO'))],
    [
      'server',
      postgres('R', be(11, 4), 'r=rOprNGfwEbeRWgbNEkqO%hvYDp,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096'),
    ],
    ['client', postgres('p', 'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDp,p=dHzbZapWIk4jUhN+Ute9ytag9zjf')],
    [
      'server',
      join(
        postgres('R', be(0, 4)),
        postgres('S', 'server_version\x0015.4\0'),
        postgres('K', be(4711, 4), be(815, 4)),
        postgres('Z', 'I'),
      ),
    ],
    ['client', postgres('Q', "SELECT id FROM item WHERE name = 'a'\0")],
    [
      'server',
      join(
        postgres(
          'T',
          be(1, 2),
          'id\0',
          be(16384, 4),
          be(1, 2),
          be(23, 4),
          be(4, 2),
          hex('ffffffff0000'),
        ),
        postgres('D', be(1, 2), counted(4, '42')),
        postgres('C', 'SELECT 1\0'),
        postgres('Z', 'I'),
      ),
    ],
  ]),
  // MongoDB's wire protocol
  foreign('mongodb', 27017, [
    ['client', mongo(1, 0, bson({ hello: 1, $db: 'admin' }))],
    ['server', mongo(100, 1, bson({ isWritablePrimary: 1, maxWireVersion: 17, ok: 1 }))],
    ['client', mongo(2, 0, bson({ find: 'item', limit: 1, $db: 'shop' }))],
    ['server', mongo(101, 2, bson({ cursor: 'none', ok: 1 }))],
  ]),
  foreign('mongodb OP_QUERY', 27017, [
    [
      'client',
      (() => {
        const body = join(
          le(0, 4),
          'admin.$cmd\0',
          le(0, 4),
          hex('ffffffff'),
          bson({ isMaster: 1 }),
        );
        return join(le(body.length + 16, 4), le(7, 4), le(0, 4), le(2004, 4), body);
      })(),
    ],
    [
      'server',
      (() => {
        const body = join(le(8, 4), le(0, 4), le(0, 4), le(0, 4), le(1, 4), bson({ ismaster: 1 }));
        return join(le(body.length + 16, 4), le(8, 4), le(7, 4), le(1, 4), body);
      })(),
    ],
  ]),
  // Cassandra's native protocol, version 4
  foreign('cassandra', 9042, [
    ['client', cql(false, 0, 5)],
    ['server', cql(true, 0, 6, be(1, 2), counted(2, 'CQL_VERSION'), be(1, 2), counted(2, '3.4.4'))],
    ['client', cql(false, 1, 1, be(1, 2), counted(2, 'CQL_VERSION'), counted(2, '3.0.0'))],
    ['server', cql(true, 1, 2)],
    ['client', cql(false, 2, 7, counted(4, 'SELECT key FROM system.local'), be(1, 2), hex('00'))],
    ['server', cql(true, 2, 8, be(1, 4))],
    ['client', cql(false, 3, 7, counted(4, 'SELECT x'), be(1, 2), hex('00'))],
    ['server', cql(true, 3, 0, be(0x2000, 4), counted(2, 'line 1:8 no viable alternative'))],
  ]),
  // ClickHouse's native protocol (ClickHouse/docs, native protocol: hello, ping, query)
  foreign('clickhouse', 9000, [
    [
      'client',
      join(
        hex('00'),
        clickhouse('ClickHouse client'),
        hex('1602adaa03'),
        clickhouse('default'),
        clickhouse('app'),
        clickhouse(''),
      ),
    ],
    [
      'server',
      join(
        hex('00'),
        clickhouse('ClickHouse'),
        hex('1602adaa03'),
        clickhouse('UTC'),
        clickhouse('db1'),
        hex('02'),
      ),
    ],
    ['client', hex('04')],
    ['server', hex('04')],
    [
      'client',
      join(
        hex('01'),
        clickhouse('5c9a0c1e-query'),
        hex('01'),
        clickhouse(''),
        clickhouse(''),
        clickhouse('0.0.0.0:0'),
        hex('01'),
        clickhouse('app'),
        clickhouse('SELECT 1'),
      ),
    ],
    [
      'server',
      join(
        hex('0100 0100 02ffffffff 00 0101'),
        clickhouse('1'),
        clickhouse('UInt8'),
        hex('01'),
        hex('05'),
      ),
    ],
  ]),
  // [MS-TDS] 2.2
  foreign('mssql', 1433, [
    [
      'client',
      tds(0x12, hex('0000150006 01001b0001 02001c0001 03001d0000 ff 0f000000 0000 00 00')),
    ],
    ['server', tds(0x04, hex('0000150006 01001b0001 02001c0001 ff 0f0007d0 0000 02 00'))],
    ['client', tds(0x01, Buffer.from('SELECT 1', 'utf16le'))],
    ['server', tds(0x04, hex('8101 000000000000003800 00 d101000000 fd1000c1000100000000000000'))],
  ]),
  // Oracle Net: connect, accept
  foreign('oracle', 1521, [
    [
      'client',
      tns(
        1,
        hex('013e012c0c41200000ff7f084f9800000100'),
        hex('0032000000000000'),
        '(DESCRIPTION=(CONNECT_DATA=(SID=xe)))',
      ),
    ],
    ['server', tns(2, hex('013e0000200000ff01000000'))],
    ['client', tns(6, hex('0000deadbeef00920b10060000040000040003'))],
    ['server', tns(6, hex('0000deadbeef00750b10060000040000000003'))],
  ]),
  // https://neo4j.com/docs/bolt: handshake, HELLO, SUCCESS
  foreign('neo4j', 7687, [
    ['client', hex('6060b017 00000404 00000304 00000003 00000000')],
    ['server', hex('00000404')],
    ['client', join(counted(2, hex('b101a1'), '\x8auser_agent', '\x83a/1'), hex('0000'))],
    ['server', join(counted(2, hex('b170a1'), '\x86server', '\x87Neo4j/4'), hex('0000'))],
  ]),
];

/** A PostgreSQL start-up packet: a length that counts itself, no type. */
function counted4Self(...parts: readonly (string | Buffer)[]): Buffer {
  const body = join(...parts);
  return join(be(body.length + 4, 4), body);
}
