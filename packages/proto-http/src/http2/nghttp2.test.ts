// SPDX-License-Identifier: Apache-2.0
// Bytes of nghttpd, nghttp, h2load and curl (Debian's nghttp2-client, nghttp2-server, curl) through the whole pipeline.
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttp1 } from 'node:http';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { indexed, literal } from '../hpack/encoder.test-support.js';
import { type Conversation, type HttpRecord, replay, Tee } from '../traffic.test-support.js';
import { data, headers, settings } from './frames.test-support.js';

const run = promisify(execFile);
const programs = ['nghttpd', 'nghttp', 'h2load', 'curl'];
const absent = programs.filter((program) => spawnSync(program, ['--version']).error !== undefined);

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function listening(port: number): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const isOpen = await new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1');
      socket.on('connect', () => resolve(true));
      socket.on('error', () => resolve(false));
      socket.on('close', () => socket.destroy());
      setTimeout(() => socket.destroy(), 100);
    });
    if (isOpen === true) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`nothing listens on ${port}`);
}

const told = (records: readonly HttpRecord[]): unknown[] =>
  records.map(({ operation, status, complete, attributes }) => [
    operation,
    attributes['url.path'],
    status,
    attributes['http.response.status_code'],
    attributes['http.response.body.size'],
    complete,
  ]);

/** The same records, however the bytes are cut. */
function recordsOf(conversation: Conversation): HttpRecord[] {
  const { records } = replay(conversation);
  for (const how of [{ chunks: 1 }, { chunks: 100 }, { role: 'client' }] as const) {
    expect(told(replay(conversation, how).records)).toEqual(told(records));
  }
  return records;
}

describe.skipIf(absent.length > 0)(`nghttp2 (${absent.join(', ') || 'installed'})`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'libtrace-h2-'));
  let server: ChildProcess;
  let tee: Tee;

  beforeAll(async () => {
    writeFileSync(join(folder, 'index.html'), 'i'.repeat(100));
    writeFileSync(join(folder, 'large'), 'l'.repeat(100_000));
    const port = await freePort();
    server = spawn('nghttpd', ['--no-tls', '-d', folder, '--trailer', 'x-sum: 1', String(port)], {
      stdio: 'ignore',
    });
    await listening(port);
    tee = await Tee.before(port);
  });
  afterAll(() => {
    tee.close();
    server.kill();
    rmSync(folder, { recursive: true });
  });

  async function conversationsOf(
    program: string,
    args: readonly string[],
  ): Promise<Conversation[]> {
    const before = tee.conversations.length;
    await run(program, args);
    await new Promise((resolve) => setTimeout(resolve, 50));
    return tee.conversations.slice(before);
  }
  const url = (path: string): string => `http://127.0.0.1:${tee.port}${path}`;

  it('nghttp asks with priorities, padding and a body', async () => {
    const body = join(folder, 'body');
    writeFileSync(body, 'b'.repeat(40_000));
    const [conversation] = await conversationsOf('nghttp', [
      '-n',
      '--padding=50',
      ...['-d', body, '-H', 'x-some: thing', url('/large'), url('/index.html'), url('/missing')],
    ]);
    const records = recordsOf(conversation!);
    expect(told(records)).toEqual(
      expect.arrayContaining([
        ['POST', '/large', 'ok', 200, 100_000, true],
        ['POST', '/index.html', 'ok', 200, 100, true],
        ['POST', '/missing', 'client-error', 404, expect.any(Number), true],
      ]),
    );
    for (const { attributes } of records) {
      expect(attributes['http.request.body.size']).toBe(40_000);
    }
    expect(records.length).toBe(3);
  });

  it('an upgrade is one call: asked in HTTP/1.1, answered on stream 1', async () => {
    const upgrading = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => {
        socket.write(
          'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n',
        );
        socket.write(settings([3, 100]));
        socket.write(headers(1, [indexed(8), literal('server', 'by hand')]));
        socket.write(data(1, 'hello', { endStream: true }));
      });
    });
    await new Promise<void>((resolve) => upgrading.listen(0, '127.0.0.1', resolve));
    const before = await Tee.before((upgrading.address() as AddressInfo).port);
    const address = `http://127.0.0.1:${before.port}/large?x=1`;
    const programsThatUpgrade = [
      ['nghttp', ['-n', '-u', address]],
      ['curl', ['-s', '--http2', address]],
    ] as const;
    for (const [program, args] of programsThatUpgrade) {
      const { stdout } = await run(program, args);
      if (program === 'curl') expect(stdout).toBe('hello');
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
    before.close();
    upgrading.close();
    expect(before.conversations.length).toBe(2);
    for (const conversation of before.conversations) {
      const records = recordsOf(conversation);
      expect(told(records)).toEqual([['GET', '/large', 'ok', 200, 5, true]]);
      expect(records[0]?.attributes).toMatchObject({
        'libtrace.http.upgrade': 'h2c',
        'libtrace.http.stream_id': 1,
        'network.protocol.version': '2',
        'url.query': 'x=1',
        'server.address': '127.0.0.1',
        'server.port': before.port,
      });
      expect(records[0]?.attributes['user_agent.original']).toBeDefined();
    }
  });

  it('an upgrade that is refused is a call of HTTP/1.1', async () => {
    const http1 = createHttp1((_, response) => response.end('no'));
    await new Promise<void>((resolve) => http1.listen(0, '127.0.0.1', resolve));
    const before = await Tee.before((http1.address() as AddressInfo).port);
    const address = `http://127.0.0.1:${before.port}`;
    await run('curl', ['-s', '--http2', `${address}/a`, `${address}/b`]);
    http1.close();
    before.close();
    const records = recordsOf(before.conversations[0]!);
    expect(told(records)).toEqual([
      ['GET', '/a', 'ok', 200, 2, true],
      ['GET', '/b', 'ok', 200, 2, true],
    ]);
    for (const { attributes } of records) {
      expect(attributes['network.protocol.version']).toBe('1.1');
      expect(attributes['libtrace.http.stream_id']).toBeUndefined();
    }
  });

  it('h2load asks 10,000 times on 10 connections, 32 at once', async () => {
    const args = ['-n', '10000', '-c', '10', '-m', '32', url('/index.html')];
    const conversations = await conversationsOf('h2load', args);
    expect(conversations.length).toBe(10);
    for (const role of ['server', 'client'] as const) {
      let count = 0;
      for (const conversation of conversations) {
        for (const record of replay(conversation, { role }).records) {
          count++;
          expect(told([record])).toEqual([['GET', '/index.html', 'ok', 200, 100, true]]);
        }
      }
      expect(count).toBe(10_000);
    }
  });
});
