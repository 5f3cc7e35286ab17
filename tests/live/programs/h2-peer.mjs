// SPDX-License-Identifier: Apache-2.0
// HTTP/2 of Node: node h2-peer.mjs server | client. Both end with their input. The client waits for orders, lines on
// standard input, and answers each with a line of JSON:
//   open PORT                     connects; requests go over this one connection until it is closed
//   sequence FIRST COUNT [NAME]   requests FIRST, FIRST + 1, … one after the other; NAME: yes is a field of each
//   parallel FIRST COUNT          requests at once
//   close
// Request N asks for /r/N. Every third is a POST with a body of N % 1000 bytes, the others have none. The answer has
// (N * 37) % 500 bytes; every tenth is a 404.
import { connect, createServer } from 'node:http2';
import { createInterface } from 'node:readline';

const commands = createInterface(process.stdin);
commands.on('close', () => process.exit(0));

function serve() {
  const server = createServer();
  server.on('stream', (stream, headers) => {
    let size = 0;
    stream.on('error', () => undefined);
    stream.on('data', (bytes) => (size += bytes.length));
    stream.on('end', () => {
      const n = Number(headers[':path'].split('/').pop());
      stream.respond({
        ':status': n % 10 === 0 ? 404 : 200,
        'x-id': String(n),
        'x-received': size,
      });
      stream.end(Buffer.alloc((n * 37) % 500, 's'));
    });
  });
  server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ port: server.address().port })));
}

let session;

function ask(n, name) {
  return new Promise((resolve, reject) => {
    const hasBody = n % 3 === 0;
    const headers = { ':path': `/r/${n}`, ':method': hasBody ? 'POST' : 'GET', 'x-n': String(n) };
    if (name !== undefined) headers[name] = 'yes';
    const stream = session.request(headers, { endStream: !hasBody });
    let status;
    let size = 0;
    stream.on('response', (response) => (status = response[':status']));
    stream.on('data', (bytes) => (size += bytes.length));
    stream.on('end', () => resolve([n, status, size]));
    stream.on('error', reject);
    if (hasBody) stream.end(Buffer.alloc(n % 1000, 'c'));
  });
}

const orders = {
  open: (port) =>
    new Promise((resolve, reject) => {
      session = connect(`http://127.0.0.1:${port}`);
      session.on('error', reject);
      session.on('connect', () => resolve({ port: session.socket.localPort }));
    }),
  sequence: async (first, count, name) => {
    const answers = [];
    for (let n = Number(first); n < Number(first) + Number(count); n++) {
      answers.push(await ask(n, name));
    }
    return answers;
  },
  parallel: (first, count) =>
    Promise.all(Array.from({ length: Number(count) }, (_, i) => ask(Number(first) + i))),
  close: () => new Promise((resolve) => session.close(() => resolve({}))),
};

if (process.argv[2] === 'server') {
  serve();
} else {
  console.log('{}');
  commands.on('line', async (line) => {
    const [order, ...args] = line.split(' ');
    console.log(JSON.stringify(await orders[order](...args)));
  });
}
