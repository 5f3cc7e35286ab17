// SPDX-License-Identifier: Apache-2.0
import { deflateSync } from 'node:zlib';
import { ByteView, type Side } from '@libtrace/core/plugin';
import { describe, expect, it } from 'vitest';
import { inferenceReach, matchPlugin, validatePlugin } from '../../core/src/inference/index.js';
import { mysql } from './index.js';
import * as build from './packets.test-support.js';
import { bytes, compressed, le, packet } from './packets.test-support.js';

const plugin = mysql();

function match(data: Uint8Array, side?: Side, length = data.length): string {
  const view = new ByteView();
  view.reset(Buffer.from(data), 0, data.length, 0, false, 0);
  const found = matchPlugin(plugin, view, length, side);
  if (found === undefined || found === 'short') return found ?? 'none';
  return `${found.strength} ${found.says}`;
}

describe('inference', () => {
  it('is valid and looks at few bytes', () => {
    expect(() => validatePlugin(plugin)).not.toThrow();
    expect(inferenceReach([plugin])).toBeLessThanOrEqual(64);
  });

  it('knows how connections begin', () => {
    expect(match(build.greeting())).toBe('certain response');
    expect(match(build.greeting(build.allCapabilities, '5.5.5-10.11.6-MariaDB-log'))).toBe(
      'certain response',
    );
    expect(match(build.greeting(build.allCapabilities, '12.0.1-MariaDB'))).toBe('certain response');
    expect(match(build.login())).toBe('certain request');
    expect(match(build.login(build.allCapabilities, { sequence: 2 }))).toBe('certain request');
    const flags = le(build.allCapabilities | 0x800, 4);
    expect(match(packet(1, flags, le(2 ** 24, 4), 45, Buffer.alloc(23)))).toBe('certain request');
    expect(match(build.err(0, 1040, '08004', 'Too many connections'))).toBe('certain response');
    expect(match(build.err(0, 1040, '', 'Too many connections'))).toBe('certain response');
    expect(match(build.err(0, 1130, '', "Host '10.0.0.9' is not allowed"))).toBe(
      'certain response',
    );
  });

  it('knows the beginning of a greeting and of a login', () => {
    expect(match(build.greeting().subarray(0, 12))).toBe('certain response');
    expect(match(build.greeting().subarray(0, 4))).toBe('short');
    expect(match(build.login().subarray(0, 40))).toBe('certain request');
    expect(match(build.login().subarray(0, 20))).toBe('short');
  });

  it('knows commands and responses of older connections', () => {
    for (const sql of [
      'select 1',
      'INSERT into t',
      'Begin',
      'commit',
      'use a',
      'set a=1',
      'show x',
    ]) {
      expect(match(build.query(sql))).toBe('certain request');
      expect(match(build.prepare(sql))).toBe('certain request');
      expect(match(packet(0, 3, 0, 1, sql))).toBe('certain request');
      expect(match(compressed(0, build.query(sql)))).toBe('certain request');
    }
    expect(match(build.execute(5))).toBe('certain request');
    expect(match(build.resultSet(['a']))).toBe('certain response');
    expect(match(build.err(1, 1146, '42S02', 'no such table'))).toBe('certain response');
    for (const command of [build.ping, build.quit, packet(0, 0x19, le(7, 4)), packet(0, 0x1f)]) {
      expect(match(command)).toBe('likely request');
    }
    expect(match(build.ok(1))).toBe('likely response');
    expect(match(build.prepared(7))).toBe('likely response');
    expect(match(build.prepared(7, { columns: 0, parameters: 0 }))).toBe('likely response');
    expect(match(compressed(0, build.ping))).toBe('likely request');
    expect(match(compressed(1, build.ok(1)))).toBe('likely response');
    expect(match(compressed(1, build.resultSet(['a'])))).toBe('likely response');
    const long = build.query(`select '${'x'.repeat(200)}'`);
    expect(match(compressed(0, long, deflateSync))).toBe('likely request');
    expect(match(compressed(1, build.resultSet(['a'.repeat(100)]), deflateSync))).toBe(
      'likely response',
    );
  });

  it('knows a command whose header was read before', () => {
    // core puts the four bytes before the rest and counts them
    expect(plugin.inference.carryHeaderBytes).toBe(4);
    expect(match(build.query('select 1').subarray(0, 4))).toBe('short');
    expect(match(build.query('select 1'))).toBe('certain request');
  });

  it('wants lengths to be right', () => {
    const query = build.query('select 1');
    expect(match(query, undefined, query.length + 1)).toBe('none');
    expect(match(build.greeting(), undefined, 4000)).toBe('none');
    expect(match(build.ok(1), undefined, 12)).toBe('none');
  });

  const others: Readonly<Record<string, Uint8Array>> = {
    'HTTP/1': bytes('GET /select HTTP/1.1\r\nHost: a\r\n\r\n'),
    'HTTP/1 response': bytes('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'),
    'HTTP/2 preface': bytes(
      'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
      0,
      0,
      18,
      4,
      0,
      0,
      0,
      0,
      0,
      Buffer.alloc(18),
    ),
    'HTTP/2 settings': bytes(0, 0, 0, 4, 1, 0, 0, 0, 0),
    'HTTP/2 data': bytes(0, 1, 0, 0, 1, 0, 0, 0, 3, 'select'.repeat(43).slice(0, 256)),
    'TLS hello': bytes(0x16, 3, 1, 0, 60, 1, 0, 0, 56, 3, 3, 'R'.repeat(55)),
    'TLS data': bytes(0x17, 3, 3, 0, 40, 's'.repeat(40)),
    'Kafka metadata': bytes(0, 0, 0, 16, 0, 3, 0, 0, 0, 0, 0, 1, 0, 2, 'id', 0, 0, 0, 0),
    'Kafka of 256 bytes': bytes(
      0,
      0,
      1,
      0,
      0,
      3,
      0,
      1,
      0,
      0,
      0,
      5,
      0,
      6,
      'select',
      Buffer.alloc(240),
    ),
    'Kafka of 768 bytes': bytes(0, 0, 3, 0, 0, 22, 0, 1, Buffer.alloc(764, 's')),
    Redis: bytes('*2\r\n$3\r\nGET\r\n$6\r\nselect\r\n'),
    'Redis answer': bytes('+OK\r\n'),
    'PostgreSQL startup': bytes(0, 0, 0, 22, 0, 3, 0, 0, 'user\0postgres\0\0'),
    'PostgreSQL of 256 bytes': bytes(0, 0, 1, 0, 0, 3, 0, 0, 'user\0', Buffer.alloc(243)),
    'PostgreSQL query': bytes('Q', 0, 0, 0, 22, 'select * from ab;\0'),
    'PostgreSQL query 2': bytes('Q', 0, 0, 0, 3, 'select 1;'),
    'PostgreSQL ready': bytes('Z', 0, 0, 0, 5, 'I'),
    'MongoDB message': bytes(le(40, 4), le(1, 4), le(0, 4), le(2013, 4), Buffer.alloc(24)),
    MQTT: bytes(0x10, 12, 0, 4, 'MQTT', 4, 2, 0, 60, 0, 0),
    'MQTT ping': bytes(0xc0, 0),
    AMQP: bytes('AMQP', 0, 0, 9, 1),
    'AMQP heartbeat': bytes(8, 0, 0, 0, 0, 0, 0, 0xce),
    'Cassandra options': bytes(4, 0, 0, 0, 5, 0, 0, 0, 0),
    'Cassandra options 5': bytes(5, 0, 0, 0, 5, 0, 0, 0, 0),
    'Cassandra startup': bytes(
      4,
      0,
      0,
      0,
      1,
      0,
      0,
      0,
      22,
      0,
      1,
      0,
      11,
      'CQL_VERSION',
      0,
      5,
      '3.0.0',
    ),
    'DNS over TCP': bytes(
      0,
      29,
      0x12,
      0x34,
      1,
      0,
      0,
      1,
      0,
      0,
      0,
      0,
      0,
      0,
      7,
      'example',
      3,
      'com',
      0,
      0,
      1,
      0,
      1,
    ),
    ZooKeeper: bytes(0, 0, 0, 44, Buffer.alloc(44)),
    SSH: bytes('SSH-2.0-OpenSSH_9.2\r\n'),
    NATS: bytes('INFO {"server_id":"a"}\r\n'),
    SMTP: bytes('220 mail.example.com ESMTP\r\n'),
    FTP: bytes('220 ready\r\n'),
    memcached: bytes('set select 0 0 5\r\nhello\r\n'),
    zeros: Buffer.alloc(64),
    ones: Buffer.alloc(64, 255),
    TDS: bytes(0x12, 1, 0, 47, 0, 0, 1, 0, Buffer.alloc(39)),
    'Oracle TNS': bytes(0, 58, 0, 0, 1, 0, 0, 0, Buffer.alloc(50)),
  };

  it.each(Object.entries(others))('is not taken in by %s', (_, data) => {
    for (const side of [undefined, 'request', 'response'] as const) {
      expect(match(data, side)).not.toMatch(/certain|likely/);
    }
  });
});
