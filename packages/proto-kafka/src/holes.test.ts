// SPDX-License-Identifier: Apache-2.0
// Bytes that were not captured, and connections that are older than the tracer.
import { ByteView } from '@libtrace/core/plugin';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { BodyReader } from './body-reader.js';
import { Connection } from './connection.test-support.js';
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
  Wire,
} from './messages.test-support.js';
import { MessageSearch } from './search.js';

const KIB = 1024;
const SEGMENT = 64 * KIB;

const opened = (options = {}): Connection =>
  new Connection(options).asks(apiVersions(0)).answers(apiVersionsAnswer(0));
const summary = (connection: Connection): unknown[] =>
  connection.records.map((record) => [
    record.operation,
    record.attributes['libtrace.kafka.error_code'],
    record.attributes['messaging.batch.message_count'],
    record.missing.join(),
  ]);

describe('large messages', () => {
  const partitions = 50;
  const records = Array.from({ length: partitions }, (_, p) =>
    Buffer.concat([batch(p + 1, 10 * KIB), batch(100, 12 * KIB)]),
  );
  const expected = (partitions * (partitions + 1)) / 2 + 100 * partitions;
  const answer = fetchByIdsAnswer(1, [['a', records]]);

  it('of a megabyte are counted exactly, in segments of 64 KiB', () => {
    const connection = opened().asks(fetchByIds(1, ['a'], partitions));
    expect(answer.length).toBeGreaterThan(KIB * KIB);
    for (let at = 0; at < answer.length; at += SEGMENT) {
      connection.answers(answer.subarray(at, at + SEGMENT));
    }
    expect(summary(connection)[1]).toEqual(['Fetch', 0, expected, '']);
    expect(connection.records[1]).toMatchObject({ responseBytes: answer.length });
    expect(connection.pipeline.stats().cappedBytes).toBe(0);
  });

  it('of which one write was captured in part end where they say', () => {
    const connection = opened()
      .asks(fetchByIds(1, ['a'], partitions))
      .answers(answer.subarray(0, SEGMENT), answer.length - SEGMENT)
      .asks(produce(2, 'a', batch(7)))
      .answers(produceAnswer(2, 'a'));
    // What the partitions behind the hole said is not known: neither that there was no error.
    expect(summary(connection).slice(1)).toEqual([
      ['Fetch', undefined, undefined, 'response.body'],
      ['Produce', 0, 7, ''],
    ]);
    expect(connection.records[1]).toMatchObject({
      status: 'unknown',
      responseBytes: answer.length,
    });
    expect(connection.records[1]?.attributes).toMatchObject({
      'messaging.operation.name': 'Fetch',
      'libtrace.kafka.partition_count': partitions,
    });
    expect(connection.records[1]?.attributes).not.toHaveProperty(['libtrace.kafka.record_bytes']);
  });

  it('that name one partition before the hole may name more', () => {
    const bytes = fetchByIds(1, ['a'], 2);
    const visible = bytes.indexOf(idFor('a').bytes) + 16 + 1 + 33;
    const { records: seen } = opened()
      .asks(bytes.subarray(0, visible), bytes.length - visible)
      .answers(fetchByIdsAnswer(1, []));
    expect(seen[1]?.attributes['libtrace.kafka.topic_ids']).toEqual([idFor('a').text]);
    expect(seen[1]?.attributes).not.toHaveProperty(['messaging.destination.partition.id']);
  });

  it('keep an error that was read before the hole', () => {
    const failed = fetchByIdsAnswer(1, [['a', records]], [0, 3]);
    const { records: seen } = opened()
      .asks(fetchByIds(1, ['a'], partitions))
      .answers(failed.subarray(0, SEGMENT), failed.length - SEGMENT);
    expect(seen[1]).toMatchObject({ status: 'client-error', missing: ['response.body'] });
    expect(seen[1]?.attributes['libtrace.kafka.error']).toBe('UNKNOWN_TOPIC_OR_PARTITION');
  });

  it('whose records alone were not captured are known but for their number', () => {
    // A broker writes the heads of partitions, and has the kernel send what is on its disk.
    const [first, second] = [batch(5, 300), batch(6, 5000)];
    const bytes = fetchByIdsAnswer(1, [['a', [first, second]]], [0, 0]);
    const firstAt = bytes.indexOf(first);
    const secondAt = bytes.indexOf(second);
    const connection = opened()
      .asks(fetchByIds(1, ['a'], 2))
      .answers(bytes.subarray(0, firstAt), first.length)
      .answers(bytes.subarray(firstAt + first.length, secondAt), second.length)
      .answers(bytes.subarray(secondAt + second.length))
      .asks(metadata(2, 'a'))
      .answers(metadataAnswer(2, 'a'));
    expect(summary(connection).slice(1)).toEqual([
      ['Fetch', 0, undefined, 'response.body'],
      ['Metadata', 0, undefined, ''],
    ]);
    expect(connection.records[1]?.attributes).toMatchObject({
      'libtrace.kafka.record_bytes': first.length + second.length,
      'libtrace.kafka.partition_count': 2,
    });
  });

  it('that are produced are counted by what was captured of them', () => {
    const bytes = produce(1, 'a', batch(123, 900 * KIB));
    const connection = opened()
      .asks(bytes.subarray(0, SEGMENT), bytes.length - SEGMENT)
      .answers(produceAnswer(1, 'a'));
    expect(summary(connection)[1]).toEqual(['Produce', 0, 123, 'request.body']);
    expect(connection.records[1]).toMatchObject({ requestBytes: bytes.length });
  });
});

describe('behind a hole', () => {
  it('in a message of which the size is known, the next one is read', () => {
    for (const cut of [16, 20, 30, 60]) {
      const bytes = fetchByIds(1, ['a', 'b'], 3);
      const connection = opened()
        .asks(bytes.subarray(0, 20 + cut), bytes.length - 20 - cut)
        .answers(fetchByIdsAnswer(1, []))
        .asks(produce(2, 'a', batch(2)))
        .answers(produceAnswer(2, 'a'));
      expect(summary(connection).slice(1)).toEqual([
        ['Fetch', 0, undefined, 'request.body'],
        ['Produce', 0, 2, ''],
      ]);
    }
  });

  it('between messages, requests are found by what they are', () => {
    const lost = produce(1, 'a', batch(1));
    const connection = opened()
      .misses('request', lost.length)
      .asks(
        Buffer.concat([Buffer.alloc(40, 0), produce(2, 'b', batch(2)), produce(3, 'c', batch(3))]),
      )
      .answers(produceAnswer(2, 'b'))
      .answers(produceAnswer(3, 'c'));
    expect(summary(connection).slice(1)).toEqual([
      ['Produce', 0, 2, ''],
      ['Produce', 0, 3, ''],
    ]);
  });

  it('between messages, responses are found by their requests', () => {
    const connection = opened()
      .asks(Buffer.concat([1, 2, 3].map((n) => produce(n, `t${n}`, batch(n)))))
      .misses('response', produceAnswer(1, 't1').length - 10)
      .answers(
        Buffer.concat([
          produceAnswer(1, 't1').subarray(-10),
          produceAnswer(2, 't2'),
          produceAnswer(3, 't3'),
        ]),
      )
      .close();
    expect(
      connection.records
        .slice(1)
        .map(({ attributes, status }) => [attributes['messaging.destination.name'], status]),
    ).toEqual([
      ['t2', 'ok'],
      ['t3', 'ok'],
      ['t1', 'unknown'],
    ]);
  });

  it('an answer that was given is not found again', () => {
    const connection = opened()
      .asks(produce(1, 'a', batch(1)))
      .answers(produceAnswer(1, 'a'))
      .asks(produce(2, 'a', batch(1)))
      .misses('response', 10)
      .answers(Buffer.concat([produceAnswer(1, 'a'), produceAnswer(2, 'a')]))
      .close();
    expect(summary(connection).slice(1)).toEqual([
      ['Produce', 0, 1, ''],
      ['Produce', 0, 1, ''],
    ]);
  });

  it('what another client asks is text in a message', () => {
    const quoted = request(12, 1, 7, new Wire().string('g').i32(1).string('m'), {
      clientId: 'another',
    });
    const connection = opened()
      .misses('request', 100)
      .asks(Buffer.concat([quoted, produce(2, 'b', batch(2))]))
      .close();
    expect(connection.records.slice(1).map(({ operation }) => operation)).toEqual(['Produce']);
  });

  it('what is no message behind its header is none', () => {
    // Metadata of two thousand million topics.
    const head = request(3, 1, 7, new Wire().i32(0x7ffffff0).raw(Buffer.alloc(2000)));
    const connection = opened()
      .misses('request', 100)
      .asks(head.subarray(0, 200))
      .asks(Buffer.concat([Buffer.alloc(50, 0xff), produce(2, 'b', batch(2))]))
      .close();
    expect(connection.records.slice(1).map(({ operation }) => operation)).toEqual(['Produce']);
  });

  it('a request whose body says little must be followed by another', () => {
    // DescribeCluster v0 may be any three bytes, and nothing that begins with 0xff is a request.
    const quoted = request(60, 0, 7, new Wire().tags().i8(1).tags(), {});
    const connection = opened()
      .misses('request', 100)
      .asks(Buffer.concat([quoted, Buffer.alloc(60, 0xff), produce(2, 'b', batch(2))]))
      .close();
    expect(connection.records.slice(1).map(({ operation }) => operation)).toEqual(['Produce']);
  });

  it('a response whose body says little must fit what is around it', () => {
    const quoted = response(1, new Wire().i32(0).i16(0).i64(1));
    const answer = response(1, new Wire().i32(0).i16(27).records(Buffer.from('assigned')));
    const connection = opened()
      .asks(request(14, 1, 1, new Wire().string('g').i32(1).string('m').i32(0)))
      .misses('response', 10)
      .answers(Buffer.concat([quoted, Buffer.alloc(9, 0xff), answer]));
    expect(summary(connection)[1]).toEqual(['SyncGroup', 27, undefined, '']);
  });

  it('a response has an error and a delay that can be', () => {
    const quoted = [
      response(1, new Wire().i32(0x7fffffff).i16(0)),
      response(1, new Wire().i32(0).i16(0x7070)),
    ];
    const connection = opened()
      .asks(request(12, 1, 1, new Wire().string('g').i32(1).string('m')))
      .misses('response', 10)
      .answers(Buffer.concat([...quoted, response(1, new Wire().i32(0).i16(27))]));
    expect(summary(connection)[1]).toEqual(['Heartbeat', 27, undefined, '']);
  });

  it('a response whose request was not seen is none, even where nothing else is to be seen', () => {
    const answer = fetchByIdsAnswer(1, [['a', [batch(3)]]]);
    const strange = [
      response(3, new Wire().raw(Buffer.alloc(200))),
      // A header with a tagged field.
      response(1, new Wire().varint(1).varint(0).varint(120).raw(Buffer.alloc(200))),
    ];
    for (const bytes of strange) {
      const connection = opened()
        .asks(fetchByIds(1, ['a']))
        .misses('response', 10)
        .answers(bytes.subarray(0, 100))
        .answers(answer)
        .close();
      expect(summary(connection).slice(1)).toEqual([['Fetch', 0, 3, '']]);
    }
  });

  it('a request that goes on behind what is seen is one by its client, and by enough of it', () => {
    const view = new ByteView();
    const find = (clientId: string, bytes: number, seen: boolean): number => {
      const body = new Wire().string(null).i16(1).i32(1).i32(1).string('a').i32(1).i32(3);
      const message = request(0, 7, 7, body.records(batch(1, 1000)), { clientId });
      view.reset(message, 0, bytes, 0, false, 0);
      return new MessageSearch().request(view, 0, { seen, id: seen ? clientId : undefined });
    };
    expect(find('abc', 200, false)).toBe(0);
    expect(find('ab', 200, false)).toBe(-1);
    expect(find('ab', 200, true)).toBe(0);
    expect(find('abc', 60, false)).toBe(-1);
  });

  it('so much is tried, and no more', () => {
    const tried = vi.spyOn(BodyReader.prototype, 'read');
    onTestFinished(() => tried.mockRestore());
    const view = new ByteView();
    const heads = Buffer.concat(
      Array.from({ length: 10_000 }, () => request(3, 1, 7, new Wire().i32(-2))),
    );
    view.reset(heads, 0, heads.length, 0, false, 0);
    const found = new MessageSearch().request(view, 0, { seen: true, id: 'client' });
    expect(found).toBe(-1);
    expect(tried.mock.calls.length).toBeLessThanOrEqual(32);
  });

  it('nothing is found in bytes that only look like numbers', () => {
    const connection = opened().misses('request', 10);
    for (let i = 0; i < 50; i++) connection.asks(Buffer.alloc(5000, i % 9));
    connection.asks(produce(9, 'a', batch(1))).answers(produceAnswer(9, 'a'));
    expect(summary(connection).slice(1)).toEqual([['Produce', 0, 1, '']]);
  });
});

describe('a connection that is older than the tracer', () => {
  it('is followed from the next request on', () => {
    const connection = new Connection({ midstream: true, role: 'unknown' });
    const cut = fetchByIdsAnswer(4, [['a', [batch(9, 3000)]]]);
    connection.answers(cut.subarray(-2000));
    for (const n of [5, 6, 7])
      connection.asks(produce(n, 'a', batch(n))).answers(produceAnswer(n, 'a'));
    expect(summary(connection)).toEqual([5, 6, 7].map((n) => ['Produce', 0, n, '']));
    expect(connection.records[0]).toMatchObject({ role: 'server' });
  });

  it('does not take the answer to an earlier request for the answer to a later one', () => {
    const connection = new Connection({ midstream: true });
    connection
      .asks(produce(8, 'a', batch(8)))
      .answers(produceAnswer(7, 'a'))
      .answers(produceAnswer(8, 'a'));
    expect(summary(connection)).toEqual([['Produce', 0, 8, '']]);
  });
});
