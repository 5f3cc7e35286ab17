// SPDX-License-Identifier: Apache-2.0
// An nginx of our own: one worker, loopback, no logs.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { childrenOf, cpuNsOf } from '../lib/processes.mjs';

const fileBytes = 612;

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
    server.on('error', reject);
  });
}

function configuration(folder, port) {
  return `
daemon off; pid ${folder}/nginx.pid; error_log ${folder}/error.log; worker_processes 1; user root;
events { worker_connections 1024; }
http {
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000;
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
  server {
    listen 127.0.0.1:${port} backlog=1024;
    root ${folder}/www;
    location = /return { return 200 "hello from nginx"; }
    location = /status { stub_status; }
  }
}`;
}

/** A running nginx. */
export class Nginx {
  #child;
  #folder;
  #exit;

  static async start() {
    const nginx = new Nginx();
    const folder = mkdtempSync(join(tmpdir(), 'libtrace-bench-nginx-'));
    nginx.#folder = folder;
    nginx.port = await freePort();
    mkdirSync(join(folder, 'www'));
    writeFileSync(join(folder, 'www/file'), 'x'.repeat(fileBytes));
    writeFileSync(join(folder, 'nginx.conf'), configuration(folder, nginx.port));
    nginx.#child = spawn('nginx', ['-p', folder, '-c', join(folder, 'nginx.conf')], {
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    process.once('exit', () => nginx.#child.kill('SIGTERM'));
    nginx.#exit = new Promise((resolve) => {
      nginx.#child.once('exit', resolve);
      nginx.#child.once('error', resolve);
    });
    for (let i = 0; i < 100; i++) {
      await sleep(50);
      const [worker] = childrenOf(nginx.#child.pid ?? -1);
      if (worker === undefined || (await nginx.requests().catch(() => -1)) < 0) continue;
      nginx.worker = worker;
      return nginx;
    }
    await nginx.stop();
    throw new Error('nginx did not start: is it installed?');
  }

  /** Process id of the master. */
  get pid() {
    return this.#child.pid;
  }

  /** CPU time of the worker so far, nanoseconds. */
  cpuNs() {
    return cpuNsOf(this.worker);
  }

  /** Requests that nginx has counted so far, this one included. */
  async requests() {
    const response = await fetch(`http://127.0.0.1:${this.port}/status`, {
      headers: { connection: 'close' },
    });
    return Number((await response.text()).match(/\n\s*\d+\s+\d+\s+(\d+)/)?.[1] ?? NaN);
  }

  async stop() {
    this.#child.kill('SIGTERM');
    await this.#exit;
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
