// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, mkdtempSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { inject, onTestFinished } from 'vitest';
import { programPath } from '../harness/requirements.js';
import { StartedProgram } from '../harness/started-program.js';
import { until } from '../harness/time-scale.js';

/** A MariaDB server that the suite started: nothing but memory tables, and everybody may log in. */
export interface MariadbServer {
  readonly pid: number;
  readonly port: number;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await until('a free port', () => server.listening);
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export async function startMariadb(): Promise<MariadbServer> {
  const directory = mkdtempSync(join(inject('directory'), 'mariadb-'));
  const data = join(directory, 'data');
  mkdirSync(data);
  const port = await freePort();
  const program = new StartedProgram(programPath('mariadbd')!, [
    ...['--no-defaults', '--skip-grant-tables', '--user=root', '--skip-log-bin'],
    ...['--innodb=OFF', '--default-storage-engine=MEMORY', '--performance-schema=OFF'],
    ...[`--datadir=${data}`, `--socket=${join(directory, 'socket')}`],
    ...[`--pid-file=${join(directory, 'pid')}`, '--bind-address=127.0.0.1', `--port=${port}`],
  ]);
  onTestFinished(() => program.stop('SIGKILL'));
  await until(
    'the server takes connections',
    () => /ready for connections/.test(program.errors),
    30_000,
  );
  return { pid: program.pid, port };
}
