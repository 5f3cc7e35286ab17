// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { WebSocket, WebSocketServer } from 'ws';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type Conversation,
  type HttpRecord,
  type Replay,
  replay,
  Tee,
} from '../traffic.test-support.js';

const told = (records: readonly HttpRecord[]): unknown[] =>
  records.map(({ operation, status, complete, attributes }) => [
    operation,
    attributes['url.path'],
    status,
    attributes['libtrace.websocket.request_frames'],
    attributes['libtrace.websocket.request_messages'],
    attributes['libtrace.websocket.request_bytes'],
    attributes['libtrace.websocket.response_frames'],
    attributes['libtrace.websocket.response_messages'],
    attributes['libtrace.websocket.response_bytes'],
    attributes['libtrace.websocket.close_code'],
    complete,
  ]);

/** The same records, seen from either side and however the bytes are cut. */
function recordsOf(conversation: Conversation): HttpRecord[] {
  const { records } = replay(conversation);
  for (const how of [{ chunks: 1 }, { chunks: 40 }, { role: 'client' }] as const) {
    expect(told(replay(conversation, how).records)).toEqual(told(records));
  }
  return records;
}

const upgraded = ['GET', '/chat', 'ok', ...Array.from({ length: 7 }, () => undefined), true];

describe('ws', () => {
  for (const perMessageDeflate of [false, true]) {
    describe(perMessageDeflate ? 'compressed' : 'as it is', () => {
      let server: WebSocketServer;
      let tee: Tee;
      beforeAll(async () => {
        server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate });
        server.on('connection', (socket: WebSocket) => {
          socket.on('message', (bytes: Buffer, binary: boolean) => socket.send(bytes, { binary }));
        });
        await once(server, 'listening');
        tee = await Tee.before(server.address().port);
      });
      afterAll(() => {
        tee.close();
        server.close();
      });

      async function converse(act: (socket: WebSocket) => Promise<void>): Promise<Conversation> {
        const before = tee.conversations.length;
        const socket = new WebSocket(`ws://127.0.0.1:${tee.port}/chat?token=secret`, {
          perMessageDeflate,
        });
        const closed = once(socket, 'close');
        await once(socket, 'open');
        await act(socket);
        await closed;
        await new Promise((resolve) => setTimeout(resolve, 20));
        return tee.conversations[before]!;
      }
      const echoed = (socket: WebSocket, count: number): Promise<void> =>
        new Promise((resolve) => {
          let left = count;
          socket.on('message', () => {
            if (--left === 0) resolve();
          });
        });

      it('is counted frame by frame, and reported when it ends', async () => {
        const conversation = await converse(async (socket) => {
          const echo = echoed(socket, 100);
          for (let i = 0; i < 100; i++) socket.send('x'.repeat(i), { compress: false });
          await echo;
          socket.ping('?');
          await once(socket, 'pong');
          socket.close(1000, 'done');
        });
        const records = recordsOf(conversation);
        const bytes = (100 * 99) / 2;
        const [first, last] = told(records) as unknown[][];
        expect(records.length).toBe(2);
        expect(first).toEqual(upgraded);
        expect(last?.slice(0, 7)).toEqual(['WEBSOCKET', '/chat', 'ok', 102, 100, bytes, 102]);
        expect(last?.[7]).toBe(100);
        if (!perMessageDeflate) expect(last?.[8]).toBe(bytes);
        expect(last?.slice(9)).toEqual([1000, true]);
        expect(records[0]?.attributes).toMatchObject({
          'libtrace.http.upgrade': 'websocket',
          'http.response.status_code': 101,
        });
        expect(records[1]?.attributes).toMatchObject({
          'url.query': 'token=REDACTED',
          'network.protocol.version': '1.1',
          'server.address': '127.0.0.1',
        });
        expect(records[1]?.attributes['http.response.status_code']).toBeUndefined();
      });

      it('has fragmented and large messages', async () => {
        const conversation = await converse(async (socket) => {
          const echo = echoed(socket, 3);
          socket.send('one', { fin: false, compress: false });
          socket.send('two', { fin: false, compress: false });
          socket.send('three', { fin: true, compress: false });
          socket.send(Buffer.alloc(300), { compress: false });
          socket.send(Buffer.alloc(200_000), { compress: false });
          await echo;
          socket.close(4000);
        });
        const records = recordsOf(conversation);
        const sent = 11 + 300 + 200_000;
        expect(told(records)[1]).toEqual(
          expect.arrayContaining(['WEBSOCKET', 'unknown', 6, 3, sent, 4000, true]),
        );
      });

      it('may end without a Close frame, or with no frame at all', async () => {
        const broken = await converse(async (socket) => {
          const echo = echoed(socket, 1);
          socket.send('hello', { compress: false });
          await echo;
          socket.terminate();
        });
        const [, record] = recordsOf(broken);
        expect(record?.attributes['libtrace.websocket.request_frames']).toBe(1);
        expect(record?.attributes['libtrace.websocket.close_code']).toBeUndefined();
        expect(record).toMatchObject({ status: 'ok', complete: true });
        const silent = await converse((socket) => {
          socket.terminate();
          return Promise.resolve();
        });
        expect(told(recordsOf(silent))).toEqual([upgraded]);
      });
    });
  }
});

describe('frames made by hand', () => {
  const opening =
    'GET /chat HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
  const accepted = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n';
  const fromClient = (first: number, payload: string): Buffer => {
    const key = Buffer.from([1, 2, 3, 4]);
    const masked = Buffer.from(payload, 'latin1').map((byte, i) => byte ^ key[i % 4]!);
    return Buffer.concat([Buffer.from([first, 0x80 | payload.length]), key, masked]);
  };
  const fromServer = (first: number, payload: string): Buffer =>
    Buffer.concat([Buffer.from([first, payload.length]), Buffer.from(payload, 'latin1')]);

  function recordsWith(
    moves: readonly (readonly ['client' | 'server', ...Buffer[]])[],
    how: Replay = {},
  ): HttpRecord[] {
    const all = [
      { from: 'client', bytes: Buffer.from(opening) },
      { from: 'server', bytes: Buffer.from(accepted) },
      ...moves.map(([from, ...bytes]) => ({ from, bytes: Buffer.concat(bytes) })),
    ] as const;
    return replay({ moves: [...all] }, how).records;
  }

  it('may come from one side only, and right behind the upgrade', () => {
    const [, record] = recordsWith([['server', fromServer(0x81, 'hi'), fromServer(0x82, 'ho')]]);
    expect(told([record!])).toEqual([
      ['WEBSOCKET', '/chat', 'ok', 0, 0, 0, 2, 2, 4, undefined, true],
    ]);
  });

  it('say who closed, and why', () => {
    const code = (value: number): string => String.fromCharCode(value >> 8, value & 0xff);
    for (const [value, byServer, byClient] of [
      [1000, 'ok', 'ok'],
      [1001, 'ok', 'ok'],
      [1002, 'client-error', 'server-error'],
      [1011, 'server-error', 'client-error'],
      [4001, 'unknown', 'unknown'],
    ] as const) {
      const server = ['server', fromServer(0x88, code(value))] as const;
      const client = ['client', fromClient(0x88, code(value))] as const;
      for (const [moves, status] of [
        [[server, client], byServer],
        [[client, server], byClient],
        [[server], byServer],
        [[client], byClient],
      ] as const) {
        const [, record] = recordsWith(moves);
        expect(record?.status).toBe(status);
        expect(record?.attributes['libtrace.websocket.close_code']).toBe(value);
      }
    }
    const [, record] = recordsWith([['server', fromServer(0x88, '')]]);
    expect(record?.attributes['libtrace.websocket.close_code']).toBeUndefined();
  });

  it('that lie in a hole are not counted, nor any behind them', () => {
    const three = Array.from({ length: 3 }, () => fromServer(0x82, 'x'.repeat(100)));
    const moves = [
      ['server', ...three],
      ['client', fromClient(0x81, 'hello')],
      ['server', fromServer(0x88, '')],
    ] as const;
    const inPayload = recordsWith(moves, { hole: { move: 2, from: 10, to: 90 } });
    expect(told(inPayload)[1]).toEqual([
      ...['WEBSOCKET', '/chat', 'ok', 1, 1, 5, 4, 3, 300, undefined],
      false,
    ]);
    const overHeader = recordsWith(moves, { hole: { move: 2, from: 50, to: 150 } });
    expect(told(overHeader)[1]).toEqual([
      ...['WEBSOCKET', '/chat', 'ok', 1, 1, 5, undefined, undefined, undefined, undefined],
      false,
    ]);
    expect(overHeader[1]?.missing).toEqual(['response.body']);
    const all = recordsWith(moves.slice(0, 2), { hole: { move: 2, from: 0, to: 306 } });
    expect(told(all)[1]).toEqual([
      ...['WEBSOCKET', '/chat', 'ok', 1, 1, 5, undefined, undefined, undefined, undefined],
      false,
    ]);
  });

  it('that are none are not counted', () => {
    for (const bad of [
      fromServer(0x83, 'x'),
      fromServer(0xa1, 'x'),
      fromServer(0x08, ''),
      fromClient(0x81, 'masked by the server'),
      Buffer.from([0x89, 126, 0, 200]),
      Buffer.from([0x82, 127, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
    ]) {
      const [, record] = recordsWith([
        ['server', bad, fromServer(0x81, 'ok')],
        ['client', fromClient(0x81, 'hello')],
      ]);
      expect(record?.attributes['libtrace.websocket.request_frames']).toBe(1);
      expect(record?.attributes['libtrace.websocket.response_frames']).toBeUndefined();
    }
  });

  it('may arrive before the response that allows them', () => {
    const moves = [
      { from: 'client', bytes: Buffer.from(opening) },
      { from: 'client', bytes: fromClient(0x81, 'early') },
      { from: 'server', bytes: Buffer.from(accepted) },
      { from: 'client', bytes: fromClient(0x81, 'late') },
    ] as const;
    const { records } = replay({ moves: [...moves] });
    expect(told(records)).toEqual([
      upgraded,
      ['WEBSOCKET', '/chat', 'ok', 2, 2, 9, 0, 0, 0, undefined, true],
    ]);
  });
});
