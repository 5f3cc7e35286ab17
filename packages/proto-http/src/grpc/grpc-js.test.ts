// SPDX-License-Identifier: Apache-2.0
// Calls of @grpc/grpc-js, client and server, through the whole pipeline.
import { EventEmitter, once } from 'node:events';
import * as grpc from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Conversation, type HttpRecord, replay, Tee } from '../traffic.test-support.js';

/** Says `asked` for every call that is never answered. */
const unanswered = new EventEmitter();

const same = (bytes: Buffer): Buffer => bytes;
const method = (
  name: string,
  requestStream: boolean,
  responseStream: boolean,
): grpc.MethodDefinition<Buffer, Buffer> => ({
  path: `/test.v1.Echo/${name}`,
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

/** Status codes by their numbers. */
const codes = new Map(
  Object.values(grpc.status).flatMap((code) =>
    typeof code === 'string' ? [] : [[String(code), code] as const],
  ),
);

let server: grpc.Server;
let tee: Tee;

beforeAll(async () => {
  server = new grpc.Server();
  server.addService(definition, {
    /** `error N text` fails with a status; `never` is not answered; anything else comes back. */
    Unary: (
      call: grpc.ServerUnaryCall<Buffer, Buffer>,
      callback: grpc.sendUnaryData<Buffer>,
    ): void => {
      const [word, code, ...text] = call.request.toString().split(' ');
      if (word === 'error')
        callback({ code: codes.get(code ?? '') ?? grpc.status.UNKNOWN, details: text.join(' ') });
      else if (word === 'never') unanswered.emit('asked');
      else callback(null, call.request);
    },
    /** Answers with the number of messages. */
    Collect: (
      call: grpc.ServerReadableStream<Buffer, Buffer>,
      callback: grpc.sendUnaryData<Buffer>,
    ): void => {
      let count = 0;
      call.on('data', () => count++);
      call.on('end', () => callback(null, Buffer.from(String(count))));
    },
    /** Answers with as many messages as it is asked for. */
    Expand: (call: grpc.ServerWritableStream<Buffer, Buffer>): void => {
      const [count = 0, size = 0] = call.request.toString().split(' ').map(Number);
      for (let i = 0; i < count; i++) call.write(Buffer.alloc(size, 'm'));
      call.end();
    },
    /** Echoes every message; ends by itself after `stop`. */
    Chat: (call: grpc.ServerDuplexStream<Buffer, Buffer>): void => {
      call.on('data', (bytes: Buffer) => {
        call.write(bytes);
        if (bytes.toString() === 'stop') call.end();
      });
      call.on('end', () => call.end());
    },
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
  tee = await Tee.before(port);
});
afterAll(() => {
  tee.close();
  server.forceShutdown();
});

const Client = grpc.makeGenericClientConstructor(definition, 'Echo');
type Method<T> = (...args: unknown[]) => T;
type EchoClient = InstanceType<typeof Client> & {
  readonly Unary: Method<grpc.ClientUnaryCall>;
  readonly Collect: Method<grpc.ClientWritableStream<Buffer>>;
  readonly Expand: Method<grpc.ClientReadableStream<Buffer>>;
  readonly Chat: Method<grpc.ClientDuplexStream<Buffer, Buffer>>;
};

async function converse(act: (client: EchoClient) => Promise<void>): Promise<Conversation> {
  const before = tee.conversations.length;
  const client = new Client(
    `127.0.0.1:${tee.port}`,
    grpc.credentials.createInsecure(),
  ) as EchoClient;
  await act(client);
  client.close();
  await new Promise((resolve) => setTimeout(resolve, 20));
  return tee.conversations[before]!;
}

const unary = (client: EchoClient, text: string | Buffer, options = {}): Promise<number> =>
  new Promise((resolve) => {
    client.Unary(Buffer.from(text), options, (error: grpc.ServiceError | null) =>
      resolve(error?.code ?? 0),
    );
  });

/** Resolves with the status of a call that answers with a stream. */
const ended = (call: grpc.ClientReadableStream<Buffer>): Promise<number> =>
  new Promise((resolve) => {
    call.on('data', () => undefined);
    call.on('error', () => undefined);
    call.on('status', ({ code }) => resolve(code));
  });

const told = (records: readonly HttpRecord[]): unknown[] =>
  records.map(({ operation, status, complete, attributes }) => [
    operation,
    status,
    attributes['rpc.grpc.status_code'],
    attributes['libtrace.grpc.request_messages'],
    attributes['libtrace.grpc.response_messages'],
    complete,
  ]);

/** The same records, seen from either side and however the bytes are cut. */
function recordsOf(conversation: Conversation): HttpRecord[] {
  const { records } = replay(conversation);
  for (const how of [
    { chunks: 1 },
    { chunks: 30 },
    { chunks: 4000 },
    { role: 'client', disordered: true, seed: 4 },
  ] as const) {
    expect(told(replay(conversation, how).records)).toEqual(told(records));
  }
  return records;
}

describe('gRPC', () => {
  it('has 1,000 unary calls', async () => {
    const conversation = await converse(async (client) => {
      for (let i = 0; i < 1000; i++) expect(await unary(client, `call ${i}`)).toBe(0);
    });
    const records = recordsOf(conversation);
    expect(told(records)).toEqual(
      Array.from({ length: 1000 }, () => ['test.v1.Echo/Unary', 'ok', 0, 1, 1, true]),
    );
    expect(records[500]?.attributes).toMatchObject({
      'rpc.system': 'grpc',
      'rpc.service': 'test.v1.Echo',
      'rpc.method': 'Unary',
      'http.request.method': 'POST',
      'url.path': '/test.v1.Echo/Unary',
      'http.response.status_code': 200,
      'network.protocol.version': '2',
      'server.address': '127.0.0.1',
      'server.port': tee.port,
      'http.request.body.size': 5 + 'call 500'.length,
      'http.response.body.size': 5 + 'call 500'.length,
    });
  });

  it('counts the messages of streams in either direction', async () => {
    const conversation = await converse(async (client) => {
      for (const count of [0, 1, 50]) {
        await new Promise((resolve) => {
          const call = client.Collect(resolve);
          for (let i = 0; i < count; i++) call.write(Buffer.alloc(i * 100));
          call.end();
        });
        expect(await ended(client.Expand(Buffer.from(`${count} 10`)))).toBe(0);
        expect(await ended(client.Expand(Buffer.from(`${count} 20000`)))).toBe(0);
        const chat = client.Chat();
        const end = ended(chat);
        for (let i = 0; i < count; i++) chat.write(Buffer.from('hello'));
        chat.end();
        expect(await end).toBe(0);
      }
    });
    const calls = [0, 1, 50].flatMap((count) => [
      ['test.v1.Echo/Collect', 'ok', 0, count, 1, true],
      ['test.v1.Echo/Expand', 'ok', 0, 1, count, true],
      ['test.v1.Echo/Expand', 'ok', 0, 1, count, true],
      ['test.v1.Echo/Chat', 'ok', 0, count, count, true],
    ]);
    expect(told(recordsOf(conversation))).toEqual(calls);
  });

  it('has large messages', async () => {
    const conversation = await converse(async (client) => {
      await unary(client, Buffer.alloc(3_000_000));
      await unary(client, Buffer.alloc(100_000));
    });
    const records = replay(conversation).records;
    expect(told(records)).toEqual(
      Array.from({ length: 2 }, () => ['test.v1.Echo/Unary', 'ok', 0, 1, 1, true]),
    );
    expect(records[0]?.attributes['http.response.body.size']).toBe(3_000_005);
  });

  it('has the status of calls that fail', async () => {
    const conversation = await converse(async (client) => {
      for (let code = 1; code <= 16; code++) {
        expect(await unary(client, `error ${code} failed: 50% «${code}»`)).toBe(code);
      }
      await new Promise((resolve) =>
        client.makeUnaryRequest('/test.v1.Echo/Missing', same, same, Buffer.alloc(1), resolve),
      );
    });
    const records = recordsOf(conversation);
    const serverErrors = new Set([2, 4, 12, 13, 14, 15]);
    expect(told(records)).toEqual([
      ...Array.from({ length: 16 }, (_, i) => [
        'test.v1.Echo/Unary',
        serverErrors.has(i + 1) ? 'server-error' : 'client-error',
        i + 1,
        1,
        0,
        true,
      ]),
      ['test.v1.Echo/Missing', 'server-error', 12, 1, 0, true],
    ]);
    expect(records[4]?.attributes).toMatchObject({ 'error.message': 'failed: 50% «5»' });
    expect(records[4]?.attributes['error.type']).toBeUndefined();
    expect(records[13]?.attributes['error.type']).toBe('UNAVAILABLE');
    const [asClient] = replay(conversation, { role: 'client' }).records;
    expect(asClient?.attributes['error.type']).toBe('CANCELLED');
  });

  it('has calls that were cancelled, timed out, or ended by the server first', async () => {
    const conversation = await converse(async (client) => {
      const cancelled = client.Unary(Buffer.from('never'), () => undefined);
      await once(unanswered, 'asked');
      cancelled.cancel();
      expect(await unary(client, 'never', { deadline: Date.now() + 500 })).toBe(4);
      const chat = client.Chat();
      const end = ended(chat);
      chat.write(Buffer.from('a'));
      chat.write(Buffer.from('stop'));
      expect(await end).toBe(0);
      const broken = client.Chat();
      const brokenEnd = ended(broken);
      broken.write(Buffer.from('a'));
      await new Promise((resolve) => broken.once('data', resolve));
      broken.cancel();
      expect(await brokenEnd).toBe(1);
      await unary(client, 'last');
    });
    const { records } = replay(conversation, { role: 'client' });
    expect(
      records.map((record) => [
        record.operation,
        record.status,
        record.attributes['rpc.grpc.status_code'],
        record.attributes['libtrace.grpc.request_messages'],
        record.attributes['libtrace.grpc.response_messages'],
        record.attributes['libtrace.http.reset_by'],
        record.attributes['error.type'],
        record.complete,
      ]),
    ).toEqual([
      ['test.v1.Echo/Unary', 'client-error', undefined, 1, undefined, 'client', 'CANCEL', true],
      ['test.v1.Echo/Unary', 'client-error', undefined, 1, undefined, 'client', 'CANCEL', true],
      ['test.v1.Echo/Chat', 'ok', 0, 2, 2, undefined, undefined, true],
      ['test.v1.Echo/Chat', 'client-error', undefined, 1, 1, 'client', 'CANCEL', true],
      ['test.v1.Echo/Unary', 'ok', 0, 1, 1, undefined, undefined, true],
    ]);
  });

  it('does not guess what it counts when bytes are missing', async () => {
    const conversation = await converse(async (client) => {
      await ended(client.Expand(Buffer.from('20 2000')));
      await unary(client, 'after');
    });
    const sizes = conversation.moves.map(({ from, bytes }) =>
      from === 'server' ? bytes.length : 0,
    );
    const move = sizes.indexOf(Math.max(...sizes));
    for (let from = 0; from < sizes[move]! - 100; from += 997) {
      const { records } = replay(conversation, { hole: { move, from, to: from + 100 } });
      for (const { attributes, missing } of records) {
        const messages = attributes['libtrace.grpc.response_messages'];
        const expected = attributes['url.path'] === '/test.v1.Echo/Expand' ? 20 : 1;
        if (messages !== undefined) expect([from, messages]).toEqual([from, expected]);
        if (attributes['rpc.grpc.status_code'] === undefined) expect(missing).not.toEqual([]);
      }
    }
  });
});
