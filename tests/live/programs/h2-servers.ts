// SPDX-License-Identifier: Apache-2.0
import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inject, onTestFinished } from 'vitest';
import { programPath } from '../harness/requirements.js';
import { StartedProgram } from '../harness/started-program.js';
import { until } from '../harness/time-scale.js';

/** A server that the suite started. */
export interface Http2Server {
  readonly pid: number;
  readonly port: number;
}

/** Sizes of the files `1` to `FILES` of a server. */
export const FILES = 20;
export const fileSize = (n: number): number => n * 700;

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

async function run(
  name: string,
  command: (port: number, directory: string) => readonly string[],
): Promise<Http2Server> {
  const directory = mkdtempSync(join(inject('directory'), 'h2-'));
  // servers that drop their rights must be able to read it
  chmodSync(directory, 0o755);
  for (let n = 1; n <= FILES; n++)
    writeFileSync(join(directory, String(n)), Buffer.alloc(fileSize(n), 'f'));
  const port = await freePort();
  const program = new StartedProgram(programPath(name)!, command(port, directory), {
    detached: true,
  });
  onTestFinished(() => program.stop('SIGTERM'));
  await until(`${name} accepts`, () => accepts(port), 10_000);
  return { pid: program.pid, port };
}

/** nghttpd, without TLS. */
export function startNghttpd(): Promise<Http2Server> {
  return run('nghttpd', (port, directory) => [
    ...['--no-tls', '-a', '127.0.0.1', '-d', directory],
    String(port),
  ]);
}

/** nginx with HTTP/2 by prior knowledge. */
export function startNginxHttp2(): Promise<Http2Server> {
  return run('nginx', (port, directory) => {
    const configuration = join(directory, 'nginx.conf');
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
      .map((kind) => `${kind}_temp_path ${directory}/temporary;`)
      .join('\n');
    writeFileSync(
      configuration,
      `daemon off; worker_processes 1; user root; pid ${directory}/pid; error_log ${directory}/error.log;
events { worker_connections 256; }
http {
  ${temporary}
  access_log off;
  server { listen 127.0.0.1:${port} http2; root ${directory}; }
}`,
    );
    return ['-e', `${directory}/error.log`, '-c', configuration];
  });
}

/** Apache with HTTP/2 by upgrade and by prior knowledge. */
export function startApacheHttp2(): Promise<Http2Server> {
  return run('apache2', (port, directory) => {
    const configuration = join(directory, 'apache.conf');
    const modules = '/usr/lib/apache2/modules';
    writeFileSync(
      configuration,
      `ServerRoot ${directory}
ServerName live.test
LoadModule mpm_event_module ${modules}/mod_mpm_event.so
LoadModule authz_core_module ${modules}/mod_authz_core.so
LoadModule http2_module ${modules}/mod_http2.so
PidFile ${directory}/pid
ErrorLog ${directory}/error.log
DefaultRuntimeDir ${directory}
Mutex fcntl:${directory}
Listen 127.0.0.1:${port}
User www-data
Group www-data
StartServers 1
ServerLimit 1
ThreadsPerChild 64
MaxRequestWorkers 64
MinSpareThreads 8
MaxSpareThreads 64
EnableSendfile Off
EnableMMAP Off
Protocols h2c http/1.1
H2Upgrade on
DocumentRoot ${directory}
`,
    );
    return ['-D', 'FOREGROUND', '-f', configuration];
  });
}

/** A server and a client of a script of this folder; the port that the server listens on. */
export async function startPeers(script: string): Promise<{
  readonly server: StartedProgram;
  readonly client: StartedProgram;
  readonly port: number;
}> {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const server = new StartedProgram(process.execPath, [path, 'server']);
  const client = new StartedProgram(process.execPath, [path, 'client']);
  onTestFinished(() => server.stop());
  onTestFinished(() => client.stop());
  const { port } = JSON.parse(await server.line()) as { port: number };
  await client.line();
  return { server, client, port };
}
