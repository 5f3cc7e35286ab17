// SPDX-License-Identifier: Apache-2.0
// node-https.mjs KEY CERT: answers every request over TLS; says {"port":N}, ends with its input.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';

const [key, cert] = process.argv.slice(2).map((path) => readFileSync(path));
const body = 'hello over TLS\n';
const server = createServer({ key, cert }, (request, response) => {
  response.setHeader('Content-Length', body.length);
  response.end(body);
});
server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ port: server.address().port })));
process.stdin.on('end', () => process.exit(0)).resume();
