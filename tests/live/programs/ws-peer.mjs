// SPDX-License-Identifier: Apache-2.0
// npm's ws: node ws-peer.mjs server | client. Both end with their input. The client's orders, lines on standard input:
//   chat PORT COUNT BYTES CODE    sends COUNT messages of BYTES, waits for their echoes, pings once, closes with CODE
import { createInterface } from 'node:readline';
import { WebSocket, WebSocketServer } from 'ws';

const commands = createInterface(process.stdin);
commands.on('close', () => process.exit(0));

if (process.argv[2] === 'server') {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false });
  server.on('connection', (socket) => {
    socket.on('message', (bytes, binary) => socket.send(bytes, { binary }));
  });
  server.on('listening', () => console.log(JSON.stringify({ port: server.address().port })));
} else {
  console.log('{}');
  commands.on('line', async (line) => {
    const [, port, count, bytes, code] = line.split(' ');
    const url = `ws://127.0.0.1:${port}/chat?token=secret`;
    const socket = new WebSocket(url, { perMessageDeflate: false });
    let echoes = 0;
    await new Promise((resolve) => {
      socket.on('open', () => {
        for (let i = 0; i < Number(count); i++) socket.send(Buffer.alloc(Number(bytes), 'w'));
      });
      socket.on('message', () => {
        if (++echoes === Number(count)) socket.ping();
      });
      socket.on('pong', () => socket.close(Number(code)));
      socket.on('close', resolve);
    });
    console.log(JSON.stringify({ echoes }));
  });
}
