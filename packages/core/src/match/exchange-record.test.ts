// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { ExchangeRecord, formatWallClock } from './exchange-record.js';

function record(startNs: number, endNs: number): ExchangeRecord {
  return new ExchangeRecord(
    'toy',
    'ASK',
    'ok',
    ['response.body'],
    startNs,
    endNs,
    'server',
    'syscall',
    { pid: 1, ppid: 0, comm: 'toyd', exe: '/toyd', cgroup: '/', tid: 2 },
    {
      id: 3,
      transport: 'tcp',
      client: { address: '10.0.0.2', port: 5 },
      server: { address: '10.0.0.1', port: 4 },
    },
    10,
    20,
    { 'toy.id': 7, 'toy.none': undefined },
    1_700_000_000_000_000_000n,
  );
}

describe('ExchangeRecord', () => {
  it('has a JSON form with its fields in the documented order', () => {
    expect(JSON.stringify(record(1e9 + 1, 1e9 + 1_234_568))).toBe(
      '{"protocol":"toy","operation":"ASK","status":"ok","complete":false,"missing":["response.body"],' +
        '"startTime":"2023-11-14T22:13:21.000000001Z","durationMs":1.234567,"role":"server","source":"syscall",' +
        '"process":{"pid":1,"tid":2,"comm":"toyd","exe":"/toyd","cgroup":"/"},' +
        '"connection":{"id":3,"transport":"tcp","client":{"address":"10.0.0.2","port":5},' +
        '"server":{"address":"10.0.0.1","port":4}},"requestBytes":10,"responseBytes":20,' +
        '"attributes":{"toy.id":7}}',
    );
  });

  it('has what is known of container and TLS in its JSON form, and never arguments', () => {
    const { process, connection } = record(0, 1);
    const json = JSON.parse(
      JSON.stringify(
        new ExchangeRecord(
          ...(['toy', 'ASK', 'ok', [], 0, 1, 'client', 'openssl'] as const),
          { ...process, container: 'c0ffee', args: ['toyd', '--password=x'] },
          { ...connection, transport: 'tls', tls: { serverName: 'a.example', version: '1.3' } },
          ...([1, 2, {}, 0n] as const),
        ),
      ),
    ) as { process: object; connection: { tls: object } };
    expect(json.process).toEqual({
      ...{ pid: 1, tid: 2, comm: 'toyd', exe: '/toyd', cgroup: '/' },
      container: 'c0ffee',
    });
    expect(JSON.stringify(json.connection.tls)).toBe('{"version":"1.3","serverName":"a.example"}');
  });

  it('never lasts less than nothing', () => {
    expect(record(5, 4).durationMs).toBe(0);
  });
});

describe('formatWallClock', () => {
  it('keeps every nanosecond', () => {
    expect(formatWallClock(1_795_156_496_123_456_789n)).toBe('2026-11-20T06:34:56.123456789Z');
    expect(formatWallClock(0n)).toBe('1970-01-01T00:00:00.000000000Z');
    expect(formatWallClock(-1n)).toBe('1969-12-31T23:59:59.999999999Z');
  });
});
