// SPDX-License-Identifier: Apache-2.0
// Which system calls move the bytes, and how they are cut, makes no difference to the records.
import { afterAll, beforeAll, describe } from 'vitest';
import type { PeerOptions } from './harness/peer.js';
import { live } from './harness/requirements.js';
import { play } from './harness/scenario.js';
import { Tracing } from './harness/tracing.js';

let tracing: Tracing;
beforeAll(async () => {
  tracing = Tracing.created();
  await tracing.tracer.attach();
});
afterAll(() => tracing.tracer.close());

describe('number of calls', () => {
  live('1,000 requests one after the other on one connection', [], async () => {
    await play(tracing, { name: 'keep-alive', count: 1000 });
  });

  live('64 connections at once, 100 requests on each', [], async () => {
    await play(tracing, { name: 'many', count: 100, client: { connections: 64 } });
  });

  for (const pipeline of [10, 100]) {
    live(`${pipeline} requests in one write`, [], async () => {
      await play(tracing, { name: `pipe-${pipeline}`, count: pipeline * 3, client: { pipeline } });
    });

    live(`${pipeline} requests in one write, their responses in one write`, [], async () => {
      const server: PeerOptions = { batch: 1 };
      await play(tracing, {
        name: `batch-${pipeline}`,
        count: pipeline * 3,
        client: { pipeline },
        server,
      });
    });
  }
});

describe('system calls', () => {
  const variants: readonly (readonly [string, PeerOptions])[] = [
    ['recv and send', { read: 'socket', write: 'socket' }],
    ['readv and writev with 64 iovecs', { read: 'vector', write: 'vector' }],
    ['recvmsg and sendmsg with several iovecs', { read: 'message', write: 'message' }],
    ['recvmmsg and sendmmsg with several messages', { read: 'messages', write: 'messages' }],
    ['a peek before each read', { read: 'peek', write: 'plain' }],
    ['non-blocking sockets that are not ready', { nonblocking: 1 }],
  ];
  for (const [what, io] of variants) {
    const name = `io-${io.read ?? 'again'}`;
    live(what, [], async () => {
      const client: PeerOptions = { ...io, connections: 2 };
      await play(tracing, { name, count: 50, client, server: io });
    });

    live(`${what}, with bodies both ways`, [], async () => {
      const client: PeerOptions = { ...io, body: 20_000 };
      await play(tracing, {
        name: `${name}-body`,
        count: 5,
        client,
        server: { ...io, size: 30_000 },
      });
    });
  }

  live('each byte of request and response in a write of its own', [], async () => {
    const client: PeerOptions = { write: 'bytes', body: 11 };
    await play(tracing, { name: 'bytes', count: 4, client, server: { write: 'bytes', size: 23 } });
  });

  live('each byte of chunked messages in a write of its own', [], async () => {
    const client: PeerOptions = { write: 'bytes', body: 11, chunk: 4 };
    await play(tracing, {
      name: 'chunk-bytes',
      count: 4,
      client,
      server: { write: 'bytes', size: 23, chunk: 7 },
    });
  });
});
