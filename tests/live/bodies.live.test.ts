// SPDX-License-Identifier: Apache-2.0
// Bodies are stepped over, whatever their size and framing; sizes are exact.
import { afterAll, beforeAll } from 'vitest';
import type { PeerOptions } from './harness/peer.js';
import { live } from './harness/requirements.js';
import { play } from './harness/scenario.js';
import { Tracing } from './harness/tracing.js';

const big = 3_000_000;

// Loopback moves these bodies faster than a busy machine wakes the reader: the ring holds one conversation.
let tracing: Tracing;
beforeAll(async () => {
  tracing = Tracing.created({ ringBytes: 64 * 1024 * 1024 });
  await tracing.tracer.attach();
});
afterAll(() => tracing.tracer.close());

live('chunked both ways', [], async () => {
  const client: PeerOptions = { body: 5_000, chunk: 512 };
  await play(tracing, {
    name: 'chunked',
    count: 20,
    client,
    server: { size: 10_000, chunk: 1_000 },
  });
});

live('3 MB both ways, with Content-Length', [], async () => {
  await play(tracing, { name: 'big', count: 2, client: { body: big }, server: { size: big } });
});

live('3 MB both ways, chunked', [], async () => {
  const client: PeerOptions = { body: big, chunk: 8_000 };
  await play(tracing, {
    name: 'big-chunked',
    count: 2,
    client,
    server: { size: big, chunk: 16_384 },
  });
});

live(
  '3 MB in one write: sizes are exact, the body is said to be missing where it was cut',
  [],
  async () => {
    await play(tracing, {
      name: 'big-write',
      count: 2,
      client: { body: big, piece: 4_000_000 },
      server: { size: big, piece: 4_000_000 },
      clientMissing: ['request.body'],
      serverMissing: ['response.body'],
    });
  },
);

live('a body sent with sendfile: sizes are exact, the sender lacks the body', [], async () => {
  const server: PeerOptions = { write: 'file', size: 100_000 };
  await play(tracing, { name: 'sendfile', count: 5, server, serverMissing: ['response.body'] });
});
