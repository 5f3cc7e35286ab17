// SPDX-License-Identifier: Apache-2.0
// HTTP/2 and WebSocket of real programs: every stream is one record on each side, with the values that the programs know.
import type { TraceRecord } from '@libtrace/core';
import { http } from '@libtrace/proto-http';
import { expect } from 'vitest';
import { live, programPath } from './harness/requirements.js';
import { StartedProgram } from './harness/started-program.js';
import { Tracing } from './harness/tracing.js';
import {
  FILES,
  fileSize,
  startApacheHttp2,
  startNghttpd,
  startNginxHttp2,
  startPeers,
  type Http2Server,
} from './programs/h2-servers.js';

const traced = (): Promise<Tracing> =>
  Tracing.attached({
    plugins: [
      http({
        requestHeaders: ['x-n', 'x-before', 'x-after'],
        responseHeaders: ['x-id', 'x-received'],
      }),
    ],
    ringBytes: 32 * 1024 * 1024,
  });

const side = (records: readonly TraceRecord[], role: string): TraceRecord[] =>
  records.filter((record) => record.role === role);

/** What programs/h2-peer.mjs does with request n, as a record says it. */
function wanted(n: number, port: number) {
  const isPost = n % 3 === 0;
  return {
    protocol: 'http',
    operation: isPost ? 'POST' : 'GET',
    status: n % 10 === 0 ? 'client-error' : 'ok',
    complete: true,
    missing: [],
    attributes: {
      'network.protocol.version': '2',
      'url.scheme': 'http',
      'url.path': `/r/${n}`,
      'server.address': '127.0.0.1',
      'server.port': port,
      'http.request.header.x-n': [String(n)],
      'http.response.header.x-id': [String(n)],
      'http.response.header.x-received': [String(isPost ? n % 1000 : 0)],
      'http.response.status_code': n % 10 === 0 ? 404 : 200,
      'http.request.body.size': isPost ? n % 1000 : 0,
      'http.response.body.size': (n * 37) % 500,
    },
  };
}

const numberOf = (record: TraceRecord): number =>
  Number(String(record.attributes['url.path']).split('/').pop());

live('1,000 requests one after the other, then 100 streams at once, ten times', [], async () => {
  const { server, client, port } = await startPeers('h2-peer.mjs');
  const tracing = await traced();
  tracing.addPids(server.pid, client.pid);
  await client.ask(`open ${port}`);
  const answers = await client.ask<[number, number, number][]>('sequence 1 1000');
  expect(answers).toHaveLength(1000);
  const sequence = await tracing.take(2000);
  for (const [role, program] of [
    ['client', client],
    ['server', server],
  ] as const) {
    const records = side(sequence, role);
    expect(records).toHaveLength(1000);
    records.forEach((record, i) => {
      expect(record).toMatchObject(wanted(i + 1, port));
      expect(record.attributes['libtrace.http.stream_id']).toBe(1 + 2 * i);
      expect(record.process.pid).toBe(program.pid);
      expect(record.connection.server).toEqual({ address: '127.0.0.1', port });
    });
  }
  for (let round = 0; round < 10; round++) await client.ask(`parallel ${2000 + 100 * round} 100`);
  const parallel = await tracing.take(2000);
  for (const role of ['client', 'server']) {
    const records = side(parallel, role);
    expect(records).toHaveLength(1000);
    const numbers = records.map(numberOf).sort((a, b) => a - b);
    expect(numbers).toEqual(Array.from({ length: 1000 }, (_, i) => 2000 + i));
    for (const record of records) expect(record).toMatchObject(wanted(numberOf(record), port));
  }
  await client.ask('close');
  await tracing.expectAccounted();
  expect(await tracing.takeRest()).toEqual([]);
});

live('a connection that is older than the tracing of it', [], async () => {
  const { server, client, port } = await startPeers('h2-peer.mjs');
  const tracing = await traced();
  await client.ask(`open ${port}`);
  await client.ask('sequence 1 50 x-before');
  tracing.addPids(server.pid, client.pid);
  await client.ask('sequence 51 25 x-before');
  await client.ask('sequence 101 200 x-after');
  const records = await tracing.take(450);
  const numbers = [
    ...Array.from({ length: 25 }, (_, i) => 51 + i),
    ...Array.from({ length: 200 }, (_, i) => 101 + i),
  ];
  for (const role of ['client', 'server']) {
    const seen = side(records, role);
    expect(seen.map(({ attributes }) => attributes['libtrace.http.stream_id'])).toEqual(
      numbers.map((_, i) => 101 + 2 * i),
    );
    seen.forEach((record, i) => {
      const n = numbers[i]!;
      const { attributes: expected } = wanted(n, port);
      const { attributes, missing } = record;
      const truth = {
        ...expected,
        [`http.request.header.${i < 25 ? 'x-before' : 'x-after'}`]: ['yes'],
      };
      for (const [name, value] of Object.entries(truth)) {
        const shown = attributes[name];
        if (shown !== undefined) expect([n, name, shown]).toEqual([n, name, value]);
        // What is not there stands in a table that was not seen being made, and the record says so. A name that only
        // stands there is never sent again: each entry has it from the one before.
        else expect([n, name, missing.includes('request.head')]).toEqual([n, name, true]);
      }
      expect(attributes).toMatchObject({
        'url.path': `/r/${n}`,
        'http.request.body.size': expected['http.request.body.size'],
        'http.response.body.size': expected['http.response.body.size'],
      });
    });
    for (const { attributes } of seen.slice(0, 25)) {
      expect(attributes['http.request.header.x-before']).toBeUndefined();
      expect(attributes['server.address']).toBeUndefined();
      expect(attributes['libtrace.http.unknown_request_headers']).toBeGreaterThanOrEqual(2);
    }
    for (const { attributes } of seen.slice(25)) {
      expect(attributes['http.request.header.x-after']).toEqual(['yes']);
    }
  }
  await tracing.expectAccounted();
});

live(
  'h2load and nghttpd: 10,000 requests on 10 connections, 32 at once',
  ['h2load', 'nghttpd'],
  async () => {
    const server = await startNghttpd();
    const tracing = await traced();
    const h2load = StartedProgram.held([
      programPath('h2load')!,
      ...['-n', '10000', '-c', '10', '-m', '32', `http://127.0.0.1:${server.port}/1`],
    ]);
    tracing.addPids(server.pid, h2load.pid);
    h2load.release();
    const output = await h2load.output();
    expect(output).toContain('10000 succeeded');
    const records = await tracing.take(20_000);
    for (const [role, pid] of [
      ['client', h2load.pid],
      ['server', server.pid],
    ] as const) {
      const seen = side(records, role);
      expect(seen).toHaveLength(10_000);
      const wrong = seen.filter(
        ({ operation, status, complete, process, attributes }) =>
          operation !== 'GET' ||
          status !== 'ok' ||
          !complete ||
          process.pid !== pid ||
          attributes['url.path'] !== '/1' ||
          attributes['http.response.status_code'] !== 200 ||
          attributes['http.response.body.size'] !== fileSize(1),
      );
      expect(wrong).toEqual([]);
      expect(new Set(seen.map(({ connection }) => connection.id)).size).toBe(10);
    }
    await tracing.expectAccounted();
  },
);

/** nghttp asks for files on one connection; each is one record on each side. */
async function nghttpFiles(
  tracing: Tracing,
  server: Http2Server,
  files: readonly number[],
  ...options: string[]
): Promise<TraceRecord[]> {
  const urls = files.map((n) => `http://127.0.0.1:${server.port}/${n}`);
  const nghttp = StartedProgram.held([programPath('nghttp')!, '-n', '-s', ...options, ...urls]);
  tracing.addPids(server.pid, nghttp.pid);
  nghttp.release();
  const output = await nghttp.output();
  // its statistics: one line a stream
  const answered = output.split('\n').filter((line) => /\s200\s+\S+\s+\/\d+\s*$/.test(line));
  expect(answered).toHaveLength(files.length);
  const records = await tracing.take(2 * files.length);
  for (const role of ['client', 'server']) {
    const seen = side(records, role);
    expect(seen.map(numberOf).sort((a, b) => a - b)).toEqual(files);
    for (const record of seen) {
      expect(record).toMatchObject({
        status: 'ok',
        attributes: {
          'network.protocol.version': '2',
          'http.request.method': 'GET',
          'http.response.status_code': 200,
          'http.response.body.size': fileSize(numberOf(record)),
          'server.address': '127.0.0.1',
          'server.port': server.port,
        },
      });
    }
  }
  await tracing.expectAccounted();
  return records;
}

live('nghttp and nginx', ['nghttp', 'nginx'], async () => {
  const files = Array.from({ length: FILES }, (_, i) => i + 1);
  const records = await nghttpFiles(await traced(), await startNginxHttp2(), files);
  for (const { complete } of side(records, 'client')) expect(complete).toBe(true);
});

live('nghttp and apache2: an upgrade is one call', ['nghttp', 'apache2'], async () => {
  const server = await startApacheHttp2();
  const tracing = await traced();
  for (const file of [1, 5, 20]) {
    for (const record of await nghttpFiles(tracing, server, [file], '-u')) {
      expect(record.complete).toBe(true);
      expect(record.attributes).toMatchObject({
        'libtrace.http.upgrade': 'h2c',
        'libtrace.http.stream_id': 1,
      });
    }
  }
});

live('a WebSocket', [], async () => {
  const { server, client, port } = await startPeers('ws-peer.mjs');
  const tracing = await traced();
  tracing.addPids(server.pid, client.pid);
  for (const [count, bytes, code] of [
    [100, 50, 1000],
    [5, 100_000, 4001],
  ] as const) {
    expect(await client.ask(`chat ${port} ${count} ${bytes} ${code}`)).toEqual({ echoes: count });
    const records = await tracing.take(4);
    for (const role of ['client', 'server']) {
      expect(side(records, role)).toMatchObject([
        {
          operation: 'GET',
          status: 'ok',
          attributes: {
            'url.path': '/chat',
            'url.query': 'token=REDACTED',
            'http.response.status_code': 101,
            'libtrace.http.upgrade': 'websocket',
          },
        },
        {
          operation: 'WEBSOCKET',
          status: code === 1000 ? 'ok' : 'unknown',
          attributes: {
            'url.path': '/chat',
            'libtrace.websocket.request_frames': count + 2,
            'libtrace.websocket.response_frames': count + 2,
            'libtrace.websocket.request_messages': count,
            'libtrace.websocket.response_messages': count,
            'libtrace.websocket.request_bytes': count * bytes,
            'libtrace.websocket.response_bytes': count * bytes,
            'libtrace.websocket.close_code': code,
          },
        },
      ]);
    }
  }
  await tracing.expectAccounted();
});
