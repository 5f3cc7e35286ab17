// SPDX-License-Identifier: Apache-2.0
import { ByteView } from '@libtrace/core/plugin';
import { describe, expect, it } from 'vitest';
import { evaluate, validatePlugin } from '../../core/src/inference/index.js';
import { inferenceReach } from '../../core/src/inference/index.js';
import { Connection } from './connection.test-support.js';
import { kafka } from './index.js';
import { inference } from './inference.js';
import {
  apiVersions,
  apiVersionsAnswer,
  batch,
  fetchByIds,
  fetchByIdsAnswer,
  metadata,
  metadataAnswer,
  produce,
  request,
  sized,
  Wire,
} from './messages.test-support.js';

/** What the rules say of the first bytes of a message. */
function says(bytes: Buffer, moved = bytes.length): string {
  const view = new ByteView();
  view.reset(bytes, 0, Math.min(bytes.length, 256), 0, false, 0);
  let short = false;
  for (const rule of inference.rules) {
    const holds = evaluate(rule.when, view, moved);
    if (holds === true) return rule.strength ?? 'certain';
    if (holds === 'short') short = true;
  }
  return short ? 'short' : 'no';
}

describe('what is Kafka', () => {
  it('for certain: requests that are all that moved', () => {
    expect(says(apiVersions(0))).toBe('certain');
    expect(says(metadata(1, 'a'))).toBe('certain');
    expect(says(produce(2, 'a', batch(1)))).toBe('certain');
    expect(says(fetchByIds(3, ['a']))).toBe('certain');
    expect(says(request(68, 1, 15_551_976, new Wire().i64(0)))).toBe('certain');
  });

  it('for certain: ApiVersions, whatever comes with it', () => {
    const first = apiVersions(0);
    expect(says(Buffer.concat([first, metadata(1, 'a')]))).toBe('certain');
    const named = new Wire().compact('apache-kafka-java').compact('4.1.0').tags();
    const current = request(18, 4, 0, named, { clientId: 'adminclient-1', flexible: true });
    expect(says(current)).toBe('certain');
    expect(says(Buffer.concat([current, metadata(1, 'a')]))).toBe('certain');
    expect(says(request(18, 0, 0, new Wire(), { clientId: null }))).toBe('certain');
  });

  it('perhaps: requests of which more or less moved', () => {
    expect(says(Buffer.concat([metadata(1, 'a'), metadata(2, 'a')]))).toBe('likely');
    const large = produce(2, 'a', batch(1, 100_000));
    expect(says(large.subarray(0, 65_536))).toBe('likely');
    expect(says(large.subarray(0, 65_536), large.length)).toBe('certain');
  });

  it('perhaps: requests of clients without a name', () => {
    expect(says(request(3, 1, 4, new Wire().i32(0), { clientId: null }))).toBe('likely');
    expect(says(request(3, 1, 4, new Wire().i32(0), { clientId: '1' }))).toBe('likely');
  });

  it('is not decided before enough has come', () => {
    for (const bytes of [apiVersions(0), metadata(1, 'a'), produce(2, 'a', batch(1))]) {
      for (let cut = 1; cut < Math.min(bytes.length, 256); cut++) {
        expect(says(bytes.subarray(0, cut)), String(cut)).toBe('short');
      }
    }
  });

  it('is not a version or an API that does not exist', () => {
    expect(says(request(0, 14, 1, new Wire().i64(1)))).toBe('no');
    expect(says(request(17, 2, 1, new Wire().i64(1)))).toBe('no');
    expect(says(request(95, 0, 1, new Wire().i64(1)))).toBe('no');
    expect(says(request(60, 7, 1, new Wire().i64(1)))).toBe('no');
  });

  it('is not a request with a negative number', () => {
    expect(says(apiVersions(-5))).toBe('no');
    expect(says(metadata(-5, 'a'))).toBe('no');
  });

  it('is not a start of PostgreSQL, even where only a part of it is seen', () => {
    expect(says(postgres(`user\0${'p'.repeat(500)}\0database\0d\0\0`))).toBe('no');
  });

  it('is not a response', () => {
    for (const bytes of [metadataAnswer(1, 'a'), fetchByIdsAnswer(3, []), apiVersionsAnswer(4)]) {
      expect(says(bytes)).toBe('no');
    }
  });
});

const text = (latin1: string): Buffer => Buffer.from(latin1, 'latin1');
const hex = (digits: string): Buffer => Buffer.from(digits.replaceAll(' ', ''), 'hex');
/** PostgreSQL: a length that counts itself, 3.0, parameters. */
const postgres = (parameters: string): Buffer => {
  const rest = Buffer.concat([hex('00030000'), text(parameters)]);
  return Buffer.concat([new Wire().i32(rest.length + 4).bytes, rest]);
};
const zookeeper = (xid: number, type: number, path: string): Buffer =>
  sized(new Wire().i32(xid).i32(type).records(Buffer.from(path)).i8(0).bytes);

/** First bytes of clients, and some of servers, of other protocols. */
const foreign: Record<string, Buffer> = {
  'ClickHouse hello': text('\0\x11ClickHouse client\x16\x08\xb1\xa9\x03\x07default\x07default\0'),
  'ClickHouse query': text(
    '\x01\0\x01\0\0\t0.0.0.0:0\x01\x06user-1\x04host\x11ClickHouse client\x16\x08',
  ),
  'ClickHouse data': text('\x02\0\x01\0\x02\xff\xff\xff\xff\0\0\0'),
  'HTTP/2 preface': text('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  'HTTP/2 SETTINGS': hex('000012 04 00 00000000 0003 00000064 0004 00100000 0006 00004000'),
  'HTTP/2 WINDOW_UPDATE': hex('000004 08 00 00000000 00ef0001'),
  'HTTP/2 DATA of gRPC': Buffer.concat([
    hex('00003c 00 00 00000001 00 00000037 22 35'),
    text('a message of which all that comes here is text, 53 byt'),
  ]),
  'HTTP/2 DATA of JSON': Buffer.concat([
    hex('000014 00 01 00000001'),
    text('{"key":"value","a":1}'),
  ]),
  'MySQL greeting': text('\x4a\0\0\0\x0a8.0.36\0\x08\0\0\0abcdefgh\0\xff\xff\xff\x02'),
  'MySQL query': text('\x21\0\0\0\x03select @@version_comment limit 1'),
  'MySQL ping': hex('01000000 0e'),
  'MySQL query of 256 bytes': Buffer.concat([
    hex('00010000 03'),
    text('select'.padEnd(255, ' 1,')),
  ]),
  'Redis PING': text('*1\r\n$4\r\nPING\r\n'),
  'Redis inline': text('PING\r\n'),
  'MongoDB hello': hex('3a000000 01000000 00000000 d4070000 00000000 61646d696e2e24636d6400'),
  'MongoDB of 256 bytes': Buffer.concat([
    hex('00010000 01000000 00000000 dd070000 00000000 00'),
    text('document'.repeat(29)),
  ]),
  'MongoDB, request 256': hex('24010000 00010000 00000000 dd070000 0000000000ff'),
  'ZooKeeper connect': sized(
    new Wire().i32(0).i64(0).i32(30_000).i64(0).records(Buffer.alloc(16)).bytes,
  ),
  'ZooKeeper reconnect': sized(
    new Wire().i32(0).i32(1).i32(0x10041).i32(30_000).i64(7).records(Buffer.alloc(16)).bytes,
  ),
  'ZooKeeper getData': zookeeper(1, 4, '/brokers/ids'),
  'ZooKeeper exists, much later': zookeeper(0x10003, 3, '/controller'),
  'ZooKeeper multi': sized(
    new Wire().i32(5).i32(14).i32(1).i8(0).i32(-1).raw(Buffer.alloc(40)).bytes,
  ),
  'ZooKeeper ping': hex('00000008 fffffffe 0000000b'),
  'ZooKeeper answer': sized(
    new Wire().i32(3).i64(0x100000002).i32(0).raw(text('data of a node')).bytes,
  ),
  'PostgreSQL start-up': postgres('user\0postgres\0database\0postgres\0application_name\0psql\0\0'),
  'PostgreSQL start-up, long': postgres(`user\0${'p'.repeat(500)}\0database\0d\0\0`),
  'PostgreSQL SSLRequest': hex('00000008 04d2162f'),
  'Thrift, framed': sized(hex('80010001 00000004 70696e67 00000001 00')),
  'Thrift, framed, not strict': sized(
    Buffer.concat([hex('00000004'), text('ping'), hex('01 00000001 00')]),
  ),
  'Thrift, framed, long name': sized(
    Buffer.concat([hex('0000000b'), text('getUserById'), hex('01 00000001 08 0001 00000001 00')]),
  ),
  'Cassandra OPTIONS': hex('04 00 0001 05 00000000'),
  'Cassandra QUERY': Buffer.concat([
    hex('04 00 0002 07 00000017 00000010'),
    text('SELECT * FROM t;'),
    hex('0001 00'),
  ]),
  'Cassandra answer': hex('84 00 0001 06 00000000'),
  AMQP: text('AMQP\0\0\x09\x01'),
  NATS: text('CONNECT {"verbose":false}\r\n'),
  MQTT: hex('10 10 0004 4d515454 04 02 003c 0004 74657374'),
  RocketMQ: Buffer.concat([
    hex('00000060 0000005c'),
    text('{"code":105,"language":"JAVA","opaque":0,"version":399}'),
  ]),
  Pulsar: hex('00000021 0000001d 0802 12190a0a'),
  'DNS over TCP': hex('001c 1234 0100 0001 0000 0000 0000 03777777'),
  TLS: hex('16 0301 0200 01 0001fc 0303'),
  'memcached, binary': hex('80 00 0003 00 00 0000 00000003 00000000 0000000000000000 666f6f'),
  SMB: hex('00000045 ff534d42 72000000 001843c8'),
  Dubbo: hex('dabb c2 00 0000000000000000 000000e1'),
  zeros: Buffer.alloc(300),
  text: text('hello world, this is a text protocol\r\n'),
};

describe('what is not Kafka', () => {
  for (const [name, bytes] of Object.entries(foreign)) {
    it(name, () => {
      expect(says(bytes)).not.toBe('certain');
      // Neither alone nor twice, from either side.
      for (const role of ['server', 'client', 'unknown'] as const) {
        const connection = new Connection({ role });
        connection.asks(bytes).answers(bytes).asks(bytes).answers(bytes);
        expect(connection.verdicts.filter(({ kind }) => kind === 'protocol')).toEqual([]);
        expect(connection.records).toEqual([]);
      }
    });
  }
});

describe('the plugin', () => {
  it('is valid, and looks at no more than core allows', () => {
    expect(() => validatePlugin(kafka())).not.toThrow();
    expect(inferenceReach([kafka()])).toBeLessThanOrEqual(256);
  });

  it('gives up a connection whose requests are none behind their headers', () => {
    const connection = new Connection({ role: 'server' });
    const looksLikeFetch = request(1, 12, 1, new Wire().raw(Buffer.alloc(90, 0xff)));
    for (let i = 0; i < 40; i++) connection.asks(looksLikeFetch);
    expect(connection.records).toEqual([]);
    expect(connection.verdicts.map(({ kind }) => kind)).toContain('reopen');
  });
});
