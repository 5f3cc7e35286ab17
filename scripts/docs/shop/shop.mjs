// SPDX-License-Identifier: Apache-2.0
// A small HTTP service: an order is reserved over gRPC, kept in MySQL and told to Kafka. Prints its port.
// `node shop.mjs INVENTORY_PORT MYSQL_PORT KAFKA_BROKER`
import { once } from 'node:events';
import { createServer } from 'node:http';
import { Client, credentials } from '@grpc/grpc-js';
import { Kafka, logLevel, Partitioners } from 'kafkajs';
import mysql from 'mysql2/promise';

const [inventoryPort, mysqlPort, broker] = process.argv.slice(2);
const inventory = new Client(`127.0.0.1:${inventoryPort}`, credentials.createInsecure());
const database = await mysql.createConnection({
  host: '127.0.0.1',
  port: Number(mysqlPort),
  user: 'shop',
  database: 'shop',
});
const producer = new Kafka({
  clientId: 'shop',
  brokers: [broker],
  logLevel: logLevel.NOTHING,
}).producer({ createPartitioner: Partitioners.DefaultPartitioner });
await producer.connect();

function reserve(thing) {
  const asIs = (bytes) => bytes;
  return new Promise((resolve, reject) => {
    inventory.makeUnaryRequest(
      '/shop.Inventory/Reserve',
      asIs,
      asIs,
      Buffer.from(thing),
      (error, answer) => (error ? reject(error) : resolve(answer)),
    );
  });
}

const server = createServer(async (request, response) => {
  const { pathname, searchParams } = new URL(request.url, 'http://shop');
  const end = (status, body) => response.writeHead(status).end(JSON.stringify(body));
  try {
    if (request.method === 'GET' && pathname === '/orders') {
      const [rows] = await database.query('SELECT id, thing FROM orders WHERE buyer = ?', [
        searchParams.get('buyer'),
      ]);
      end(200, rows);
    } else if (request.method === 'POST' && pathname.startsWith('/orders/')) {
      const thing = pathname.slice('/orders/'.length);
      await reserve(thing);
      await database.execute('INSERT INTO orders (thing, buyer) VALUES (?, ?)', [thing, 'anna']);
      await producer.send({ topic: 'orders', messages: [{ key: 'anna', value: thing }] });
      end(201, { thing });
    } else {
      end(404, {});
    }
  } catch (error) {
    end(error.code === 8 ? 409 : 500, { error: error.message });
  }
}).listen(0, '127.0.0.1');
await once(server, 'listening');
console.log(server.address().port);
