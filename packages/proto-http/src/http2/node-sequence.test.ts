// SPDX-License-Identifier: Apache-2.0
// Bytes of Node's HTTP/2 (nghttp2), client and server, through the whole pipeline.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Conversation, randomNumbers, replay } from '../traffic.test-support.js';
import {
  ask,
  expectTrueOrUnknown,
  NodeServer,
  shownHeaders as options,
  streamOf,
  told,
} from './node-server.test-support.js';

let server: NodeServer;
beforeAll(async () => {
  server = await NodeServer.start();
});
afterAll(() => server.close());

describe('1,000 requests one after the other', () => {
  let conversation: Conversation;
  const wanted: unknown[] = [];

  beforeAll(async () => {
    conversation = await server.converse(async (client) => {
      for (let i = 0; i < 1000; i++) {
        const body = i % 3 === 0 ? Buffer.alloc(i, 'b') : undefined;
        const size = (i * 37) % 5000;
        await ask(
          client,
          {
            ':path': `/sized/${size}/${i}?n=${i}&token=secret`,
            ':method': body === undefined ? 'GET' : 'POST',
            'user-agent': `test/${i % 7}`,
            [`x-${i % 50}`]: `value ${i}`,
          },
          body,
        );
        wanted.push([
          body === undefined ? 'GET' : 'POST',
          `/sized/${size}/${i}`,
          'ok',
          200,
          body?.length ?? 0,
          size,
          true,
        ]);
      }
    });
  });

  for (const role of ['server', 'client'] as const) {
    for (const chunks of [undefined, 1, 7, 64, 1500]) {
      it(`are all there, seen from the ${role}, in segments of ${chunks ?? 'their own'}`, () => {
        const { records, stats } = replay(conversation, chunks ? { role, chunks } : { role });
        expect(told(records)).toEqual(wanted);
        expect(stats.resyncs).toBe(0);
        records.forEach(({ attributes }, i) => {
          expect(attributes).toMatchObject({
            'network.protocol.name': 'http',
            'network.protocol.version': '2',
            'libtrace.http.stream_id': 1 + 2 * i,
            'url.scheme': 'http',
            'url.query': `n=${i}&token=REDACTED`,
            'server.address': '127.0.0.1',
            'server.port': server.port,
            'user_agent.original': `test/${i % 7}`,
          });
        });
      });
    }
  }

  it('are all there when writes are reported after the reads that answer them', () => {
    for (const seed of [1, 2, 3]) {
      const { records } = replay(conversation, { role: 'client', disordered: true, seed });
      expect(told(records)).toEqual(wanted);
    }
  });

  it('are exact or said to be unknown when the connection is joined anywhere', () => {
    const truth = replay(conversation, { options }).records;
    const random = randomNumbers(5);
    let unknown = 0;
    for (let round = 0; round < 25; round++) {
      const move = Math.floor(random() * conversation.moves.length);
      const offset = round % 3 === 0 ? 0 : Math.floor(random() * 2000);
      const role = round % 2 === 0 ? 'server' : 'unknown';
      const chunks = [undefined, 50, 1000][round % 3];
      const how = { joinAt: { move, offset }, role, options, seed: round } as const;
      const { records } = replay(conversation, chunks === undefined ? how : { ...how, chunks });
      const streams = new Map(truth.map((record) => [streamOf(record), record]));
      expect(new Set(records.map(streamOf)).size, 'each once').toBe(records.length);
      for (const record of records) {
        expectTrueOrUnknown(record, streams.get(streamOf(record))!);
        if (!record.complete) unknown++;
      }
      // what began after the join is there, but for the first few messages if the protocol was found out from them
      const first = conversation.moves
        .slice(0, move + 3)
        .filter(({ from }) => from === 'client').length;
      const last = streamOf(truth.at(-1)!);
      const seen = new Set(records.map(streamOf));
      for (let stream = 2 * first + 7; stream <= last; stream += 2) {
        expect(seen.has(stream), `stream ${stream} after joining at ${move}+${offset}`).toBe(true);
      }
    }
    expect(unknown).toBeGreaterThan(30);
  });

  it('are true or said to be unknown when bytes are lost anywhere', () => {
    const truth = replay(conversation, { options }).records;
    const streams = new Map(truth.map((record) => [streamOf(record), record]));
    const random = randomNumbers(9);
    for (let round = 0; round < 25; round++) {
      const move = Math.floor(random() * conversation.moves.length);
      const { length } = conversation.moves[move]!.bytes;
      const from = Math.floor(random() * length);
      const to = Math.min(length, from + 1 + Math.floor(random() ** 3 * 2000));
      const how = { hole: { move, from, to }, options, seed: round } as const;
      const { records } = replay(conversation, round % 2 === 0 ? how : { ...how, chunks: 500 });
      for (const record of records) {
        const one = streams.get(streamOf(record));
        expect(
          one,
          `stream ${streamOf(record)} with a hole at ${move}+${from}…${to}`,
        ).toBeDefined();
        expectTrueOrUnknown(record, one!);
      }
      // a hole may hide one message; the next is found
      expect(new Set(records.map(streamOf)).size).toBe(records.length);
      expect(records.length).toBeGreaterThanOrEqual(998);
    }
  });

  it('show values when asked to', () => {
    const { records } = replay(conversation, {
      options: { showValues: true, requestHeaders: ['x-3'], responseHeaders: ['x-path'] },
    });
    expect(records[53]?.attributes).toMatchObject({
      'url.query': 'n=53&token=secret',
      'http.request.header.x-3': ['value 53'],
      'http.response.header.x-path': ['/sized/1961/53'],
    });
  });

  it('count every byte of the messages once', () => {
    const { records } = replay(conversation);
    for (const side of ['client', 'server'] as const) {
      const moved = conversation.moves
        .filter(({ from }) => from === side)
        .reduce((sum, { bytes }) => sum + bytes.length, 0);
      const counted = records.reduce(
        (sum, record) => sum + (side === 'client' ? record.requestBytes : record.responseBytes),
        0,
      );
      expect(counted).toBeLessThanOrEqual(moved);
      // what is missing are the preface, SETTINGS, WINDOW_UPDATEs, GOAWAY
      expect(moved - counted).toBeLessThan(20_000);
    }
  });
});

describe('100 streams at once, ten times', () => {
  it('are all there, however they interleave', async () => {
    const paths: string[] = [];
    const conversation = await server.converse(async (client) => {
      for (let round = 0; round < 10; round++) {
        const asked = Array.from({ length: 100 }, (_, i) => {
          const path = `/sized/${(i * 911) % 40_000}/${round}-${i}`;
          paths.push(path);
          const body = i % 4 === 0 ? Buffer.alloc(20_000, 'b') : undefined;
          return ask(client, { ':path': path, ':method': body ? 'PUT' : 'GET' }, body);
        });
        await Promise.all(asked);
      }
    });
    for (const replayed of [
      {},
      { chunks: 33 },
      { chunks: 20_000 },
      { role: 'client', disordered: true },
    ] as const) {
      const { records } = replay(conversation, replayed);
      expect(records.length).toBe(1000);
      const shown = told(records) as unknown[][];
      expect(new Set(shown.map(([, path]) => path))).toEqual(new Set(paths));
      for (const [operation, path, , code, asked, answered, complete] of shown) {
        const i = Number(String(path).split('-')[1]);
        const [, , size] = String(path).split('/');
        expect([operation, code, asked, answered, complete]).toEqual([
          i % 4 === 0 ? 'PUT' : 'GET',
          200,
          i % 4 === 0 ? 20_000 : 0,
          Number(size),
          true,
        ]);
      }
    }
  });
});
