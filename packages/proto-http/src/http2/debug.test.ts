import { it } from 'vitest';
import { randomNumbers, replay } from '../traffic.test-support.js';
import { ask, NodeServer } from './node-server.test-support.js';
const options = { requestHeaders: ['x-3', 'x-20'], responseHeaders: ['x-path', 'server', 'date'] };
it('debug', async () => {
  const server = await NodeServer.start();
  const conversation = await server.converse(async (client) => {
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
    }
  });
  server.close();
  const random = randomNumbers(5);
  for (let round = 0; round < 3000; round++) {
    const move = Math.floor(random() * conversation.moves.length);
    const offset = round % 3 === 0 ? 0 : Math.floor(random() * 2000);
    const role = round % 2 === 0 ? 'server' : 'unknown';
    const chunks = [undefined, 300, 1000][round % 3];
    const how = { joinAt: { move, offset }, role, options, seed: round } as const;
    const { records, stats } = replay(
      conversation,
      chunks === undefined ? how : { ...how, chunks },
    );
    const first = conversation.moves
      .slice(0, move + 3)
      .filter(({ from }) => from === 'client').length;
    const seen = new Set(records.map((r) => r.attributes['libtrace.http.stream_id']));
    const missing: number[] = [];
    for (let stream = 2 * first + 5; stream <= 1999; stream += 2)
      if (!seen.has(stream)) missing.push(stream);
    if (missing.length) {
      console.log(
        round,
        { move, offset, role, chunks, first },
        missing.length,
        missing.slice(0, 8),
        records.length,
        stats,
      );
      for (let m = move - 1; m < move + 12; m++) {
        const x = conversation.moves[m];
        if (x) console.log(m, x.from, x.bytes.length, x.bytes.subarray(0, 24).toString('hex'));
      }
      break;
    }
  }
}, 100000);
