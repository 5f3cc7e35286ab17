// SPDX-License-Identifier: Apache-2.0
// MySQL over TLS: the connection begins in the clear and goes on encrypted.
import type { TraceRecord } from '@libtrace/core';
import { expect } from 'vitest';
import { live } from './harness/requirements.js';
import { startNodeMysql } from './harness/tls-peers.js';
import { startTlsMariadb } from './harness/tls-servers.js';
import { expectTlsAccounted, traceTls } from './harness/tls-tracing.js';

/** What a client did on one connection, in order. */
interface Said {
  readonly port: number;
  readonly tls: { readonly version: string; readonly cipher: string };
  readonly said: readonly string[];
}

function lineOf({ attributes }: TraceRecord): string {
  const command = String(attributes['libtrace.mysql.command']);
  const rows = attributes['db.response.returned_rows'];
  const told = rows === undefined ? '' : ` rows ${String(rows)}`;
  return `${command} ${String(attributes['db.query.text'])}${told}`;
}

/** How many records there are of each connection, to be shown. */
function countsOf(records: readonly TraceRecord[]): string {
  const counts: Record<string, number> = {};
  for (const { role, source, connection } of records) {
    const key = `${role} ${source} ${connection.client.port}`;
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return JSON.stringify(counts);
}

live('mysql2 and MariaDB: 200 queries over 4 connections', ['openssl', 'mariadbd'], async () => {
  const server = await startTlsMariadb();
  const client = await startNodeMysql(server.port);
  await client.ask('setup');
  const tracing = await traceTls([...server.pids, client.pid]);
  const sessions = await client.ask<Said[]>('work 4 200');
  expect(sessions.flatMap(({ said }) => said)).toHaveLength(200);

  // Logging in, preparing and leaving are calls, too.
  const taken = [...(await tracing.take(400)), ...(await tracing.takeRest())];
  const records = taken.filter(({ attributes }) =>
    ['QUERY', 'STMT_EXECUTE'].includes(String(attributes['libtrace.mysql.command'])),
  );
  for (const [role, pids] of [
    ['client', [client.pid]],
    ['server', server.pids],
  ] as const) {
    for (const { port, tls, said } of sessions) {
      const own = records.filter((r) => r.role === role && r.connection.client.port === port);
      expect(own.map(lineOf), `${role} of ${port}; all: ${countsOf(records)}`).toEqual(said);
      for (const record of own) {
        expect(record, lineOf(record)).toMatchObject({
          protocol: 'mysql',
          source: 'openssl',
          status: 'ok',
          complete: true,
          connection: {
            transport: 'tls',
            client: { address: '127.0.0.1' },
            server: { address: '127.0.0.1', port: server.port },
          },
        });
        // mysql2 asks for no name at an address.
        expect(record.connection.tls).toEqual(tls);
        expect(pids).toContain(record.process.pid);
      }
    }
  }
  expect(records).toHaveLength(400);
  await expectTlsAccounted(tracing);
});
