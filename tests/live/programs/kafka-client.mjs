// SPDX-License-Identifier: Apache-2.0
// A kafkajs client that waits for orders: node kafka-client.mjs BROKERS CLIENT_ID TIME_SCALE. Orders are lines on standard
// input; each is answered by a line of JSON with the requests that kafkajs says to have been answered since.
//   produce TOPIC MESSAGES PER_REQUEST ACKS
//   consume TOPIC MESSAGES GROUP
//   pipeline COUNT WRITES        a connection of its own, without kafkajs: COUNT requests before the first answer is read
//   close
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { Kafka, logLevel } from 'kafkajs';

const [list, clientId, scale] = process.argv.slice(2);
const brokers = list.split(',');
const timeout = 30_000 * Number(scale);
const kafka = new Kafka({
  brokers,
  clientId,
  logLevel: logLevel.NOTHING,
  connectionTimeout: timeout,
  requestTimeout: timeout,
});
const requests = [];
const watched = (client) => {
  client.on(client.events.REQUEST, ({ payload }) => {
    const { apiName, apiVersion, correlationId, broker } = payload;
    requests.push({ apiName, apiVersion, correlationId, port: Number(broker.split(':')[1]) });
  });
  return client;
};

let producer;
const consumers = [];

const orders = {
  async produce(topic, messages, perRequest, acks) {
    if (producer === undefined) {
      producer = watched(kafka.producer({ allowAutoTopicCreation: true }));
      await producer.connect();
    }
    for (let sent = 0; sent < messages; sent += perRequest) {
      const batch = Array.from({ length: perRequest }, (_, i) => ({
        value: `message ${sent + i}`,
      }));
      await producer.send({ topic, acks, messages: batch, timeout });
    }
    return {};
  },

  async consume(topic, messages, groupId) {
    const consumer = watched(
      kafka.consumer({
        groupId,
        maxWaitTimeInMs: 200,
        sessionTimeout: timeout,
        rebalanceTimeout: timeout,
        heartbeatInterval: 1000 * Number(scale),
      }),
    );
    consumers.push(consumer);
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    let count = 0;
    await new Promise((resolve, reject) => {
      consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error));
      consumer
        .run({
          eachBatchAutoResolve: true,
          eachBatch: async ({ batch }) => {
            count += batch.messages.length;
            if (count >= messages) resolve();
          },
        })
        .catch(reject);
    });
    await consumer.disconnect();
    return { count };
  },

  async pipeline(count, writes) {
    const [host, port] = brokers[0].split(':');
    const socket = connect(Number(port), host);
    const sent = Array.from({ length: count }, (_, i) => header(i % 2 === 0 ? 18 : 3, i + 1));
    for (let at = 0; at < count; at += count / writes) {
      await new Promise((resolve) =>
        socket.write(Buffer.concat(sent.slice(at, at + count / writes)), resolve),
      );
    }
    const answered = await answers(socket, count);
    socket.destroy();
    return { answered };
  },

  async close() {
    await producer?.disconnect();
    return {};
  },
};

/** ApiVersions v0, which has no body, or Metadata v0 of a topic. */
function header(apiKey, correlationId) {
  const body = apiKey === 18 ? Buffer.alloc(0) : Buffer.from('\0\0\0\x01\0\x04pipe', 'latin1');
  const head = Buffer.alloc(14);
  head.writeInt32BE(10 + clientId.length + body.length, 0);
  head.writeInt16BE(apiKey, 4);
  head.writeInt32BE(correlationId, 8);
  head.writeInt16BE(clientId.length, 12);
  return Buffer.concat([head, Buffer.from(clientId), body]);
}

/** Correlation ids of so many responses. */
function answers(socket, count) {
  return new Promise((resolve, reject) => {
    let bytes = Buffer.alloc(0);
    const ids = [];
    socket.on('error', reject);
    socket.on('data', (data) => {
      bytes = Buffer.concat([bytes, data]);
      while (bytes.length >= 8 && bytes.length >= 4 + bytes.readInt32BE(0)) {
        ids.push(bytes.readInt32BE(4));
        bytes = bytes.subarray(4 + bytes.readInt32BE(0));
      }
      if (ids.length === count) resolve(ids);
    });
  });
}

const lines = createInterface(process.stdin);
lines.on('close', () => process.exit(0));
lines.on('line', async (line) => {
  const [order, ...args] = line.split(' ');
  const values = args.map((arg) => (/^-?\d+$/.test(arg) ? Number(arg) : arg));
  try {
    const result = await orders[order](...values);
    console.log(JSON.stringify({ ...result, requests: requests.splice(0) }));
  } catch (error) {
    console.log(JSON.stringify({ error: String(error?.stack ?? error) }));
  }
});
console.log('{}');
