// SPDX-License-Identifier: Apache-2.0
import type { ProcessIdentity, Segment, TraceRecord } from '@libtrace/core/plugin';
import { describe, expect, it } from 'vitest';
import { Pipeline, type Verdict } from '../../core/src/stream/index.js';
import { http } from './index.js';
import type { HttpOptions } from './index.js';

const process: ProcessIdentity = { pid: 1, ppid: 0, comm: 'web', exe: '/web', cgroup: '/' };
const get = 'GET /a?token=x HTTP/1.1\r\nHost: h:8080\r\n\r\n';
const ok = (body: string): string =>
  `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

/** One server's connection through the real pipeline. */
class Server {
  readonly records: TraceRecord[] = [];
  readonly verdicts: Verdict[] = [];
  readonly pipeline: Pipeline;
  readonly #positions = { in: 0, out: 0 };
  #now = 1e9;

  constructor(options: HttpOptions = {}, midstream = false) {
    this.pipeline = new Pipeline({
      plugins: [http(options)],
      source: 'recording',
      onRecord: (record) => this.records.push(record),
      onVerdict: (_, verdict) => this.verdicts.push(verdict),
      onPluginFailure: (_, error) => {
        throw error;
      },
      wallClockOffsetNs: 0n,
    });
    this.pipeline.open({
      id: 1,
      transport: 'tcp',
      role: 'server',
      local: { address: '10.0.0.1', port: 8080 },
      remote: { address: '10.0.0.2', port: 40_000 },
      midstream,
    });
  }

  reads(text: string, hole = 0): this {
    return this.#move('in', text, hole);
  }

  writes(text: string, hole = 0): this {
    return this.#move('out', text, hole);
  }

  /** Bytes that moved unseen. */
  misses(direction: 'in' | 'out', bytes: number): this {
    this.#positions[direction] += bytes;
    return this;
  }

  close(): this {
    this.pipeline.close(1, this.#positions.in, this.#positions.out, this.#now, process);
    return this;
  }

  #move(direction: 'in' | 'out', text: string, hole: number): this {
    const data = Buffer.from(`\n\n${text}\n\n`, 'latin1');
    this.#now += 1e6;
    const segment: Segment = {
      direction,
      position: this.#positions[direction],
      length: text.length + hole,
      captured: text.length,
      data,
      dataStart: 2,
      holeReason: hole > 0 ? 'limit' : undefined,
      oppositePosition: this.#positions[direction === 'in' ? 'out' : 'in'],
      startNs: this.#now,
      endNs: this.#now + 1000,
      tid: 1,
      process,
    };
    this.#positions[direction] += segment.length;
    this.pipeline.segment(1, segment, undefined);
    data.fill(0xdd);
    return this;
  }
}

const summary = (server: Server): unknown[] =>
  server.records.map((record) => [
    record.operation,
    record.attributes['http.response.status_code'],
    record.attributes['http.response.body.size'],
    record.complete,
  ]);

describe('http through the pipeline', () => {
  it('reports an exchange', () => {
    const server = new Server().reads(get).writes(ok('hello'));
    expect(server.verdicts).toEqual([{ kind: 'protocol', name: 'http' }]);
    expect(server.records).toMatchObject([
      {
        protocol: 'http',
        operation: 'GET',
        status: 'ok',
        complete: true,
        missing: [],
        requestBytes: get.length,
        responseBytes: ok('hello').length,
        attributes: {
          'url.path': '/a',
          'url.query': 'token=REDACTED',
          'server.address': 'h',
          'server.port': 8080,
          'http.response.body.size': 5,
        },
      },
    ]);
  });

  it('reports ten pipelined exchanges, cut anywhere', () => {
    for (const size of [1, 7, 100, 10_000]) {
      const server = new Server();
      const requests = Array.from({ length: 10 }, (_, i) => get.replace('/a', `/${i}`)).join('');
      const responses = Array.from({ length: 10 }, (_, i) => ok('x'.repeat(i))).join('');
      for (const piece of pieces(requests, size)) server.reads(piece);
      for (const piece of pieces(responses, size)) server.writes(piece);
      expect(
        server.records.map((record) => [
          record.attributes['url.path'],
          record.attributes['http.response.body.size'],
          record.complete,
        ]),
      ).toEqual(Array.from({ length: 10 }, (_, i) => [`/${i}`, i, true]));
    }
  });

  it('steps over a body that was captured in part', () => {
    const server = new Server()
      .reads(get)
      .writes('HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\nabc', 2_999_997)
      .reads(get)
      .writes(ok('x'));
    expect(summary(server)).toEqual([
      ['GET', 200, 3_000_000, false],
      ['GET', 200, 1, true],
    ]);
    expect(server.records[0]?.missing).toEqual(['response.body']);
  });

  it('knows the size of a chunk whose end was not captured', () => {
    const server = new Server()
      .reads(get)
      .writes('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n186a0\r\nabc', 100_000 - 3 + 7)
      .reads(get)
      .writes(ok('x'));
    expect(summary(server)).toEqual([
      ['GET', 200, 100_000, false],
      ['GET', 200, 1, true],
    ]);
    expect(server.records[0]?.missing).toEqual(['response.body']);
  });

  it('says that a size is a lower bound when chunk sizes lie in a hole, and pairs what follows', () => {
    const server = new Server()
      .reads(get)
      .writes('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n', 5000)
      .reads(get)
      .writes(ok('x'));
    expect(summary(server)).toEqual([
      ['GET', 200, 3, false],
      ['GET', 200, 1, true],
    ]);
    expect(server.records[0]?.missing).toEqual(['response.body', 'response.size']);
  });

  it('never pairs a response with the request of another that was lost', () => {
    const server = new Server()
      .reads(get.replace('/a', '/1'))
      .writes('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n')
      .misses('out', 7 + ok('two').length)
      .reads(get.replace('/a', '/2'))
      .reads(get.replace('/a', '/3'))
      .writes(ok('3'))
      .close();
    for (const record of server.records) {
      if (record.attributes['http.response.body.size'] !== 1) continue;
      expect(record.attributes['url.path']).not.toBe('/2');
    }
  });

  it('keeps the head of messages whose heads were captured in part', () => {
    const server = new Server();
    for (let i = 0; i < 3; i++) {
      server
        .reads('GET /a HTTP/1.1\r\nHost: h\r\nCookie: ', 300)
        .writes('HTTP/1.1 404 Not Found\r\nContent-Ty', 200);
    }
    expect(server.records.map((record) => [record.operation, record.status])).toEqual(
      Array.from({ length: 3 }, () => ['GET', 'client-error']),
    );
    expect(server.records[0]?.missing).toContain('request.head');
    expect(server.records[0]?.missing).toContain('response.head');
  });

  it('completes a body that lasts until the connection ends', () => {
    const server = new Server()
      .reads(get)
      .writes('HTTP/1.0 200 OK\r\n\r\nabc')
      .writes('def')
      .close();
    expect(summary(server)).toEqual([['GET', 200, 6, true]]);
  });

  it('says what a connection cut short', () => {
    const server = new Server()
      .reads(get)
      .writes('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n')
      .close();
    expect(summary(server)).toEqual([['GET', 200, 3, false]]);
    const length = new Server()
      .reads(get)
      .writes('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc')
      .close();
    expect(summary(length)).toEqual([['GET', 200, 3, false]]);
    expect(new Server().reads(get).close().records).toMatchObject([{ status: 'unanswered' }]);
  });

  it('does not take 100 Continue for the response', () => {
    const server = new Server()
      .reads('PUT / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n')
      .writes('HTTP/1.1 100 Continue\r\n\r\n')
      .reads('ab')
      .writes(ok(''));
    expect(summary(server)).toEqual([['PUT', 200, 0, true]]);
  });

  it('leaves the connection when it becomes another protocol', () => {
    const server = new Server()
      .reads('GET /x HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: other/1\r\n\r\n')
      .writes('HTTP/1.1 101 Switching Protocols\r\nUpgrade: other/1\r\n\r\n\x81\x02hi')
      .reads('\x81\x82abcdef');
    expect(server.records).toMatchObject([
      { status: 'ok', attributes: { 'libtrace.http.upgrade': 'other' } },
    ]);
    expect(server.verdicts.at(-1)).toEqual({ kind: 'ignore' });
  });

  it('joins a connection in the middle of a body', () => {
    const server = new Server({}, true);
    for (let i = 0; i < 200; i++) server.reads(`binary \xff\x00 ${i} G`);
    server.reads(`end of body${get}`).writes(ok('x')).reads(get).writes(ok('yy'));
    expect(summary(server).at(-1)).toEqual(['GET', 200, 2, true]);
  });

  it('follows HEAD and GET in turn', () => {
    const server = new Server();
    for (let i = 0; i < 3; i++) {
      server
        .reads(get.replace('GET', 'HEAD'))
        .writes('HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n')
        .reads(get)
        .writes(ok('1234567'));
    }
    expect(summary(server)).toEqual(
      Array.from({ length: 6 }, (_, i) => [i % 2 ? 'GET' : 'HEAD', 200, i % 2 ? 7 : 0, true]),
    );
  });
});

function pieces(text: string, size: number): string[] {
  const list = [];
  for (let at = 0; at < text.length; at += size) list.push(text.slice(at, at + size));
  return list;
}
