// SPDX-License-Identifier: Apache-2.0
// Bytes of Node's HTTP/2 (nghttp2), client and server, through the whole pipeline.
import { once } from 'node:events';
import { type ClientHttp2Session, type ClientSessionOptions, connect, constants } from 'node:http2';
import { connect as connectSocket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type HttpRecord, type Replay, replay } from '../traffic.test-support.js';
import { ask, NodeServer, told } from './node-server.test-support.js';

let server: NodeServer;
beforeAll(async () => {
  server = await NodeServer.start({ padded: true });
});
afterAll(() => server.close());

describe('messages of all kinds', () => {
  async function recordsOf(
    act: (client: ClientHttp2Session) => Promise<void>,
    how: Replay = {},
    settings: ClientSessionOptions = {},
  ): Promise<HttpRecord[]> {
    const conversation = await server.converse(act, settings);
    const whole = replay(conversation, how).records;
    for (const chunks of [1, 50]) {
      const cut = replay(conversation, { ...how, chunks }).records;
      expect(told(cut)).toEqual(told(whole));
    }
    return whole;
  }

  it('has the status of every class', async () => {
    const codes = [200, 201, 204, 304, 400, 404, 418, 500, 503];
    const records = await recordsOf(async (client) => {
      for (const code of codes) await ask(client, { ':path': `/status/${code}` });
      for (const code of codes) await ask(client, { ':path': `/status/${code}` });
    });
    expect(
      records.map(({ status, attributes }) => [
        attributes['http.response.status_code'],
        status,
        attributes['error.type'],
      ]),
    ).toEqual(
      [...codes, ...codes].map((code) => [
        code,
        code < 400 ? 'ok' : code < 500 ? 'client-error' : 'server-error',
        code >= 500 ? String(code) : undefined,
      ]),
    );
  });

  it('has HEAD, methods of its own, and trailers', async () => {
    const records = await recordsOf(
      async (client) => {
        await ask(client, { ':path': '/sized/100', ':method': 'HEAD' });
        await ask(client, { ':path': '/sized/1', ':method': 'FROB' });
        await ask(client, { ':path': '/trailers' });
        await ask(client, { ':path': '*', ':method': 'OPTIONS' });
      },
      { options: { responseHeaders: ['x-sum', 'server'] } },
    );
    expect(told(records)).toEqual([
      ['HEAD', '/sized/100', 'ok', 200, 0, 0, true],
      ['HTTP', '/sized/1', 'ok', 200, 0, 1, true],
      ['GET', '/trailers', 'ok', 200, 0, 4, true],
      ['OPTIONS', '*', 'ok', 200, 0, 0, true],
    ]);
    expect(records[1]?.attributes).toMatchObject({
      'http.request.method': '_OTHER',
      'http.request.method_original': 'FROB',
    });
    expect(records[2]?.attributes).toMatchObject({
      'http.response.header.x-sum': ['1234'],
      'http.response.header.server': ['node'],
    });
  });

  it('does not take 103 for the response', async () => {
    const records = await recordsOf(async (client) => {
      await ask(client, { ':path': '/early' });
    });
    expect(told(records)).toEqual([['GET', '/early', 'ok', 200, 0, 4, true]]);
  });

  it('has what was pushed, with the request that was promised', async () => {
    const records = await recordsOf(async (client) => {
      client.on('stream', (stream) => stream.resume());
      await ask(client, { ':path': '/push' });
      await new Promise((resolve) => setTimeout(resolve, 30));
    });
    expect(told(records)).toEqual(
      expect.arrayContaining([
        ['GET', '/push', 'ok', 200, 0, 4, true],
        ['GET', '/pushed', 'ok', 200, 0, 6, true],
      ]),
    );
    expect(records.length).toBe(2);
    expect(
      records.find(({ attributes }) => attributes['url.path'] === '/pushed')?.attributes,
    ).toMatchObject({ 'libtrace.http.pushed': true, 'libtrace.http.stream_id': 2 });
  });

  it('has header blocks of several frames', async () => {
    const records = await recordsOf(
      async (client) => {
        for (const size of [16_000, 16_384, 40_000, 60_000]) {
          await ask(client, { ':path': `/large/${size}`, 'x-large': 'r'.repeat(size) });
          await ask(client, { ':path': `/sized/${size}` });
        }
      },
      { options: { responseHeaders: ['x-large'], requestHeaders: ['x-large'] } },
      { maxSendHeaderBlockLength: 1_000_000, maxHeaderListPairs: 1000 },
    );
    expect(records.length).toBe(8);
    [16_000, 16_384, 40_000, 60_000].forEach((size, i) => {
      const { attributes } = records[2 * i]!;
      expect(attributes['http.request.header.x-large']?.[0]?.length).toBe(size);
      expect(attributes['http.response.header.x-large']?.[0]?.length).toBe(size);
    });
  });

  for (const headerTableSize of [0, 100, 4096, 65_536, 1_000_000]) {
    it(`follows tables of ${headerTableSize} bytes`, async () => {
      const wanted: unknown[] = [];
      const records = await recordsOf(
        async (client) => {
          for (let i = 0; i < 120; i++) {
            const path = `/sized/${i % 10}/${i % 23}`;
            await ask(client, { ':path': path, 'x-some': `value ${i % 17}` });
            wanted.push(['GET', path, 'ok', 200, 0, i % 10, true]);
            if (i === 60) client.settings({ headerTableSize: Math.floor(headerTableSize / 2) });
          }
        },
        { options: { requestHeaders: ['x-some'], responseHeaders: ['x-path'] } },
        { settings: { headerTableSize } },
      );
      expect(told(records)).toEqual(wanted);
      records.forEach(({ attributes }, i) => {
        expect(attributes['http.request.header.x-some']).toEqual([`value ${i % 17}`]);
        expect(attributes['http.response.header.x-path']).toEqual([attributes['url.path']]);
      });
    });
  }

  it('says who ended a stream early, and why', async () => {
    const records = await recordsOf(
      async (client) => {
        await ask(client, { ':path': '/reset/x' }).catch(() => undefined);
        await ask(client, { ':path': '/refuse' }).catch(() => undefined);
        const stream = client.request({ ':path': '/never' });
        await once(stream, 'data');
        stream.close(constants.NGHTTP2_CANCEL);
        await once(stream, 'close');
        const unanswered = client.request({ ':path': '/sized/5', ':method': 'POST' });
        unanswered.write('x');
        await new Promise((resolve) => setTimeout(resolve, 10));
        unanswered.close(constants.NGHTTP2_CANCEL);
        await once(unanswered, 'close');
      },
      { role: 'client' },
    );
    expect(
      records.map(({ status, complete, attributes }) => [
        attributes['url.path'],
        status,
        complete,
        attributes['http.response.status_code'],
        attributes['http.response.body.size'],
        attributes['libtrace.http.reset_code'],
        attributes['libtrace.http.reset_by'],
        attributes['error.type'],
      ]),
    ).toEqual([
      ['/reset/x', 'server-error', true, 200, 4, 'INTERNAL_ERROR', 'server', 'INTERNAL_ERROR'],
      [
        '/refuse',
        'server-error',
        true,
        undefined,
        undefined,
        'REFUSED_STREAM',
        'server',
        'REFUSED_STREAM',
      ],
      ['/never', 'client-error', true, 200, 5, 'CANCEL', 'client', 'CANCEL'],
      ['/sized/5', 'client-error', true, undefined, undefined, 'CANCEL', 'client', 'CANCEL'],
    ]);
  });

  it('says that the server went away', async () => {
    const records = await recordsOf(async (client) => {
      await ask(client, { ':path': '/sized/1' });
      const asked = client.request({ ':path': '/goaway' });
      asked.on('error', () => undefined);
      await new Promise((resolve) => asked.once('close', resolve));
    });
    expect(
      records.map(({ status, attributes }) => [
        attributes['url.path'],
        status,
        attributes['libtrace.http.goaway_code'],
      ]),
    ).toEqual([
      ['/sized/1', 'ok', undefined],
      ['/goaway', 'unanswered', 'ENHANCE_YOUR_CALM'],
    ]);
  });

  it('reports what is unfinished when the connection or the tracing ends, and not before', async () => {
    const act = async (client: ClientHttp2Session): Promise<void> => {
      const stream = client.request({ ':path': '/never' });
      stream.on('error', () => undefined);
      await once(stream, 'data');
      const asked = client.request({ ':path': '/sized/5', ':method': 'POST' });
      asked.on('error', () => undefined);
      asked.write('12345');
      await ask(client, { ':path': '/sized/5' });
      socket.destroy();
    };
    const before = server.tee.conversations.length;
    const socket = connectSocket(server.port, '127.0.0.1');
    const client = connect('http://127.0.0.1', { createConnection: () => socket });
    client.on('error', () => undefined);
    await act(client);
    await new Promise((resolve) => setTimeout(resolve, 20));
    const conversation = server.tee.conversations[before]!;
    for (const closes of [true, false]) {
      const { records } = replay(conversation, { closes });
      expect(told(records)).toEqual([
        ['GET', '/sized/5', 'ok', 200, 0, 5, true],
        ['GET', '/never', 'ok', 200, 0, 5, false],
        // what tracing did not see the end of may be answered yet
        ['POST', '/sized/5', closes ? 'unanswered' : 'unknown', undefined, 5, undefined, false],
      ]);
      expect(records[1]?.missing).toEqual(['response.body', 'response.size']);
    }
  });

  it('has tunnels, and WebSockets in streams', async () => {
    const records = await recordsOf(async (client) => {
      await new Promise((resolve) => client.once('remoteSettings', resolve));
      const stream = client.request(
        {
          ':method': 'CONNECT',
          ':protocol': 'websocket',
          ':scheme': 'http',
          ':path': '/chat',
          ':authority': 'h:81',
        },
        { endStream: false },
      );
      stream.write('ping');
      stream.end();
      stream.resume();
      await once(stream, 'close');
    });
    expect(told(records)).toEqual([['CONNECT', '/chat', 'ok', 200, 4, 0, true]]);
    expect(records[0]?.attributes).toMatchObject({
      'libtrace.http.upgrade': 'websocket',
      'server.address': 'h',
      'server.port': 81,
    });
  });
});
