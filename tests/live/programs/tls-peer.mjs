// SPDX-License-Identifier: Apache-2.0
// TLS of Node. All end with their input and say a line of JSON when they are ready.
//   node tls-peer.mjs server KEY CERT           HTTP/1.1; says {"port":N}
//   node tls-peer.mjs server2 KEY CERT          HTTP/2
//   node tls-peer.mjs plain                     HTTP/1.1 without TLS
//   node tls-peer.mjs proxy KEY CERT PORT       HTTP/1.1 over TLS, passes everything on to PORT, without TLS
//   node tls-peer.mjs client CERT NAME [1.2|1.3]   asks for NAME; says {}
// The client waits for orders, lines on standard input, and answers each with a line of JSON:
//   agent PORT keep|single [plain]   requests go there, over kept or over new connections
//   run FIRST COUNT AT-ONCE [PREFIX] requests; says what it knows of each: [n, status, bytes, port, version, cipher]
//   open2 PORT                       one connection of HTTP/2
//   run2 FIRST COUNT AT-ONCE         requests over it
//   close2
// Request N asks for PREFIX/N (/n/N). Every third is a POST with a body of N % 1000 bytes. The answer has
// (N * 37) % 1000 bytes; every tenth is a 404; every other is chunked. With the prefix /waitMS it comes after
// (N % 20) * MS milliseconds.
import { readFileSync } from 'node:fs';
import * as http from 'node:http';
import * as http2 from 'node:http2';
import * as https from 'node:https';
import { createInterface } from 'node:readline';

const [kind, ...args] = process.argv.slice(2);
const commands = createInterface(process.stdin);
commands.on('close', () => process.exit(0));
const say = (what) => console.log(JSON.stringify(what));

const numberOf = (path) => Number(path.split('/').pop());
const isPost = (n) => n % 3 === 0;
const statusOf = (n) => (n % 10 === 0 ? 404 : 200);
const delayOf = (path) => Number(/^\/wait(\d+)\//.exec(path)?.[1] ?? 0) * (numberOf(path) % 20);
const answerTo = (n) => Buffer.alloc((n * 37) % 1000, 'a');

/** No connection is closed because nothing happens on it, however slow the machine. */
const patience = { keepAliveTimeout: 0, requestTimeout: 0, headersTimeout: 0 };

function listen(server) {
  server.on('clientError', (error, socket) => socket.destroy());
  server.listen(0, '127.0.0.1', () => say({ port: server.address().port }));
}

async function sizeOf(stream) {
  let size = 0;
  for await (const bytes of stream) size += bytes.length;
  return size;
}

async function answer(request, response) {
  const size = await sizeOf(request);
  const n = numberOf(request.url);
  const body = answerTo(n);
  const delayMs = delayOf(request.url);
  if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs));
  response.statusCode = statusOf(n);
  response.setHeader('X-Id', n);
  response.setHeader('X-Received', size);
  if (n % 2 === 0) response.setHeader('Content-Length', body.length);
  else response.write('');
  response.end(body);
}

/** Passes a request on, and the response back. */
function passTo(port) {
  const agent = new http.Agent({ keepAlive: true });
  return (request, response) => {
    const { method, url: path } = request;
    const headers = { ...request.headers, host: 'backend.test' };
    const options = { host: '127.0.0.1', port, agent, method, path, headers };
    const passed = http.request(options, (from) => {
      response.writeHead(from.statusCode, { 'X-Id': from.headers['x-id'] });
      from.pipe(response);
    });
    passed.on('error', () => response.destroy());
    request.pipe(passed);
  };
}

function serve2(keyPair) {
  const server = http2.createSecureServer(keyPair);
  server.on('stream', async (stream, headers) => {
    stream.on('error', () => undefined);
    const size = await sizeOf(stream);
    const n = numberOf(headers[':path']);
    stream.respond({ ':status': statusOf(n), 'x-id': String(n), 'x-received': String(size) });
    stream.end(answerTo(n));
  });
  listen(server);
}

/** Runs `ask` for COUNT numbers, so many at a time. */
async function atOnce(first, count, width, ask) {
  const answers = [];
  let next = Number(first);
  const end = next + Number(count);
  const worker = async () => {
    while (next < end) answers.push(await ask(next++));
  };
  await Promise.all(Array.from({ length: Number(width) }, worker));
  return answers.sort(([a], [b]) => a - b);
}

const tlsOf = (socket) => [
  socket.getProtocol?.().replace('TLSv', '') ?? null,
  socket.getCipher?.().standardName ?? null,
];

function client([certificate, servername, version]) {
  const limits =
    version === undefined ? {} : { minVersion: `TLSv${version}`, maxVersion: `TLSv${version}` };
  const trust = { ca: readFileSync(certificate), servername, ...limits };
  let target;
  let session;

  const ask = (prefix) => (n) =>
    new Promise((resolve, reject) => {
      const body = isPost(n) ? Buffer.alloc(n % 1000, 'c') : undefined;
      const { module, ...options } = target;
      const request = module.request({
        ...options,
        host: '127.0.0.1',
        path: `${prefix}/${n}`,
        method: body === undefined ? 'GET' : 'POST',
        headers: { Host: servername, 'X-N': n, ...(body && { 'Content-Length': body.length }) },
      });
      request.on('error', reject);
      request.on('response', async (response) => {
        const { socket } = request;
        const told = [socket.localPort, ...tlsOf(socket)];
        resolve([n, response.statusCode, await sizeOf(response), ...told]);
      });
      request.end(body);
    });

  const ask2 = (n) =>
    new Promise((resolve, reject) => {
      const endStream = !isPost(n);
      const stream = session.request(
        { ':path': `/n/${n}`, ':method': endStream ? 'GET' : 'POST', 'x-n': String(n) },
        { endStream },
      );
      stream.on('error', reject);
      stream.on('response', async (headers) => {
        const { socket } = session;
        const size = await sizeOf(stream);
        resolve([n, headers[':status'], size, socket.localPort, ...tlsOf(socket)]);
      });
      if (!endStream) stream.end(Buffer.alloc(n % 1000, 'c'));
    });

  const orders = {
    agent: (port, mode, plain) => {
      const module = plain === undefined ? https : http;
      target?.agent.destroy();
      const agent = new module.Agent({ keepAlive: mode === 'keep' });
      target = { module, agent, port: Number(port), ...(module === https && trust) };
      return {};
    },
    run: (first, count, width, prefix = '/n') => atOnce(first, count, width, ask(prefix)),
    open2: (port) =>
      new Promise((resolve, reject) => {
        session = http2.connect(`https://${servername}:${port}`, {
          ...trust,
          lookup: (_name, options, found) =>
            options.all
              ? found(null, [{ address: '127.0.0.1', family: 4 }])
              : found(null, '127.0.0.1', 4),
        });
        session.on('error', reject);
        session.on('connect', () => resolve({ port: session.socket.localPort }));
      }),
    run2: (first, count, width) => atOnce(first, count, width, ask2),
    close2: () => new Promise((resolve) => session.close(() => resolve({}))),
  };
  say({});
  commands.on('line', async (line) => {
    const [order, ...rest] = line.split(' ');
    say(await orders[order](...rest));
  });
}

const keyPair = () => ({ key: readFileSync(args[0]), cert: readFileSync(args[1]) });
const roles = {
  server: () => listen(https.createServer({ ...keyPair(), ...patience }, answer)),
  server2: () => serve2(keyPair()),
  plain: () => listen(http.createServer(patience, answer)),
  proxy: () => listen(https.createServer({ ...keyPair(), ...patience }, passTo(Number(args[2])))),
  client: () => client(args),
};
roles[kind]();
