// SPDX-License-Identifier: Apache-2.0
// gopeer, compiled by a Go toolchain and copied to where it may be probed.
import { chmodSync, copyFileSync, mkdtempSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { goProgram } from '../../../../scripts/go-programs.mjs';
import { privateRoot } from '../../harness/private-programs.js';
import { programPath } from '../../harness/requirements.js';
import { StartedProgram } from '../../harness/started-program.js';
import type { TlsCall, TlsSide } from '../../harness/tls-calls.js';

const source = fileURLToPath(new URL('./gopeer', import.meta.url));

export type GoVariant = 'normal' | 'stripped' | 'pie' | 'pie-stripped' | 'cgo';

/** gopeer/server.go, serverName. */
export const GO_SERVER_NAME = 'go.test';

/** A copy that nobody else runs. */
export async function compiledPeer(
  version: string,
  variant: GoVariant = 'normal',
): Promise<string> {
  const compiled = await goProgram({ source, version, variant });
  const directory = mkdtempSync(join(privateRoot(), `go-${version}-${variant}-`));
  const path = join(directory, 'gopeer');
  copyFileSync(compiled, path);
  chmodSync(path, 0o755);
  return realpathSync(path);
}

/** What gopeer/client.go says of a request. */
export interface GoExchange {
  readonly n: number;
  readonly status: number;
  readonly sent: number;
  readonly received: number;
  readonly port: number;
  readonly problem?: string;
  readonly version: string;
  readonly cipher: string;
}

/** What gopeer/load.go says. */
export interface GoLoad {
  readonly done: readonly number[];
  readonly problems: readonly string[];
}

/** gopeer/messages.go. */
export const goRequestSize = (n: number): number => (n % 3 === 0 ? n % 1000 : 0);
export const goResponseSize = (n: number): number =>
  n % 50 === 0 ? 40_000 + (n % 1000) : (n * 37) % 1000;
export const goStatus = (n: number): number => (n % 10 === 3 ? 404 : 200);

/** Collects garbage all the time: stacks are moved. */
const environment = ['GOGC=5'];

function start(path: string, args: readonly string[]): StartedProgram {
  const program = new StartedProgram(programPath('env')!, [...environment, path, ...args]);
  onTestFinished(() => program.stop());
  return program;
}

/** A running server. */
export interface GoServer {
  readonly program: StartedProgram;
  readonly path: string;
  readonly pid: number;
  readonly port: number;
}

export async function startGoServer(path: string, ...options: 'tls12'[]): Promise<GoServer> {
  const program = start(path, ['server', ...options]);
  const { port } = JSON.parse(await program.line()) as { port: number };
  return { program, path, pid: program.pid, port };
}

/** How many requests a server has answered; those whose body was not what was sent are not to be. */
export async function answeredBy(server: GoServer): Promise<{ requests: number; wrong: number }> {
  return server.program.ask('stats');
}

/** A client that waits for orders. */
export async function startGoClient(
  path: string,
  server: GoServer,
  kind: 'h1' | 'h2' | 'raw' | 'load',
  ...options: 'tls12'[]
): Promise<StartedProgram> {
  const args = kind === 'load' ? ['load', `${server.port}`] : ['client', `${server.port}`, kind];
  const program = start(path, [...args, ...options]);
  await program.line();
  return program;
}

/** Requests `first` to `first + count - 1`, so many at once. */
export function runGo(
  client: StartedProgram,
  first: number,
  count: number,
  atOnce: number,
): Promise<GoExchange[]> {
  return client.ask(`run ${first} ${count} ${atOnce}`);
}

/** What a client says of its requests, as calls to be compared with records. */
export function goCalls(exchanges: readonly GoExchange[]): TlsCall[] {
  return exchanges.map(({ n, status, sent, received, port, version, cipher }) => ({
    path: `/s/${n}`,
    operation: sent > 0 ? 'POST' : 'GET',
    statusCode: status,
    requestBody: sent,
    responseBody: received,
    clientPort: port,
    tls: { version, cipher },
    id: n,
  }));
}

/** What records of one side say, beyond the calls. */
export function goSide(
  role: 'client' | 'server',
  program: StartedProgram,
  server: GoServer,
  more: Partial<TlsSide> = {},
): TlsSide {
  return {
    role,
    pids: [program.pid],
    serverPort: server.port,
    source: 'go',
    serverName: GO_SERVER_NAME,
    comm: 'gopeer',
    exe: server.path,
    ...more,
  };
}
