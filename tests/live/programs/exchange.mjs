// SPDX-License-Identifier: Apache-2.0
// A Node HTTP server and a `fetch` client: node exchange.mjs server | client. Lines on standard input drive the client;
// both end with their input.
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';

const commands = createInterface(process.stdin);
commands.on('close', () => process.exit(0));

if (process.argv[2] === 'server') {
  const server = createServer(async (request, response) => {
    let size = 0;
    for await (const data of request) size += data.length;
    const n = Number(request.url.split('/').pop());
    response.statusCode = n % 10 === 3 ? 404 : 200;
    // Every other response has no Content-Length: Node sends it chunked.
    const body = Buffer.alloc((n * 37) % 1000, 'n');
    if (n % 2 === 0) response.setHeader('Content-Length', body.length);
    response.setHeader('X-Received', size);
    if (n % 2 === 1) response.write('');
    response.end(body);
  });
  server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ port: server.address().port })));
} else {
  console.log('{}');
  // get|post URL COUNT: requests one after the other to URL/1 … URL/COUNT; posts have a body of n * 10 bytes.
  commands.on('line', async (line) => {
    const [method, url, count] = line.split(' ');
    const sizes = [];
    for (let n = 1; n <= Number(count); n++) {
      const body = method === 'post' ? Buffer.alloc(n * 10, 'p') : undefined;
      const response = await fetch(`${url}/${n}`, { method, body });
      const received = await response.arrayBuffer();
      sizes.push([response.status, received.byteLength]);
    }
    console.log(JSON.stringify(sizes));
  });
}
