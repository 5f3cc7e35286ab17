// SPDX-License-Identifier: Apache-2.0
// Makes the picture in README.md: starts a small shop (HTTP, gRPC, MariaDB, Kafka), traces it live in a terminal while
// it is asked for things, and draws what the terminal showed. Needs root, a built tree, mariadb-server, kcat, script.
// `node scripts/docs/shop/trace.mjs` writes docs/demo.ansi and docs/demo.svg.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { terminalPicture } from '../terminal-picture.mjs';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const programs = fileURLToPath(new URL('.', import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'libtrace-shop-'));
const started = [];

function start(command, args) {
  const program = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  started.push(program);
  return program;
}

/** Waits for a line of a program's output, and reads on behind it: a full pipe would stop the program. */
function said(stream, pattern) {
  return new Promise((resolve, reject) => {
    let text = '';
    stream.on('data', (chunk) => {
      text += chunk;
      const found = pattern.exec(text);
      if (found !== null) resolve(found);
    });
    stream.on('close', () => reject(new Error(`ended without ${pattern}: ${text}`)));
  });
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  return port;
}

async function startMariadb() {
  const data = join(directory, 'data');
  const socket = join(directory, 'mariadb.sock');
  mkdirSync(data);
  execFileSync(
    'mariadb-install-db',
    ['--no-defaults', `--datadir=${data}`, '--user=root', '--skip-test-db'],
    { stdio: 'ignore' },
  );
  const port = await freePort();
  const server = start('mariadbd', [
    ...['--no-defaults', '--user=root', `--datadir=${data}`, `--socket=${socket}`],
    ...[`--port=${port}`, '--bind-address=127.0.0.1', '--innodb-buffer-pool-size=16M'],
  ]);
  await said(server.stderr, /ready for connections/);
  const sql = `CREATE DATABASE shop; CREATE USER shop@'127.0.0.1'; GRANT ALL ON shop.* TO shop@'127.0.0.1';
    USE shop; CREATE TABLE orders (id INT AUTO_INCREMENT PRIMARY KEY, thing VARCHAR(20), buyer VARCHAR(20));`;
  execFileSync('mariadb', ['--no-defaults', `--socket=${socket}`, '--user=root'], { input: sql });
  return port;
}

async function startKafka() {
  const cluster = start('kcat', [
    ...['-b', 'ignored', '-C', '-t', 'orders', '-q', '-d', 'mock'],
    ...['-X', 'test.mock.num.brokers=1'],
  ]);
  return (await said(cluster.stderr, /bootstrap\.servers=([\d.:]+)/))[1];
}

/** A Node program under a name of its own, as `comm`. */
async function startNamed(name, ...args) {
  const link = join(directory, name);
  symlinkSync(process.execPath, link);
  const program = start(link, [join(programs, `${name}.mjs`), ...args.map(String)]);
  program.stderr.pipe(process.stderr);
  return { pid: program.pid, port: (await said(program.stdout, /(\d+)\n/))[1] };
}

async function shopping(port) {
  const url = `http://127.0.0.1:${port}`;
  for (const thing of ['lamp', 'chair', 'chair']) {
    await (await fetch(`${url}/orders/${thing}`, { method: 'POST' })).text();
    await sleep(200);
  }
  await (await fetch(`${url}/orders?buyer=anna&token=secret`)).text();
  await (await fetch(`${url}/nothing`)).text();
}

try {
  const inventory = await startNamed('inventory');
  const shop = await startNamed('shop', inventory.port, await startMariadb(), await startKafka());
  const command = `stty cols 118 rows 50; exec node packages/cli/dist/main.js trace --no-tls --pid ${shop.pid} ${inventory.pid} --duration 3`;
  const terminal = spawn('script', ['-qec', command, join(directory, 'typescript')], { cwd: root });
  let output = '';
  terminal.stdout.on('data', (chunk) => (output += chunk));
  while (!output.includes('ready')) await sleep(50);
  await shopping(shop.port);
  await once(terminal, 'close');
  writeFileSync(join(root, 'docs/demo.ansi'), output);
  const label =
    'Output of libtrace trace: HTTP, gRPC, MySQL and Kafka calls of a small shop, then a summary';
  writeFileSync(join(root, 'docs/demo.svg'), terminalPicture(output, label));
} finally {
  for (const program of started) program.kill('SIGKILL');
  rmSync(directory, { recursive: true, force: true });
}
process.exit();
