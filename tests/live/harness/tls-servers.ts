// SPDX-License-Identifier: Apache-2.0
// Servers with TLS, from private copies.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { inject, onTestFinished } from 'vitest';
import { certificate, SERVER_NAME } from './certificate.js';
import { commandOf, PrivatePrograms, type PrivateProgram } from './private-programs.js';
import { programPath } from './requirements.js';
import { StartedProgram } from './started-program.js';
import { until } from './time-scale.js';

/** A running server with TLS. */
export interface TlsServer {
  readonly program: StartedProgram;
  /** The process that was started, then those that it forked when it began. */
  readonly pids: readonly number[];
  readonly port: number;
}

/** A port that nothing listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await until('a free port', () => server.listening);
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Starts a private program; it is gone at the end of the test. */
export function startPrivate(program: PrivateProgram, args: readonly string[]): StartedProgram {
  const [path, ...rest] = commandOf(program, args);
  const started = new StartedProgram(path!, rest);
  onTestFinished(() => started.stop('SIGKILL'));
  return started;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}

function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'latin1')
      .split(' ')
      .filter(Boolean)
      .map(Number),
  );
}

/** Sizes of the files `1` to `FILES` below `/f/`. The last are longer than a TLS record may be. */
export const FILES = 20;
export const fileSize = (n: number): number => n * n * 150 + 1;

/** An nginx with TLS, whose log says what it knows of each request. */
export interface TlsNginx extends TlsServer {
  readonly workers: readonly number[];
  /** `port path status version cipher` of each request so far. */
  readonly log: () => readonly string[];
}

function nginxConfiguration(
  directory: string,
  port: number,
  workers: number,
  http2: boolean,
): string {
  const { key, certificate: cert } = certificate();
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((kind) => `${kind}_temp_path ${directory}/temporary;`)
    .join('\n  ');
  return `daemon off; worker_processes ${workers}; user root; pid ${directory}/pid; error_log ${directory}/error.log;
events { worker_connections 256; }
http {
  ${temporary}
  log_format told '$remote_port $request_uri $status $ssl_protocol $ssl_cipher';
  access_log ${directory}/access.log told;
  keepalive_requests 1000000; keepalive_timeout 1h;
  server {
    listen 127.0.0.1:${port} ssl${http2 ? ' http2' : ''}${workers > 1 ? ' reuseport' : ''};
    server_name ${SERVER_NAME};
    ssl_certificate ${cert}; ssl_certificate_key ${key};
    ssl_protocols TLSv1.2 TLSv1.3; ssl_session_cache shared:SSL:1m;
    root ${directory};
    location = /ok { return 200 "fine"; }
  }
}`;
}

export interface NginxOptions {
  readonly workers?: number;
  readonly http2?: boolean;
  /** Where its copy is; `installed`: not a copy. */
  readonly programs?: PrivatePrograms | 'installed';
}

/** nginx, with as many workers as are asked for; with several, the kernel spreads connections over them. */
export async function startTlsNginx({
  workers = 1,
  http2 = false,
  programs = PrivatePrograms.shared(),
}: NginxOptions = {}): Promise<TlsNginx> {
  const directory = mkdtempSync(join(inject('directory'), 'tls-nginx-'));
  mkdirSync(join(directory, 'f'));
  for (let n = 1; n <= FILES; n++)
    writeFileSync(join(directory, 'f', String(n)), Buffer.alloc(fileSize(n), 'd'));
  const port = await freePort();
  const configuration = join(directory, 'nginx.conf');
  writeFileSync(configuration, nginxConfiguration(directory, port, workers, http2));
  const errors = `${directory}/error.log`;
  const nginx =
    programs === 'installed' ? { path: programPath('nginx')!, env: {} } : programs.program('nginx');
  const [path, ...rest] = commandOf(nginx, ['-e', errors, '-c', configuration]);
  const program = new StartedProgram(path!, rest);
  onTestFinished(() => program.stop('SIGTERM'));
  await until('nginx accepts', () => accepts(port), 10_000);
  const running = await until('its workers run', () => {
    const children = childrenOf(program.pid);
    return children.length === workers && children;
  });
  return {
    program,
    pids: [program.pid, ...running],
    port,
    workers: running,
    log: () => readFileSync(join(directory, 'access.log'), 'latin1').split('\n').slice(0, -1),
  };
}

/** MariaDB with TLS: nothing but memory tables, and everybody may log in. */
export async function startTlsMariadb(): Promise<TlsServer> {
  const directory = mkdtempSync(join(inject('directory'), 'tls-mariadb-'));
  const data = join(directory, 'data');
  mkdirSync(data);
  const port = await freePort();
  const { key, certificate: cert } = certificate();
  const program = startPrivate(PrivatePrograms.shared().program('mariadbd'), [
    ...['--no-defaults', '--skip-grant-tables', '--user=root', '--skip-log-bin', '--basedir=/usr'],
    ...['--innodb=OFF', '--default-storage-engine=MEMORY', '--performance-schema=OFF'],
    ...[`--datadir=${data}`, `--socket=${join(directory, 'socket')}`],
    ...[`--ssl-cert=${cert}`, `--ssl-key=${key}`],
    ...[`--pid-file=${join(directory, 'pid')}`, '--bind-address=127.0.0.1', `--port=${port}`],
  ]);
  await until(
    'it takes connections',
    () => program.errors.includes('ready for connections'),
    30_000,
  );
  return { program, pids: [program.pid], port };
}

/** A server of programs/tls-peer.mjs or tls-python.py, which says its port. */
export async function startSaid(
  program: PrivateProgram,
  args: readonly string[],
): Promise<TlsServer> {
  const started = startPrivate(program, args);
  const { port } = JSON.parse(await started.line()) as { port: number };
  return { program: started, pids: [started.pid], port };
}

/** A client that says `{}` when it waits for orders. */
export async function startClient(
  program: PrivateProgram,
  args: readonly string[],
): Promise<StartedProgram> {
  const started = startPrivate(program, args);
  await started.line();
  return started;
}
