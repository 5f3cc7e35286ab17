// SPDX-License-Identifier: Apache-2.0
// Plaintext above TLS in a recording: the very records of the live run, bound to their sockets, with their handshakes.
import { join } from 'node:path';
import { createReader, type TraceRecord } from '@libtrace/core';
import { http } from '@libtrace/proto-http';
import { mysql } from '@libtrace/proto-mysql';
import { expect, inject } from 'vitest';
import { liveOnHost } from './harness/requirements.js';
import { NodeClient, startNodeServer } from './harness/tls-peers.js';
import { traceTls } from './harness/tls-tracing.js';

/** A record as it is printed, but for where the bytes in the clear came from. */
const printed = (record: TraceRecord): string =>
  JSON.stringify(record).replace('"source":"syscall"', '"source":"recording"');

liveOnHost('a replay has the very records of the live run: TLS', ['openssl'], async () => {
  const file = join(inject('directory'), 'tls.ltrec');
  const server = await startNodeServer('server');
  const client = await NodeClient.started();
  const tracing = await traceTls([...server.pids, client.pid], { recording: { to: file } });
  await client.use(server.port, 'single');
  await client.run(1, 30);
  await client.use(server.port, 'keep');
  await client.run(31, 30);
  await tracing.waitFor(120);
  await tracing.tracer.close();
  const { records } = tracing;
  expect(records).toHaveLength(120);
  expect(records.every(({ connection }) => connection.tls?.cipher !== undefined)).toBe(true);

  const reader = createReader({
    plugins: [http({ requestHeaders: ['x-n'], responseHeaders: ['x-id'] }), mysql()],
    file,
  });
  const replayed: TraceRecord[] = [];
  for await (const record of reader) replayed.push(record as unknown as TraceRecord);
  expect(replayed.map(printed)).toEqual(records.map(printed));
  expect(reader.stats().pipeline).toEqual({ ...tracing.tracer.stats().pipeline });
});
