// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { Connection } from './connection.test-support.js';
import { kafka } from './index.js';
import {
  apiVersions,
  apiVersionsAnswer,
  batch,
  fetchByIds,
  fetchByIdsAnswer,
  idFor,
  metadata,
  metadataAnswer,
  produce,
  produceAnswer,
  request,
  response,
  sized,
  Wire,
} from './messages.test-support.js';

const opened = (options = {}): Connection =>
  new Connection(options).asks(apiVersions(0)).answers(apiVersionsAnswer(0));
const attributes = (connection: Connection): unknown[] =>
  connection.records.map((record) => record.attributes);

describe('requests and responses', () => {
  it('are one record each pair', () => {
    const asked = produce(1, 'orders', batch(5));
    const answered = produceAnswer(1, 'orders');
    const { records, verdicts } = opened().asks(asked).answers(answered);
    expect(verdicts).toEqual([{ kind: 'protocol', name: 'kafka' }]);
    expect(records).toHaveLength(2);
    expect(records[1]).toMatchObject({
      protocol: 'kafka',
      operation: 'Produce',
      status: 'ok',
      complete: true,
      missing: [],
      requestBytes: asked.length,
      responseBytes: answered.length,
    });
    expect(records[1]?.attributes).toEqual({
      'messaging.system': 'kafka',
      'messaging.operation.name': 'Produce',
      'messaging.operation.type': 'send',
      'messaging.destination.name': 'orders',
      'messaging.destination.partition.id': '3',
      'messaging.client.id': 'client',
      'messaging.batch.message_count': 5,
      'libtrace.kafka.api_key': 0,
      'libtrace.kafka.api_version': 7,
      'libtrace.kafka.correlation_id': 1,
      'libtrace.kafka.acks': -1,
      'libtrace.kafka.record_bytes': batch(5).length,
      'libtrace.kafka.error_code': 0,
    });
  });

  it('are paired by number when 200 are in flight and the answers come in another order', () => {
    const connection = opened();
    const numbers = Array.from({ length: 200 }, (_, i) => 10 + i);
    connection.asks(Buffer.concat(numbers.map((n) => produce(n, `t${n}`, batch(n)))));
    const answers = [...numbers]
      .reverse()
      .map((n) => produceAnswer(n, `t${n}`, n % 3 === 0 ? 6 : 0));
    connection.answers(Buffer.concat(answers));
    const seen = connection.records
      .slice(1)
      .map(({ attributes: a }) => [
        a['libtrace.kafka.correlation_id'],
        a['messaging.destination.name'],
        a['messaging.batch.message_count'],
        a['libtrace.kafka.error_code'],
      ]);
    expect(seen).toEqual([...numbers].reverse().map((n) => [n, `t${n}`, n, n % 3 === 0 ? 6 : 0]));
  });

  it('are the same however their bytes are cut', () => {
    const asked = Buffer.concat([
      apiVersions(0),
      metadata(1, 'orders'),
      produce(2, 'orders', Buffer.concat([batch(1), batch(2)])),
      fetchByIds(3, ['orders'], 2),
    ]);
    const answered = Buffer.concat([
      apiVersionsAnswer(0),
      metadataAnswer(1, 'orders'),
      produceAnswer(2, 'orders', 3),
      fetchByIdsAnswer(3, [['orders', [batch(7), batch(8)]]]),
    ]);
    const whole = new Connection().asks(asked).answers(answered);
    expect(whole.records).toHaveLength(4);
    for (const size of [1, 2, 3, 7, 64]) {
      const connection = new Connection();
      for (const piece of pieces(asked, size)) connection.asks(piece);
      for (const piece of pieces(answered, size)) connection.answers(piece);
      expect(attributes(connection)).toEqual(attributes(whole));
    }
  });

  it('whose size is read by itself are recognized', () => {
    const connection = new Connection();
    for (const message of [metadata(1, 'a'), metadata(2, 'b')]) {
      connection.asks(message.subarray(0, 4)).asks(message.subarray(4));
    }
    connection.answers(metadataAnswer(1, 'a')).answers(metadataAnswer(2, 'b'));
    expect(connection.records.map(({ operation, status }) => [operation, status])).toEqual([
      ['Metadata', 'ok'],
      ['Metadata', 'ok'],
    ]);
  });

  it('of the client are seen from its side', () => {
    const { records } = opened({ role: 'client' }).asks(produce(1, 'a', batch(1)));
    expect(records).toMatchObject([{ operation: 'ApiVersions', role: 'client' }]);
  });
});

describe('a request without answer', () => {
  it('is complete when it asks for none', () => {
    const { records } = opened()
      .asks(produce(1, 'a', batch(2), 0))
      .asks(produce(2, 'a', batch(3)))
      .answers(produceAnswer(2, 'a'));
    expect(records.slice(1)).toMatchObject([
      { operation: 'Produce', status: 'unknown', complete: true, responseBytes: 0 },
      { operation: 'Produce', status: 'ok', complete: true },
    ]);
    expect(records[1]?.attributes).toMatchObject({
      'libtrace.kafka.acks': 0,
      'messaging.batch.message_count': 2,
    });
    expect(records[1]?.attributes['libtrace.kafka.error_code']).toBeUndefined();
  });

  it('that is answered all the same makes no second record', () => {
    const { records } = opened()
      .asks(produce(1, 'a', batch(2), 0))
      .answers(produceAnswer(1, 'a'))
      .asks(produce(2, 'a', batch(3)))
      .answers(produceAnswer(2, 'a'))
      .close();
    expect(records.map(({ operation, complete }) => [operation, complete])).toEqual([
      ['ApiVersions', true],
      ['Produce', true],
      ['Produce', true],
    ]);
  });

  it('may be a long poll of minutes', () => {
    const connection = opened().asks(fetchByIds(1, ['a']));
    connection.pipeline.tick(connection.now + 300e9);
    expect(connection.records).toHaveLength(1);
    connection.answers(fetchByIdsAnswer(1, [['a', []]]));
    expect(connection.records[1]).toMatchObject({ operation: 'Fetch', status: 'ok' });
  });

  it('is unanswered when the connection ends', () => {
    expect(
      opened()
        .asks(fetchByIds(1, ['a']))
        .close().records[1],
    ).toMatchObject({
      operation: 'Fetch',
      status: 'unanswered',
      missing: ['response'],
    });
  });
});

describe('a response', () => {
  it('to a request that was not seen says its number and its size', () => {
    const answered = produceAnswer(9, 'a');
    const connection = opened().answers(answered);
    connection.pipeline.tick(connection.now + 1e9);
    expect(connection.records[1]).toMatchObject({
      operation: 'UNKNOWN',
      status: 'unknown',
      missing: ['request'],
      responseBytes: answered.length,
    });
    expect(connection.records[1]?.attributes).toEqual({
      'messaging.system': 'kafka',
      'libtrace.kafka.correlation_id': 9,
    });
  });

  it('that came before what it answers could not be read', () => {
    const { records } = opened().answers(metadataAnswer(1, 'a')).asks(metadata(1, 'a')).close();
    expect(records.slice(1)).toMatchObject([
      { operation: 'Metadata', status: 'unknown', missing: ['response.body'] },
    ]);
    expect(records[1]?.attributes).not.toHaveProperty(['libtrace.kafka.error_code']);
  });

  it('whose request is captured after it waits for it', () => {
    const connection = opened();
    const asked = produce(1, 'a', batch(1));
    // The event of the request comes late: its bytes moved before those of the response.
    connection.misses('request', asked.length).answers(produceAnswer(1, 'a'));
    connection.misses('request', -asked.length).asks(asked);
    expect(connection.records[1]).toMatchObject({
      operation: 'Produce',
      status: 'ok',
      complete: true,
    });
  });

  it('whose number no client has come to, or that is larger than any, is none', () => {
    for (const strange of [
      response(1_000_000, new Wire().i16(0)),
      response(-1_000_000, new Wire().i16(0)),
      new Wire().i32(0x20000000).i32(9).i64(0).bytes,
    ]) {
      const { records } = opened()
        .answers(strange)
        .asks(produce(1, 'a', batch(1)))
        .answers(produceAnswer(1, 'a'))
        .close();
      expect(records.map(({ operation, status }) => [operation, status])).toEqual([
        ['ApiVersions', 'ok'],
        ['Produce', 'ok'],
      ]);
    }
  });

  const askedInVersion4 = request(18, 4, 1, new Wire().compact('kcat').compact('1.7').tags(), {
    flexible: true,
  });

  it('of ApiVersions is not read as version 0 for another error', () => {
    const { records } = new Connection()
      .asks(askedInVersion4)
      .answers(response(1, new Wire().i16(42).i32(1).i16(18).i16(0).i16(2)));
    expect(records[0]).toMatchObject({ status: 'unknown', missing: ['response.body'] });
    expect(records[0]?.attributes['libtrace.kafka.error_code']).toBeUndefined();
  });

  it('of ApiVersions is read when the broker does not know the version', () => {
    const { records } = new Connection()
      .asks(askedInVersion4)
      .answers(response(1, new Wire().i16(35).i32(1).i16(18).i16(0).i16(2)));
    expect(records[0]).toMatchObject({ operation: 'ApiVersions', status: 'client-error' });
    expect(records[0]?.attributes).toMatchObject({
      'libtrace.kafka.api_version': 4,
      'libtrace.kafka.error_code': 35,
      'libtrace.kafka.error': 'UNSUPPORTED_VERSION',
      'error.type': 'UNSUPPORTED_VERSION',
    });
  });

  it('reports the first error of its partitions', () => {
    const { records } = opened()
      .asks(fetchByIds(1, ['a'], 3))
      .answers(fetchByIdsAnswer(1, [['a', [batch(1), batch(2), batch(3)]]], [0, 6, 9]));
    expect(records[1]).toMatchObject({ status: 'client-error' });
    expect(records[1]?.attributes).toMatchObject({
      'libtrace.kafka.error_code': 6,
      'libtrace.kafka.error': 'NOT_LEADER_OR_FOLLOWER',
      'messaging.batch.message_count': 6,
      'libtrace.kafka.partition_count': 3,
    });
  });
});

describe('topic ids', () => {
  it('are resolved by Metadata on any connection of the plugin', () => {
    const plugin = kafka();
    const consumer = opened({ plugin }).asks(fetchByIds(1, ['first', 'second']));
    opened({ plugin }).asks(metadata(1, 'first')).answers(metadataAnswer(1, 'first'));
    consumer.answers(fetchByIdsAnswer(1, []));
    expect(consumer.records[1]?.attributes).toMatchObject({
      'messaging.destination.name': 'first',
      'libtrace.kafka.topic_ids': [idFor('second').text],
    });
    expect(consumer.records[1]?.attributes['libtrace.kafka.topics']).toBeUndefined();
  });

  it('of zeros stand for none', () => {
    const { records } = opened().asks(metadata(1, 'first')).answers(metadataAnswer(1, 'first'));
    expect(records[1]?.attributes['messaging.destination.name']).toBe('first');
    expect(records[1]?.attributes['libtrace.kafka.topic_ids']).toBeUndefined();
  });

  it('stay ids when their names were never seen', () => {
    const { records } = opened()
      .asks(fetchByIds(1, ['third']))
      .answers(fetchByIdsAnswer(1, []));
    expect(records[1]?.attributes['messaging.destination.name']).toBeUndefined();
    expect(records[1]?.attributes['libtrace.kafka.topic_ids']).toEqual([idFor('third').text]);
  });

  it('are learned from CreateTopics', () => {
    const create = request(
      19,
      7,
      1,
      new Wire()
        .count(1)
        .compact('made')
        .i32(1)
        .i16(1)
        .count(0)
        .count(0)
        .tags()
        .i32(9)
        .i8(0)
        .tags(),
      { flexible: true },
    );
    const created = new Wire().i32(0).count(1).compact('made').raw(idFor('made').bytes).i16(0);
    created.compact(null).i32(1).i16(1).count(0).tags().tags();
    const { records } = opened()
      .asks(create)
      .answers(response(1, created, true))
      .asks(fetchByIds(2, ['made']))
      .answers(fetchByIdsAnswer(2, []));
    expect(records[2]?.attributes['messaging.destination.name']).toBe('made');
  });

  it('name the topics of the answer when a fetch session asks for none', () => {
    const { records } = opened()
      .asks(metadata(1, 'a'))
      .answers(metadataAnswer(1, 'a'))
      .asks(fetchByIds(2, []))
      .answers(fetchByIdsAnswer(2, [['a', [batch(4)]]]))
      .asks(fetchByIds(3, []))
      .answers(fetchByIdsAnswer(3, []));
    expect(records[2]?.attributes).toMatchObject({
      'messaging.destination.name': 'a',
      'messaging.destination.partition.id': '0',
      'messaging.batch.message_count': 4,
    });
    expect(Object.keys(records[3]?.attributes ?? {})).not.toContain('messaging.destination.name');
  });
});

describe('an API', () => {
  it('that is not known has its number for a name', () => {
    const { records } = opened()
      .asks(request(123, 4, 1, new Wire().i64(1)))
      .answers(response(1, new Wire().i16(0)));
    expect(records[1]).toMatchObject({ operation: 'API_123', status: 'unknown', complete: true });
    expect(records[1]?.attributes).toMatchObject({
      'messaging.operation.name': 'API_123',
      'libtrace.kafka.api_key': 123,
      'messaging.client.id': 'client',
    });
  });

  it('in a version that is not known is named, and nothing is said of its body', () => {
    const asked = request(1, 40, 1, new Wire().i64(-1).i64(-1), { flexible: true });
    const { records } = opened()
      .asks(asked)
      .answers(response(1, new Wire().i64(7), true));
    expect(records[1]).toMatchObject({ operation: 'Fetch', status: 'unknown', complete: true });
    expect(records[1]?.attributes['libtrace.kafka.api_version']).toBe(40);
  });

  it('without a client id in its header is ControlledShutdown v0', () => {
    const asked = sized(new Wire().i16(7).i16(0).i32(1).i32(5).bytes);
    const { records } = opened()
      .asks(asked)
      .answers(response(1, new Wire().i16(0).i32(0)));
    expect(records[1]).toMatchObject({ operation: 'ControlledShutdown', status: 'ok' });
    expect(records[1]?.attributes['messaging.client.id']).toBeUndefined();
  });

  it('whose body is not what its version says is not believed', () => {
    const broken = response(1, new Wire().i32(1_000_000).raw(Buffer.alloc(20)));
    const { records } = opened()
      .asks(produce(1, 'a', batch(1)))
      .answers(broken)
      .asks(produce(2, 'a', batch(1)))
      .answers(produceAnswer(2, 'a'));
    expect(records.slice(1)).toMatchObject([
      { operation: 'Produce', status: 'unknown', missing: ['response.body'] },
      { operation: 'Produce', status: 'ok', missing: [] },
    ]);
  });

  it('whose records end behind its body is not believed', () => {
    const body = new Wire().string(null).i16(1).i32(1).i32(1).string('a').i32(1).i32(0).i32(1000);
    const { records } = opened()
      .asks(request(0, 7, 1, body.raw(batch(1))))
      .answers(produceAnswer(1, 'a'))
      .asks(produce(2, 'a', batch(1)))
      .answers(produceAnswer(2, 'a'));
    expect(records.slice(1)).toMatchObject([
      { operation: 'Produce', missing: ['request.body'] },
      { operation: 'Produce', missing: [] },
    ]);
    expect(records[1]?.attributes).not.toHaveProperty(['libtrace.kafka.acks']);
    expect(records[1]?.attributes).not.toHaveProperty(['libtrace.kafka.record_bytes']);
  });

  it('of a client without a name has none', () => {
    const { records } = opened()
      .asks(request(3, 1, 1, new Wire().i32(0), { clientId: null }))
      .answers(response(1, new Wire().i32(0).i32(1).i32(0)));
    expect(records[1]).toMatchObject({ operation: 'Metadata', status: 'ok', complete: true });
    expect(records[1]?.attributes).not.toHaveProperty(['messaging.client.id']);
  });
});

describe('SASL', () => {
  const handshake = (version: number): Buffer =>
    request(17, version, 1, new Wire().string('PLAIN'));
  const agreed = response(1, new Wire().i16(0).i32(1).string('PLAIN'));
  const secret = '\0Alice\0hunter2';

  it('in requests of its own is named, and its bytes are shown nowhere', () => {
    const connection = opened()
      .asks(handshake(1))
      .answers(agreed)
      .asks(request(36, 0, 2, new Wire().records(Buffer.from(secret))))
      .answers(response(2, new Wire().i16(58).string('no').records(Buffer.from('challenge'))));
    expect(connection.records.slice(1)).toMatchObject([
      { operation: 'SaslHandshake', attributes: { 'libtrace.kafka.sasl_mechanism': 'PLAIN' } },
      { operation: 'SaslAuthenticate', attributes: { 'libtrace.kafka.error_code': 58 } },
    ]);
    expect(JSON.stringify(connection.records)).not.toMatch(/hunter2|challenge/);
  });

  for (const [mechanism, tokens] of [
    ['PLAIN', [[secret, '']]],
    [
      'SCRAM-SHA-256',
      [
        ['n,,n=alice,r=fyko+d2lbbFgONRv9qkxdawL', 'r=fyko+d2lbbFgONRv9qkxdawL,s=W22Z,i=4096'],
        ['c=biws,r=fyko,p=dHzbZapWIk4j', 'v=6rriTRBi23Wp'],
      ],
    ],
    [
      'GSSAPI',
      [
        ['\x60\x82\x02\x00\x06\x09binary', '\x05\x04\x01\xff'],
        ['', '\x05'],
      ],
    ],
    ['of numbers that requests may have', [['\0\0\0\x04\0\0\0\0', '\0\0\0\x05\0\0']]],
  ] as const) {
    it(`in bare tokens is stepped over: ${mechanism}`, () => {
      const connection = opened().asks(handshake(0)).answers(agreed);
      for (const [asked, answered] of tokens) {
        connection
          .asks(sized(Buffer.from(asked, 'latin1')))
          .answers(sized(Buffer.from(answered, 'latin1')));
      }
      connection
        .asks(produce(3, 'a', batch(1)))
        .answers(produceAnswer(3, 'a'))
        .close();
      expect(connection.pipeline.stats().resyncs).toBe(0);
      expect(connection.records.map(({ operation, complete }) => [operation, complete])).toEqual([
        ['ApiVersions', true],
        ['SaslHandshake', true],
        ['Produce', true],
      ]);
      expect(JSON.stringify(connection.records)).not.toContain('hunter2');
    });
  }
});

describe('behind SASL in bare tokens', () => {
  it('what is no answer to a request is a token no longer', () => {
    const connection = opened()
      .asks(request(17, 0, 1, new Wire().string('PLAIN')))
      .answers(response(1, new Wire().i16(0).i32(1).string('PLAIN')))
      .asks(sized(Buffer.from('\0a\0b')))
      .answers(sized(Buffer.alloc(0)))
      .asks(produce(2, 'a', batch(1)))
      .answers(produceAnswer(2, 'a'))
      .answers(produceAnswer(3, 'a'))
      .close();
    expect(connection.records.slice(2).map(({ operation }) => operation)).toEqual([
      'Produce',
      'UNKNOWN',
    ]);
  });
});

function pieces(bytes: Buffer, size: number): Buffer[] {
  const list = [];
  for (let at = 0; at < bytes.length; at += size) list.push(bytes.subarray(at, at + size));
  return list;
}
