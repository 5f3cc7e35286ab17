// SPDX-License-Identifier: Apache-2.0
import { defineProtocol, type ByteView, type ParseResult } from '@libtrace/core/plugin';
import { expect } from 'vitest';
import { PeerClient, startServer, type PeerOptions } from './harness/peer.js';
import { live } from './harness/requirements.js';
import { Tracing } from './harness/tracing.js';

interface ToyFrame {
  readonly side: 'request' | 'response';
  readonly id: number;
}

/** The protocol of programs/peer/datagrams.c: `TOY? n xxx\n` is answered by `TOY! n xxx\n`. */
const toy = defineProtocol({
  kind: 'protocol',
  apiVersion: 1,
  name: 'toy',
  transports: ['udp'],
  inference: {
    rules: [
      { says: 'request', when: { kind: 'bytes', at: 0, anyOf: ['TOY? '] } },
      { says: 'response', when: { kind: 'bytes', at: 0, anyOf: ['TOY! '] } },
    ],
  },
  matching: { mode: 'in-order' },
  createParser: () => ({
    parse(side, view: ByteView): ParseResult<ToyFrame> {
      const end = view.indexOf(10);
      if (end < 0) return { status: 'more' };
      if (!view.matches(side === 'request' ? 'TOY? ' : 'TOY! '))
        return { status: 'invalid', why: 'no toy' };
      return {
        status: 'frame',
        frame: { side, id: parseInt(view.latin1(5, end), 10) },
        consumed: end + 1,
      };
    },
    resync: (side, view: ByteView) => view.find(side === 'request' ? 'TOY? ' : 'TOY! '),
  }),
  toRecord: ({ request, response }) => ({
    operation: 'TOY',
    status: response === undefined ? 'unknown' : 'ok',
    attributes: { asked: request?.frame.id, answered: response?.frame.id },
  }),
});

const bytesOf = (n: number, filler: number): number => `TOY? ${n} `.length + filler + 1;

async function converse(io: PeerOptions, connected: boolean): Promise<void> {
  const tracing = await Tracing.attached({ plugins: [toy] });
  const count = 25;
  const server = await startServer(io, 'datagram-server');
  const clients = [0, 1].map(
    () =>
      new PeerClient(
        'udp',
        server,
        { ...io, ...(connected ? { connected: 1 } : {}) },
        'datagram-client',
      ),
  );
  tracing.addPids(server.pid, ...clients.map(({ pid }) => pid));
  await Promise.all(clients.map((client) => client.connect()));
  // Nobody knows what a socket did before its first datagram was seen: one exchange settles the order.
  for (const [k, client] of clients.entries()) await client.run(1 + k * 1000, 1);
  await Promise.all(clients.map((client, k) => client.run(2 + k * 1000, count - 1)));
  const records = await tracing.take(4 * count);
  for (const role of ['client', 'server']) {
    for (const [k, client] of clients.entries()) {
      const [port] = client.ports;
      const seen = records.filter(
        (record) => record.role === role && record.connection.client.port === port,
      );
      const rows = seen.map((record) => [
        ...[
          record.attributes['asked'],
          record.attributes['answered'],
          record.requestBytes,
          record.responseBytes,
        ],
        ...[record.status, record.missing.join(), record.connection.transport, record.process.pid],
        ...[
          record.connection.client.address,
          record.connection.server.address,
          record.connection.server.port,
        ],
      ]);
      const expected = Array.from({ length: count }, (_, i) => {
        const n = 1 + k * 1000 + i;
        const pid = role === 'client' ? client.pid : server.pid;
        return [
          n,
          n,
          bytesOf(n, 10),
          bytesOf(n, n % 50),
          'ok',
          '',
          'udp',
          pid,
          '127.0.0.1',
          '127.0.0.1',
          server.port,
        ];
      });
      expect(rows, `client ${k} seen as ${role}`).toEqual(expected);
    }
  }
  expect(records).toHaveLength(4 * count);
  await tracing.expectAccounted();
}

live('recvmmsg and sendmmsg on sockets that are not connected', [], () =>
  converse({ read: 'messages', write: 'messages' }, false),
);
live('recvfrom and sendto on sockets that are not connected', [], () => converse({}, false));
live('clients with connected sockets', [], () =>
  converse({ read: 'messages', write: 'messages' }, true),
);

live('datagrams without a plugin for UDP are not looked at', [], async () => {
  const tracing = await Tracing.attached();
  const server = await startServer({}, 'datagram-server');
  const client = new PeerClient('udp', server, {}, 'datagram-client');
  await client.connect();
  tracing.addPids(server.pid);
  const before = tracing.tracer.stats().kernel.segmentsSeen;
  await client.run(1, 10);
  await tracing.waitFor(0);
  expect(tracing.tracer.stats().kernel.segmentsSeen).toBe(before);
  expect(tracing.records).toEqual([]);
});

live('tables do not fill up with peers that are gone', [], async () => {
  const tracing = await Tracing.attached({ plugins: [toy], maxConnections: 64 });
  const server = await startServer({}, 'datagram-server');
  const client = new PeerClient('udp', server, {}, 'datagram-client');
  tracing.addPids(server.pid, client.pid);
  for (let n = 0; n < 100; n++) {
    await client.connect();
    await client.run(n, 1);
    await client.close();
  }
  const records = await tracing.take(200);
  for (const role of ['client', 'server']) {
    const seen = records.filter((record) => record.role === role);
    expect(
      seen.map(({ attributes }) => [attributes['asked'], attributes['answered']]),
      `seen as ${role}`,
    ).toEqual(Array.from({ length: 100 }, (_, n) => [n, n]));
  }
  await tracing.expectAccounted();
});
