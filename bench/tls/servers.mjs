// SPDX-License-Identifier: Apache-2.0
// Servers with TLS on loopback, from private copies: nginx with one worker, Node, Go.
import { execFileSync, spawn } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { goProgram } from '../../scripts/go-programs.mjs';
import { childrenOf } from '../lib/processes.mjs';

const here = (name) => fileURLToPath(new URL(name, import.meta.url));

/** @param {string} directory @returns {{ key: string, certificate: string }} */
export function makeCertificate(directory) {
  const made = { key: join(directory, 'key.pem'), certificate: join(directory, 'cert.pem') };
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const files = ['-keyout', made.key, '-out', made.certificate];
  execFileSync(
    'openssl',
    ['req', '-x509', ...kind, '-subj', '/CN=localhost', '-days', '7', ...files],
    { stdio: 'pipe' },
  );
  return made;
}

/** A running server. */
class Server {
  #child;
  #exit;

  constructor(name, command) {
    this.name = name;
    const [path, ...args] = command;
    this.#child = spawn(path, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    process.once('exit', () => this.#child.kill('SIGKILL'));
    this.#exit = new Promise((resolve) => {
      this.#child.once('exit', resolve);
    });
  }

  get pid() {
    return this.#child.pid;
  }

  /** The first line that it writes. */
  async said() {
    for await (const line of createInterface({ input: this.#child.stdout }))
      return JSON.parse(line);
    throw new Error(`${this.name} did not start`);
  }

  /** Processes that do the work. */
  workers() {
    const children = childrenOf(this.pid);
    return children.length > 0 ? children : [this.pid];
  }

  /** CPU time of its threads so far, nanoseconds. */
  cpuNs() {
    let sum = 0;
    for (const pid of this.workers()) {
      for (const tid of readdirSync(`/proc/${pid}/task`)) {
        const text = readFileSync(`/proc/${pid}/task/${tid}/schedstat`, 'utf8');
        sum += Number(text.split(' ')[0]);
      }
    }
    return sum;
  }

  async stop() {
    this.#child.stdin.end();
    this.#child.kill('SIGTERM');
    await this.#exit;
  }
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
    server.on('error', reject);
  });
}

/** @param {import('./private-files.mjs').PrivateFiles} files */
export async function startNginx(files, { key, certificate }) {
  const { directory } = files;
  const port = await freePort();
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((kind) => `${kind}_temp_path ${directory}/temporary;`)
    .join(' ');
  writeFileSync(
    join(directory, 'nginx.conf'),
    `daemon off; worker_processes 1; user root; pid ${directory}/nginx.pid; error_log ${directory}/error.log;
events { worker_connections 1024; }
http {
  access_log off; keepalive_requests 1000000000; ${temporary}
  server {
    listen 127.0.0.1:${port} ssl backlog=1024;
    ssl_protocols TLSv1.3; ssl_certificate ${certificate}; ssl_certificate_key ${key};
    location / { return 200 "hello over TLS\\n"; }
  }
}`,
  );
  const command = files.program(execFileSync('sh', ['-c', 'command -v nginx']).toString().trim());
  const options = ['-e', join(directory, 'error.log'), '-c', join(directory, 'nginx.conf')];
  const server = new Server('nginx', [...command, ...options]);
  for (let i = 0; i < 100 && childrenOf(server.pid).length === 0; i++) await sleep(50);
  await sleep(200);
  return Object.assign(server, { port });
}

/** @param {import('./private-files.mjs').PrivateFiles} files */
export async function startNode(files, { key, certificate }) {
  const command = files.program(process.execPath, 'node');
  const server = new Server('Node', [...command, here('node-https.mjs'), key, certificate]);
  return Object.assign(server, await server.said());
}

/** @param {import('./private-files.mjs').PrivateFiles} files */
export async function startGo(files, { key, certificate }, version = '1.24') {
  const built = await goProgram({ source: here('go-https'), version });
  const server = new Server(`Go ${version}`, [...files.program(built), key, certificate]);
  return Object.assign(server, await server.said());
}
