// SPDX-License-Identifier: Apache-2.0
// MySQL: mysql2 and the mariadb client against a MariaDB server, which reads the header of a packet by one call and its
// body by the next. What the client says to have asked and been told is what is recorded, on both sides.
import { fileURLToPath } from 'node:url';
import type { TraceRecord } from '@libtrace/core';
import { mysql } from '@libtrace/proto-mysql';
import { expect, onTestFinished } from 'vitest';
import { live, programPath } from './harness/requirements.js';
import { StartedProgram } from './harness/started-program.js';
import { Tracing } from './harness/tracing.js';
import { startMariadb, type MariadbServer } from './programs/mysql-server.js';

const peerPath = fileURLToPath(new URL('programs/mysql-peer.mjs', import.meta.url));

/** What a client did on one connection, in order. */
interface Said {
  readonly port: number;
  readonly said: readonly string[];
}

const traced = (): Promise<Tracing> =>
  Tracing.attached({ plugins: [mysql()], ringBytes: 32 * 1024 * 1024 });

async function startClient({ port }: MariadbServer): Promise<StartedProgram> {
  const program = new StartedProgram(process.execPath, [peerPath, String(port)]);
  onTestFinished(() => program.stop());
  await program.line();
  await program.ask('setup');
  return program;
}

/** One line for each record: what both sides can say of it. */
function lineOf({ attributes }: TraceRecord): string {
  const command = String(attributes['libtrace.mysql.command']);
  const text = attributes['db.query.text'];
  if (text === undefined) return command;
  const error = attributes['db.response.status_code'];
  const rows = attributes['db.response.returned_rows'];
  const affected = attributes['libtrace.mysql.affected_rows'];
  const told =
    error !== undefined
      ? ` error ${String(error)} ${String(attributes['libtrace.mysql.sqlstate'])}`
      : rows !== undefined
        ? ` rows ${String(rows)}`
        : affected !== undefined
          ? ` affected ${String(affected)}`
          : '';
  return `${command} ${String(text)}${command === 'STMT_PREPARE' ? '' : told}`;
}

/** What records of one side say, by the client's port. */
function linesBy(records: readonly TraceRecord[], role: string): Map<number, string[]> {
  const lines = new Map<number, string[]>();
  for (const record of records) {
    if (record.role !== role) continue;
    const { port } = record.connection.client;
    lines.set(port, [...(lines.get(port) ?? []), lineOf(record)]);
  }
  return lines;
}

function expectSaid(records: readonly TraceRecord[], sessions: readonly Said[]): void {
  for (const role of ['client', 'server']) {
    const lines = linesBy(records, role);
    expect(lines.size, role).toBe(sessions.length);
    for (const { port, said } of sessions) expect(lines.get(port), role).toEqual(said);
  }
}

live('1,000 queries over 10 connections, text and prepared', ['mariadbd'], async () => {
  const server = await startMariadb();
  const client = await startClient(server);
  const tracing = await traced();
  tracing.addPids(server.pid, client.pid);
  const sessions = await client.ask<Said[]>('work 10 1000');
  const said = sessions.flatMap((each) => each.said);
  expect(said.filter((line) => /^(QUERY|STMT_EXECUTE) /.test(line))).toHaveLength(1000);

  const records = await tracing.take(2 * said.length);
  expectSaid(records, sessions);
  for (const record of records) {
    expect(record, lineOf(record)).toMatchObject({
      protocol: 'mysql',
      complete: true,
      process: { pid: record.role === 'client' ? client.pid : server.pid },
      connection: { server: { address: '127.0.0.1', port: server.port } },
      attributes: { 'db.system.name': 'mariadb', 'db.namespace': 'shop' },
    });
    const failed = record.attributes['db.response.status_code'] !== undefined;
    expect(record.status === 'ok', lineOf(record)).toBe(!failed);
    if (failed) expect(record.attributes['error.message']).toMatch(/Table .* doesn't exist/);
  }
  await tracing.expectAccounted();
});

live('a connection that is older than the tracing of it', ['mariadbd'], async () => {
  const server = await startMariadb();
  const client = await startClient(server);
  const tracing = await traced();
  await client.ask('open');
  tracing.addPids(server.pid, client.pid);
  const [session] = await client.ask<Said[]>('again');
  const records = await tracing.take(2 * session!.said.length);
  // The statement that was prepared before is not known, and is not guessed.
  const unknown = 'STMT_EXECUTE SELECT name FROM items WHERE id = ? rows 1';
  const said = session!.said.map((line) => (line === unknown ? 'STMT_EXECUTE' : line));
  expect(said.filter((line) => line === 'STMT_EXECUTE')).toHaveLength(1);
  expectSaid(records, [{ ...session!, said }]);
  const [first] = records;
  expect(first!.attributes).toMatchObject({
    'libtrace.mysql.command': 'STMT_EXECUTE',
    'db.response.returned_rows': 1,
  });
  await tracing.expectAccounted();
});

live('the mariadb client, with and without compression', ['mariadbd', 'mariadb'], async () => {
  const server = await startMariadb();
  await startClient(server);
  const tracing = await traced();
  const statements = 'SELECT id FROM items; UPDATE items SET name = LEFT(RAND(), 9); ';
  for (const compress of ['--skip-compress', '--compress']) {
    const options = ['--no-defaults', '--skip-ssl', compress, '-B', '-h127.0.0.1'];
    const command = [programPath('mariadb')!, ...options, `-P${server.port}`, 'shop'];
    const program = StartedProgram.held([
      ...command,
      '-e',
      `${statements.repeat(20)}SELECT * FROM nowhere`,
    ]);
    onTestFinished(() => program.stop('SIGKILL'));
    tracing.addPids(server.pid, program.pid);
    program.release();
    await program.ended();
    const records = await tracing.takeRest();
    for (const role of ['client', 'server']) {
      const queries = records.filter(
        (record) => record.role === role && record.operation !== 'LOGIN',
      );
      const lines = queries.map(lineOf).filter((line) => !line.includes('@@'));
      expect(lines, `${role} ${compress}`).toEqual([
        ...Array.from({ length: 20 }, () => [
          'QUERY SELECT id FROM items rows 7',
          'QUERY UPDATE items SET name = LEFT(RAND(), ?) affected 7',
        ]).flat(),
        'QUERY SELECT * FROM nowhere error 1146 42S02',
        'QUIT',
      ]);
      expect(queries.every(({ complete }) => complete)).toBe(true);
    }
  }
  await tracing.expectAccounted();
});
