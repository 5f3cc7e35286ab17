import { it, expect } from 'vitest';
import { randomNumbers, replay } from '../traffic.test-support.js';
import {
  ask,
  NodeServer,
  expectTrueOrUnknown,
  shownHeaders as options,
  streamOf,
} from './node-server.test-support.js';
it('debug', async () => {
  const server = await NodeServer.start();
  const conversation = await server.converse(async (client) => {
    for (let round = 0; round < 10; round++) {
      await Promise.all(
        Array.from({ length: 100 }, (_, i) => {
          const path = `/sized/${(i * 911) % 40_000}/${round}-${i}`;
          const body = i % 4 === 0 ? Buffer.alloc(20_000, 'b') : undefined;
          return ask(
            client,
            {
              ':path': path,
              ':method': body ? 'PUT' : 'GET',
              'x-3': `v${i % 7}`,
              'user-agent': `u${i % 3}`,
            },
            body,
          );
        }),
      );
    }
  });
  server.close();
  const truth = replay(conversation, { options }).records;
  const streams = new Map(truth.map((record) => [streamOf(record), record]));
  const random = randomNumbers(11);
  let least = 1e9,
    n = 0,
    inc = 0;
  const end = Date.now() + 150_000;
  while (Date.now() < end) {
    n++;
    const move = Math.floor(random() * conversation.moves.length);
    const { length } = conversation.moves[move]!.bytes;
    const from = Math.floor(random() * length);
    const to = Math.min(length, from + 1 + Math.floor(random() ** 3 * 60000));
    const role = (['server', 'client', 'unknown'] as const)[n % 3]!;
    const join =
      n % 2
        ? {
            joinAt: {
              move: Math.floor(random() * conversation.moves.length),
              offset: Math.floor(random() * 50000),
            },
          }
        : {};
    const { records } = replay(conversation, {
      role,
      hole: { move, from, to },
      ...join,
      options,
      seed: n,
      ...(n % 5 === 0 ? { chunks: 3000 } : {}),
    });
    for (const record of records) {
      const one = streams.get(streamOf(record));
      expect(
        one,
        `stream ${streamOf(record)} hole ${move}+${from}-${to} ${JSON.stringify(join)} ${role} n=${n}`,
      ).toBeDefined();
      try {
        expectTrueOrUnknown(record, one!);
      } catch (e) {
        console.log(JSON.stringify(record), JSON.stringify(one), { move, from, to, join, role, n });
        throw e;
      }
      if (!record.complete) inc++;
    }
    expect(new Set(records.map(streamOf)).size).toBe(records.length);
    if (!('joinAt' in join)) least = Math.min(least, records.length);
  }
  console.log({ n, least, inc });
}, 300000);
