// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { inject, onTestFinished } from 'vitest';
import { programPath } from './requirements.js';
import { StartedProgram } from './started-program.js';
import { timeScale, until } from './time-scale.js';

/** A server of the distribution with a configuration of its own, in the foreground. */
export interface RealServer {
  readonly program: StartedProgram;
  readonly pid: number;
  readonly port: number;
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  readonly comm: string;
  readonly exe: string;
  readonly accessLog: string;
}

/** Sizes of the files `1` to `FILES` below `/f/`. */
export const FILES = 20;
export const fileSize = (n: number): number => n * n * 150 + 1;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await until('a free port', () => server.listening);
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
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

function documents(): string {
  const directory = mkdtempSync(join(inject('directory'), 'server-'));
  mkdirSync(join(directory, 'f'), { mode: 0o755 });
  for (let n = 1; n <= FILES; n++)
    writeFileSync(join(directory, 'f', String(n)), Buffer.alloc(fileSize(n), 'd'));
  return directory;
}

async function run(
  name: string,
  command: (port: number, directory: string) => readonly string[],
): Promise<RealServer> {
  const directory = documents();
  const port = await freePort();
  const [path, ...args] = command(port, directory);
  // Apache ends its process group, not just its own processes.
  const program = new StartedProgram(path!, args, { detached: true });
  onTestFinished(() => program.stop('SIGTERM'));
  await until(`${name} accepts`, () => accepts(port), 10_000 * timeScale);
  return {
    program,
    pid: program.pid,
    port,
    url: `http://127.0.0.1:${port}`,
    comm: name,
    exe: path!,
    accessLog: join(directory, 'access.log'),
  };
}

/** nginx with one worker, sendfile on. */
export function startNginx(): Promise<RealServer> {
  return run('nginx', (port, directory) => {
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
      .map((kind) => `${kind}_temp_path ${directory}/temporary;`)
      .join('\n');
    const configuration = join(directory, 'nginx.conf');
    writeFileSync(
      configuration,
      `daemon off; worker_processes 1; user root; pid ${directory}/pid; error_log ${directory}/error.log;
events { worker_connections 256; }
http {
  ${temporary}
  access_log ${directory}/access.log;
  sendfile on; tcp_nopush on; keepalive_requests 100000;
  server { listen 127.0.0.1:${port}; root ${directory}; location = /ok { return 200 "fine"; } }
}`,
    );
    return [programPath('nginx')!, '-e', `${directory}/error.log`, '-c', configuration];
  });
}

/** Apache with processes that each serve one connection at a time. */
export function startApache(): Promise<RealServer> {
  return run('apache2', (port, directory) => {
    const configuration = join(directory, 'apache.conf');
    const modules = '/usr/lib/apache2/modules';
    writeFileSync(
      configuration,
      `ServerRoot ${directory}
ServerName live.test
LoadModule mpm_prefork_module ${modules}/mod_mpm_prefork.so
LoadModule authz_core_module ${modules}/mod_authz_core.so
PidFile ${directory}/pid
ErrorLog ${directory}/error.log
DefaultRuntimeDir ${directory}
Mutex fcntl:${directory}
Listen 127.0.0.1:${port}
User www-data
Group www-data
StartServers 2
MinSpareServers 1
MaxSpareServers 4
EnableSendfile Off
DocumentRoot ${directory}
`,
    );
    return [programPath('apache2')!, '-D', 'FOREGROUND', '-f', configuration];
  });
}

/** Python's http.server, HTTP/1.0: every response ends with its connection. */
export function startPython(): Promise<RealServer> {
  return run('python3', (port, directory) => [
    programPath('python3')!,
    ...['-m', 'http.server', String(port), '--bind', '127.0.0.1', '--directory', directory],
  ]);
}
