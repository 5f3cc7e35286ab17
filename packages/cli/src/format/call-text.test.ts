// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { sampleRecord, type RecordChanges } from '../testing/sample-records.js';
import { describeCall } from './call-text.js';
import { createColors } from './colors.js';
import { PrettyFormatter } from './pretty-line.js';
import { displayWidth } from './terminal-text.js';

function said(changes: RecordChanges): string {
  const { asked, outcome } = describeCall(sampleRecord(changes));
  return outcome === undefined ? asked : `${asked} | ${outcome.tone}: ${outcome.text}`;
}

const mysql = (attributes: object): RecordChanges => ({
  protocol: 'mysql',
  operation: 'SELECT',
  attributes: { 'db.system.name': 'mysql', 'libtrace.mysql.command': 'QUERY', ...attributes },
});
const kafka = (operation: string, attributes: object): RecordChanges => ({
  protocol: 'kafka',
  operation,
  attributes: { 'messaging.system': 'kafka', 'libtrace.kafka.api_version': 9, ...attributes },
});
const grpc = (attributes: object): RecordChanges => ({
  operation: 'POST',
  attributes: {
    'url.path': '/shop.Cart/Add',
    'http.response.status_code': 200,
    'rpc.system': 'grpc',
    'rpc.service': 'shop.Cart',
    'rpc.method': 'Add',
    ...attributes,
  },
});

describe('what a line says of a call', () => {
  it.each<[string, RecordChanges, string]>([
    ['HTTP', {}, 'GET /products/3'],
    [
      'HTTP with a method of its own and a query',
      {
        attributes: {
          'http.request.method_original': 'BREW',
          'url.path': '/p',
          'url.query': 'a=b',
        },
      },
      'BREW /p?a=b',
    ],
    [
      'a stream that was reset',
      {
        status: 'server-error',
        attributes: { 'url.path': '/p', 'libtrace.http.reset_code': 'CANCEL' },
      },
      'GET /p | bad: reset CANCEL',
    ],
    [
      'WebSocket',
      {
        attributes: {
          'url.path': '/chat',
          'libtrace.websocket.request_messages': 4,
          'libtrace.websocket.response_messages': 9,
        },
      },
      'GET /chat | dim: 4→9 messages',
    ],
    ['gRPC', grpc({ 'rpc.grpc.status_code': 0 }), 'shop.Cart/Add'],
    [
      'gRPC that failed',
      {
        ...grpc({ 'rpc.grpc.status_code': 5, 'error.message': 'no such cart' }),
        status: 'client-error',
      },
      'shop.Cart/Add | warning: NOT_FOUND no such cart',
    ],
    [
      'gRPC with a status that has no name',
      { ...grpc({ 'rpc.grpc.status_code': 77 }), status: 'server-error' },
      'shop.Cart/Add | bad: status 77',
    ],
    [
      'streaming gRPC',
      grpc({ 'libtrace.grpc.request_messages': 1, 'libtrace.grpc.response_messages': 250 }),
      'shop.Cart/Add | dim: 1→250 messages',
    ],
    [
      'unary gRPC',
      grpc({ 'libtrace.grpc.request_messages': 1, 'libtrace.grpc.response_messages': 1 }),
      'shop.Cart/Add',
    ],
    [
      'a query',
      mysql({
        'db.query.text': 'SELECT *\n  FROM\tt\nWHERE id = ?',
        'db.response.returned_rows': 1,
      }),
      'SELECT * FROM t WHERE id = ? | dim: 1 row',
    ],
    [
      'a change that changed nothing',
      mysql({
        'db.query.text': 'DELETE FROM t',
        'db.operation.name': 'DELETE',
        'libtrace.mysql.affected_rows': 0,
      }),
      'DELETE FROM t | dim: 0 affected',
    ],
    [
      'a prepared statement',
      mysql({
        'db.query.text': 'SELECT ?',
        'libtrace.mysql.command': 'STMT_EXECUTE',
        'db.response.returned_rows': 12,
      }),
      'EXECUTE SELECT ? | dim: 12 rows',
    ],
    [
      'an error with its number',
      {
        ...mysql({
          'db.query.text': 'SELEC 1',
          'db.response.status_code': '1064',
          'error.type': '1064',
          'error.message': 'You have an error',
        }),
        status: 'client-error',
      },
      'SELEC 1 | warning: 1064 You have an error',
    ],
    [
      'a command without a statement',
      mysql({ 'libtrace.mysql.command': 'INIT_DB', 'db.namespace': 'shop' }),
      'INIT_DB shop',
    ],
    [
      'producing',
      kafka('Produce', {
        'messaging.destination.name': 'orders',
        'messaging.destination.partition.id': '3',
        'messaging.batch.message_count': 12,
      }),
      'Produce orders[3] | dim: 12 records',
    ],
    [
      'fetching from several topics',
      kafka('Fetch', {
        'messaging.destination.name': 'a',
        'libtrace.kafka.topics': ['a', 'b', 'c'],
        'messaging.batch.message_count': 1,
      }),
      'Fetch a +2 | dim: 1 record',
    ],
    [
      'a group',
      kafka('Heartbeat', { 'messaging.consumer.group.name': 'billing' }),
      'Heartbeat billing',
    ],
    [
      'a group that commits',
      kafka('OffsetCommit', {
        'messaging.consumer.group.name': 'billing',
        'messaging.destination.name': 'orders',
      }),
      'OffsetCommit orders (billing)',
    ],
    [
      'an error of Kafka',
      {
        ...kafka('Produce', {
          'messaging.destination.name': 'x',
          'libtrace.kafka.error': 'UNKNOWN_TOPIC_OR_PARTITION',
        }),
        status: 'client-error',
      },
      'Produce x | warning: UNKNOWN_TOPIC_OR_PARTITION',
    ],
    [
      'a protocol by somebody else',
      {
        protocol: 'memcached',
        operation: 'get',
        attributes: {
          'network.protocol.name': 'memcached',
          'libtrace.memcached.operation': 'get',
          'libtrace.memcached.keys': ['a', 'b'],
          'libtrace.memcached.hits': 1,
          'libtrace.memcached.more': 'not shown',
        },
      },
      'get keys=a,b hits=1',
    ],
    [
      'a protocol by somebody else, failing',
      {
        protocol: 'memcached',
        operation: 'set',
        status: 'server-error',
        attributes: { 'libtrace.memcached.key': 'k', 'error.message': 'out of memory' },
      },
      'set key=k | bad: out of memory',
    ],
    ['a protocol that says nothing', { operation: '', attributes: {} }, '?'],
  ])('%s', (_, changes, text) => {
    expect(said(changes)).toBe(text);
  });

  it('is short however long a value is, and escaped', () => {
    const long = `\u001b[2J${'x'.repeat(1_000_000)}`;
    for (const changes of [
      mysql({ 'db.query.text': long, 'error.message': long }),
      { operation: 'get', attributes: { 'a.b': long } },
    ]) {
      const { asked, outcome } = describeCall(sampleRecord(changes));
      expect(asked.length + (outcome?.text.length ?? 0)).toBeLessThan(1000);
      expect(asked + (outcome?.text ?? '')).not.toContain('\u001b');
    }
  });

  it('does not fall over values that attributes cannot have', () => {
    const odd = { 'x.a': { toString: 1 }, 'x.b': null, 'x.c': Symbol('s'), 'x.d': 1n, 'x.e': 7 };
    expect(said({ operation: 'get', attributes: odd })).toBe('get e=7');
  });
});

describe('a pretty line of any protocol', () => {
  const long = 'SELECT name, price FROM products WHERE id IN (?, ?, ?) AND shop = ? ORDER BY price';
  const failed: RecordChanges = {
    ...mysql({
      'db.query.text': long,
      'db.response.status_code': '1146',
      'error.message': "Table 'shop.products' doesn't exist",
    }),
    status: 'client-error',
  };

  it.each([80, 100, 140, 200])('fits %d columns with what came of it', (columns) => {
    const formatter = new PrettyFormatter(createColors(false), () => columns);
    const records = [
      failed,
      mysql({ 'db.query.text': long, 'db.response.returned_rows': 3 }),
      mysql({ 'db.query.text': 'SELECT 1', 'db.response.returned_rows': 1 }),
      { protocol: 'a-very-long-protocol', attributes: {} },
    ];
    for (const changes of records) {
      for (const missing of [[], ['response.body']] as const) {
        const text = formatter.line(sampleRecord({ ...changes, missing }));
        expect(displayWidth(text.trimEnd())).toBeLessThanOrEqual(columns);
      }
    }
  });

  it('keeps what came of a call in sight, at the right', () => {
    const formatter = new PrettyFormatter(createColors(false), () => 120);
    expect(formatter.line(sampleRecord(failed))).toMatch(/SELECT name.*… +1146 Table.*… err/);
    const short = formatter.line(
      sampleRecord(mysql({ 'db.query.text': 'SELECT 1', 'db.response.returned_rows': 1 })),
    );
    expect(short).toMatch(/SELECT 1 {5,}1 row {2}ok/);
  });

  it('drops the package of a remote procedure first', () => {
    const formatter = new PrettyFormatter(createColors(false), () => 80);
    const call = grpc({ 'rpc.service': 'com.example.shop.v1.CartService' });
    expect(formatter.line(sampleRecord(call))).toContain(' CartService/Add ');
  });

  it('calls gRPC by its name, whose plugin is that of HTTP', () => {
    const formatter = new PrettyFormatter(createColors(false), () => 140);
    expect(formatter.line(sampleRecord(grpc({})))).toMatch(/ grpc +shop\.Cart\/Add /);
    expect(formatter.line(sampleRecord())).toMatch(/ http +GET /);
  });

  it('shows client and server where no process is known', () => {
    const packet = sampleRecord({ process: { pid: 0, tid: 0, comm: '' }, role: 'unknown' });
    expect(new PrettyFormatter(createColors(false), () => undefined).line(packet)).toMatch(
      /127\.0\.0\.1:40000 +→ 127\.0\.0\.1:8080 /,
    );
  });
});
