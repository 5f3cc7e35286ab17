// SPDX-License-Identifier: Apache-2.0
// @grpc/grpc-js without generated code: node grpc-peer.mjs server | client. Both end with their input. The client's
// orders, lines on standard input, each answered by a line of JSON with the statuses of its calls:
//   open PORT
//   unary COUNT                     one after the other
//   error CODE                      a call that the server answers with a status
//   cancel                          a call that the server does not answer, cancelled
//   deadline MS                     a call that the server does not answer in time
//   collect COUNT                   the client sends COUNT messages, the server answers with one
//   expand COUNT                    the client sends one message, the server answers with COUNT
//   chat COUNT                      COUNT messages, each echoed before the next
//   close
import { createInterface } from 'node:readline';
import * as grpc from '@grpc/grpc-js';

const commands = createInterface(process.stdin);
commands.on('close', () => process.exit(0));

const same = (bytes) => bytes;
const method = (name, requestStream, responseStream) => ({
  path: `/live.v1.Echo/${name}`,
  requestStream,
  responseStream,
  requestSerialize: same,
  requestDeserialize: same,
  responseSerialize: same,
  responseDeserialize: same,
});
const definition = {
  Unary: method('Unary', false, false),
  Collect: method('Collect', true, false),
  Expand: method('Expand', false, true),
  Chat: method('Chat', true, true),
};

function serve() {
  const server = new grpc.Server();
  server.addService(definition, {
    Unary: (call, callback) => {
      const [word, code] = call.request.toString().split(' ');
      if (word === 'error') callback({ code: Number(code), details: `failed: ${code}` });
      else if (word !== 'never') callback(null, call.request);
    },
    Collect: (call, callback) => {
      let count = 0;
      call.on('data', () => count++);
      call.on('end', () => callback(null, Buffer.from(String(count))));
    },
    Expand: (call) => {
      const count = Number(call.request.toString());
      for (let i = 0; i < count; i++) call.write(Buffer.from(`message ${i}`));
      call.end();
    },
    Chat: (call) => {
      call.on('data', (bytes) => call.write(bytes));
      call.on('end', () => call.end());
    },
  });
  server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, port) => {
    if (error !== null) throw error;
    console.log(JSON.stringify({ port }));
  });
}

const Client = grpc.makeGenericClientConstructor(definition, 'Echo');
let client;

const unary = (text, options = {}) =>
  new Promise((resolve) => {
    client.Unary(Buffer.from(text), options, (error) => resolve(error?.code ?? 0));
  });
const status = (call) =>
  new Promise((resolve) => {
    call.on('error', () => undefined);
    call.on('status', ({ code }) => resolve(code));
  });

const orders = {
  open: async (port) => {
    client = new Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
    await new Promise((resolve) => client.waitForReady(Infinity, resolve));
    return 0;
  },
  unary: async (count) => {
    const statuses = [];
    for (let i = 0; i < Number(count); i++) statuses.push(await unary(`call ${i}`));
    return statuses;
  },
  error: (code) => unary(`error ${code}`),
  cancel: () =>
    new Promise((resolve) => {
      const call = client.Unary(Buffer.from('never'), (error) => resolve(error.code));
      setTimeout(() => call.cancel(), 100);
    }),
  deadline: (ms) => unary('never', { deadline: Date.now() + Number(ms) }),
  collect: (count) =>
    new Promise((resolve) => {
      const call = client.Collect((error, bytes) => resolve(error?.code ?? Number(bytes)));
      for (let i = 0; i < Number(count); i++) call.write(Buffer.from(`message ${i}`));
      call.end();
    }),
  expand: async (count) => {
    const call = client.Expand(Buffer.from(count));
    let received = 0;
    call.on('data', () => received++);
    await status(call);
    return received;
  },
  chat: async (count) => {
    const call = client.Chat();
    const end = status(call);
    for (let i = 0; i < Number(count); i++) {
      call.write(Buffer.from(`message ${i}`));
      await new Promise((resolve) => call.once('data', resolve));
    }
    call.end();
    return end;
  },
  close: () => {
    client.close();
    return 0;
  },
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
