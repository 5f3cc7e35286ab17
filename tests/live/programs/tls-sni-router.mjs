// SPDX-License-Identifier: Apache-2.0
// Takes connections of others without a look into their TLS, and asks a server of its own, over TLS, when one says hello:
// node tls-sni-router.mjs CERT NAME PORT. Says {"port":N}; ends with its input.
import { readFileSync } from 'node:fs';
import * as https from 'node:https';
import * as net from 'node:net';

const [certificate, servername, port] = process.argv.slice(2);
process.stdin.on('end', () => process.exit(0)).resume();
const ca = readFileSync(certificate);
let asked = 0;

const router = net.createServer((socket) => {
  socket.on('error', () => undefined);
  socket.once('data', () => {
    const n = ++asked;
    const headers = { Host: servername, 'X-N': n };
    const options = {
      host: '127.0.0.1',
      port,
      path: `/n/${n}`,
      headers,
      ca,
      servername,
      agent: false,
    };
    https.get(options, (response) => {
      response.resume().on('end', () => socket.end());
    });
  });
});
router.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ port: router.address().port })));
