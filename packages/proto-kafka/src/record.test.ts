// SPDX-License-Identifier: Apache-2.0
import type { TraceRecord } from '@libtrace/core/plugin';
import { describe, expect, it } from 'vitest';
import { Connection } from './connection.test-support.js';
import {
  apiVersions,
  apiVersionsAnswer,
  idFor,
  metadata,
  metadataAnswer,
  request,
  response,
  Wire,
} from './messages.test-support.js';

/** The record of one exchange. */
function exchange(asked: Buffer, answered: Buffer): TraceRecord {
  const connection = new Connection().asks(apiVersions(0)).answers(apiVersionsAnswer(0));
  connection.asks(asked).answers(answered);
  expect(connection.records).toHaveLength(2);
  return connection.records[1]!;
}

describe('groups', () => {
  it('are named by FindCoordinator, by type', () => {
    const found = new Wire().i32(0).i16(0).string(null).i32(1).string('h').i32(9092);
    const find = (type: number): TraceRecord =>
      exchange(request(10, 1, 1, new Wire().string('payments').i8(type)), response(1, found));
    expect(find(0).attributes).toMatchObject({ 'messaging.consumer.group.name': 'payments' });
    expect(find(1).attributes).toMatchObject({ 'libtrace.kafka.transactional_id': 'payments' });
    expect(find(1).attributes['messaging.consumer.group.name']).toBeUndefined();
    expect(find(2).attributes['messaging.consumer.group.name']).toBeUndefined();
  });

  it('are all named by a FindCoordinator of many', () => {
    const asked = new Wire().i8(0).count(2).compact('one').compact('two').tags();
    const answered = new Wire().i32(0).count(2);
    for (const key of ['one', 'two']) {
      answered
        .compact(key)
        .i32(1)
        .compact('h')
        .i32(9092)
        .i16(key === 'two' ? 15 : 0);
      answered.compact(null).tags();
    }
    const { attributes, status } = exchange(
      request(10, 4, 1, asked, { flexible: true }),
      response(1, answered.tags(), true),
    );
    expect(status).toBe('server-error');
    expect(attributes).toMatchObject({
      'messaging.consumer.group.name': 'one',
      'libtrace.kafka.groups': ['one', 'two'],
      'libtrace.kafka.error': 'COORDINATOR_NOT_AVAILABLE',
    });
  });

  it('and their topics are named by an OffsetFetch of many', () => {
    const asked = new Wire().count(2);
    for (const [group, topic] of [
      ['one', 'a'],
      ['two', 'b'],
    ] as const) {
      asked.compact(group).count(1).compact(topic).count(2).i32(0).i32(1).tags().tags();
    }
    const answered = new Wire().i32(250).count(0).tags();
    const { attributes, status } = exchange(
      request(9, 8, 1, asked.i8(1).tags(), { flexible: true }),
      response(1, answered, true),
    );
    expect(status).toBe('ok');
    expect(attributes).toMatchObject({
      'messaging.operation.name': 'OffsetFetch',
      'libtrace.kafka.groups': ['one', 'two'],
      'messaging.destination.name': 'a',
      'libtrace.kafka.topics': ['a', 'b'],
      'libtrace.kafka.partition_count': 4,
      'libtrace.kafka.throttle_time_ms': 250,
      'libtrace.kafka.error_code': 0,
    });
  });

  it('that join are asked for a member id first', () => {
    const asked = new Wire().string('payments').i32(30_000).i32(60_000).string('').string(null);
    asked.string('consumer').i32(1).string('range').records(Buffer.from('subscription'));
    const answered = new Wire()
      .i32(0)
      .i16(79)
      .i32(-1)
      .string('')
      .string('')
      .string('member-1')
      .i32(0);
    const { attributes, status, operation } = exchange(
      request(11, 5, 1, asked),
      response(1, answered),
    );
    expect([operation, status]).toEqual(['JoinGroup', 'client-error']);
    expect(attributes).toMatchObject({
      'messaging.consumer.group.name': 'payments',
      'libtrace.kafka.error': 'MEMBER_ID_REQUIRED',
      'error.type': 'MEMBER_ID_REQUIRED',
    });
  });
});

describe('topics', () => {
  it('of a Metadata request for all of them are none in particular', () => {
    const asked = request(3, 12, 1, new Wire().varint(0).i8(1).i8(0).tags(), { flexible: true });
    const { attributes } = exchange(asked, metadataAnswer(1, 'a'));
    expect(attributes['messaging.destination.name']).toBeUndefined();
    expect(attributes['libtrace.kafka.error_code']).toBe(0);
  });

  it('are the first 64 of very many', () => {
    const names = Array.from({ length: 1000 }, (_, i) => `topic-${i}`);
    const asked = new Wire().i32(names.length);
    for (const name of names) asked.string(name);
    const answered = new Wire().i32(0).string(null).i32(1).i32(0);
    const { attributes } = exchange(request(3, 2, 1, asked), response(1, answered));
    expect(attributes['messaging.destination.name']).toBe('topic-0');
    expect(attributes['libtrace.kafka.topics']).toEqual(names.slice(0, 64));
  });

  it('are those of resources that are topics', () => {
    const asked = new Wire().count(3);
    for (const [type, name] of [
      [4, '1'],
      [2, 'orders'],
      [32, 'payments'],
    ] as const) {
      asked.i8(type).compact(name).varint(0).tags();
    }
    const { attributes } = exchange(
      request(32, 4, 1, asked.i8(0).i8(0).tags(), { flexible: true }),
      response(1, new Wire().i32(0).count(0).tags(), true),
    );
    expect(attributes).toMatchObject({
      'messaging.operation.name': 'DescribeConfigs',
      'messaging.destination.name': 'orders',
      'messaging.consumer.group.name': 'payments',
    });
    expect(attributes['libtrace.kafka.topics']).toBeUndefined();
  });

  it('that are deleted by id are named when their names are known', () => {
    const connection = new Connection().asks(apiVersions(0)).answers(apiVersionsAnswer(0));
    connection.asks(metadata(1, 'old')).answers(metadataAnswer(1, 'old'));
    const asked = new Wire().count(1).compact(null).raw(idFor('old').bytes).tags().i32(9).tags();
    const answered = new Wire().i32(0).count(1).compact('old').raw(idFor('old').bytes).i16(0);
    connection
      .asks(request(20, 6, 2, asked, { flexible: true }))
      .answers(response(2, answered.compact(null).tags().tags(), true));
    expect(connection.records[2]).toMatchObject({
      operation: 'DeleteTopics',
      status: 'ok',
      attributes: { 'messaging.destination.name': 'old' },
    });
  });
});

describe('transactions', () => {
  it('have an id', () => {
    const { attributes, status } = exchange(
      request(26, 1, 1, new Wire().string('tx-1').i64(9).i16(0).i8(1)),
      response(1, new Wire().i32(0).i16(51)),
    );
    expect(status).toBe('server-error');
    expect(attributes).toMatchObject({
      'messaging.operation.name': 'EndTxn',
      'libtrace.kafka.transactional_id': 'tx-1',
      'libtrace.kafka.error': 'CONCURRENT_TRANSACTIONS',
    });
  });

  it('commit offsets of a group', () => {
    const asked = new Wire().compact('tx-1').compact('group').i64(9).i16(0).i32(1).compact('m');
    asked.compact(null).count(1).compact('orders').count(1).i32(2).i64(5).i32(-1).compact(null);
    const answered = new Wire().i32(0).count(1).compact('orders').count(1).i32(2).i16(0);
    const { attributes } = exchange(
      request(28, 3, 1, asked.tags().tags().tags(), { flexible: true }),
      response(1, answered.tags().tags().tags(), true),
    );
    expect(attributes).toMatchObject({
      'messaging.operation.name': 'TxnOffsetCommit',
      'messaging.operation.type': 'settle',
      'libtrace.kafka.transactional_id': 'tx-1',
      'messaging.consumer.group.name': 'group',
      'messaging.destination.name': 'orders',
      'messaging.destination.partition.id': '2',
      'libtrace.kafka.error_code': 0,
    });
  });
});

describe('error codes', () => {
  const heartbeat = (code: number): TraceRecord =>
    exchange(
      request(12, 1, 1, new Wire().string('g').i32(1).string('m')),
      response(1, new Wire().i32(0).i16(code)),
    );

  it('have names, and tell whose fault it is', () => {
    const seen = [0, -1, 7, 27, 133, 134, 25].map((code) => {
      const { attributes, status } = heartbeat(code);
      return [attributes['libtrace.kafka.error'], attributes['error.type'], status];
    });
    expect(seen).toEqual([
      [undefined, undefined, 'ok'],
      ['UNKNOWN_SERVER_ERROR', 'UNKNOWN_SERVER_ERROR', 'server-error'],
      ['REQUEST_TIMED_OUT', 'REQUEST_TIMED_OUT', 'server-error'],
      ['REBALANCE_IN_PROGRESS', 'REBALANCE_IN_PROGRESS', 'client-error'],
      ['SHARE_SESSION_LIMIT_REACHED', 'SHARE_SESSION_LIMIT_REACHED', 'server-error'],
      ['ERROR_134', 'ERROR_134', 'server-error'],
      ['UNKNOWN_MEMBER_ID', 'UNKNOWN_MEMBER_ID', 'client-error'],
    ]);
  });
});
