// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import * as ajvFormats from 'ajv-formats';
import { describe, expect, it } from 'vitest';
import { recordSchemaFile } from '../package-files.js';
import { sampleRecord } from '../testing/sample-records.js';
import type { RecordChanges } from '../testing/sample-records.js';
import { formatJsonLine } from './json-line.js';

const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, strictRequired: false });
ajvFormats.default.default(ajv);
const schema = JSON.parse(readFileSync(recordSchemaFile, 'utf8')) as object;
const validate = ajv.compile(schema);

function parsed(changes: RecordChanges = {}): Record<string, unknown> {
  return JSON.parse(formatJsonLine(sampleRecord(changes))) as Record<string, unknown>;
}

describe('a JSON line', () => {
  const samples: readonly (readonly [string, RecordChanges])[] = [
    ['a whole call', {}],
    ['an unanswered call', { status: 'unanswered', missing: ['response'] }],
    ['a call with content missing', { missing: ['response.body', 'response.size'] }],
    [
      'a unix socket',
      {
        connection: {
          transport: 'unix',
          client: { address: '', port: 0 },
          server: { address: '/run/app.sock', port: 0 },
        },
      },
    ],
    ['a process in a container', { process: { container: 'a'.repeat(64) } }],
    [
      'plaintext above TLS',
      {
        source: 'openssl',
        connection: {
          transport: 'tls',
          tls: { version: '1.3', cipher: 'TLS_AES_256_GCM_SHA384', serverName: 'shop.example' },
        },
      },
    ],
    [
      'plaintext of a third party’s source, whose socket was not found',
      {
        source: 'toytls',
        role: 'unknown',
        connection: {
          transport: 'tls',
          client: { address: '', port: 0 },
          server: { address: '', port: 0 },
          tls: {},
        },
      },
    ],
    [
      'header fields and an unknown method',
      {
        operation: 'HTTP',
        attributes: {
          'network.protocol.name': 'http',
          'network.protocol.version': '1.0',
          'http.request.method': '_OTHER',
          'http.request.method_original': 'BREW',
          'http.request.header.accept': ['text/html', '*/*'],
          'libtrace.http.upgrade': 'websocket',
        },
      },
    ],
    [
      'gRPC',
      {
        operation: 'shop.Cart/Add',
        status: 'client-error',
        attributes: {
          'network.protocol.name': 'http',
          'network.protocol.version': '2',
          'rpc.system': 'grpc',
          'rpc.service': 'shop.Cart',
          'rpc.method': 'Add',
          'rpc.grpc.status_code': 5,
          'libtrace.http.stream_id': 7,
        },
      },
    ],
    [
      'MySQL',
      {
        protocol: 'mysql',
        operation: 'SELECT',
        attributes: {
          'db.system.name': 'mariadb',
          'db.query.text': 'SELECT ?',
          'db.response.returned_rows': 1,
          'libtrace.mysql.command': 'QUERY',
        },
      },
    ],
    [
      'Kafka',
      {
        protocol: 'kafka',
        operation: 'Fetch',
        attributes: {
          'messaging.system': 'kafka',
          'messaging.operation.name': 'Fetch',
          'libtrace.kafka.api_key': 1,
          'libtrace.kafka.correlation_id': 9,
          'libtrace.kafka.topics': ['a', 'b'],
        },
      },
    ],
    [
      'a packet capture, which knows no process',
      {
        source: 'pcap',
        role: 'unknown',
        process: { pid: 0, tid: 0, comm: '', exe: '', cgroup: '' },
      },
    ],
    ['another protocol', { protocol: 'redis', operation: 'GET', attributes: { 'db.system': 'r' } }],
  ];
  it.each(samples)('is valid for %s', (_, changes) => {
    expect(validate(parsed(changes)), JSON.stringify(validate.errors)).toBe(true);
  });

  it('has what was learned of the handshake and the container, and nothing for what was not', () => {
    const tls = {
      version: '1.2',
      cipher: 'TLS_RSA_WITH_AES_128_CBC_SHA',
      serverName: 'x',
      alpn: 'h2',
    };
    const process = { container: 'b'.repeat(64) };
    expect(parsed({ process, connection: { transport: 'tls', tls } })).toMatchObject({
      process,
      connection: { transport: 'tls', tls },
    });
    const some = parsed({ connection: { tls: { version: '1.3' } } })['connection'];
    expect(Reflect.get(some as object, 'tls')).toEqual({ version: '1.3' });
    expect(parsed()['connection']).not.toHaveProperty('tls');
    expect(parsed()['process']).not.toHaveProperty('container');
  });

  it('leaves private fields out', () => {
    expect(parsed()).not.toHaveProperty('startNs');
    expect(parsed()['process']).not.toHaveProperty('ppid');
  });

  it('is one line without characters that a terminal obeys', () => {
    const text = formatJsonLine(sampleRecord({ operation: 'a\n\u009b31m\u2028\u001b' }));
    expect(text).toContain('a\\n\\u009b31m\\u2028\\u001b');
    expect(text.split('\n')).toHaveLength(2);
    expect((JSON.parse(text) as { operation: string }).operation).toBe('a\n\u009b31m\u2028\u001b');
  });
});

describe('the schema', () => {
  const wrong: readonly (readonly [string, Record<string, unknown>])[] = [
    ['milliseconds only', { startTime: '2026-03-04T05:06:07.123Z' }],
    ['a month that does not exist', { startTime: '2026-13-04T05:06:07.123456789Z' }],
    ['a status of its own', { status: 'fine' }],
    ['complete with something missing', { missing: ['response'] }],
    ['incomplete with nothing missing', { complete: false }],
    ['a field that is not documented', { startNs: 1 }],
    ['a fraction of a byte', { requestBytes: 1.5 }],
    ['a negative duration', { durationMs: -1 }],
    ['an http record without version', { attributes: { 'network.protocol.name': 'http' } }],
    [
      'a status code that is a text',
      { attributes: { ...sampleRecord().attributes, 'http.response.status_code': '200' } },
    ],
    [
      'a header that is no list',
      { attributes: { ...sampleRecord().attributes, 'http.request.header.accept': 'x' } },
    ],
  ];
  it.each(wrong)('refuses %s', (_, changes) => {
    expect(validate({ ...parsed(), ...changes })).toBe(false);
  });

  it('names the plugin and the attribute of a value that JSON cannot hold', () => {
    const record = { ...sampleRecord(), attributes: { fine: 1, 'a.b': 1n } } as never;
    expect(() => formatJsonLine(record)).toThrow(/Plugin http gave attribute a\.b a value/);
  });
});
