// SPDX-License-Identifier: Apache-2.0
// The server of `libtrace demo`: a small shop. Plain Node; it knows nothing of libtrace but the line to its parent.
import { createServer } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';

process.title = 'shop';

const products = ['lamp', 'table', 'chair', 'clock', 'kettle'].map((name, index) => ({
  id: index + 1,
  name,
  price: 1000 + 370 * index,
}));
const cart = new Map();

function send(response, status, value) {
  const body = JSON.stringify(value);
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
  });
  response.end(body);
}

async function readJson(request) {
  let text = '';
  for await (const chunk of request) text += chunk;
  return JSON.parse(text);
}

const routes = {
  'GET /products': (request, response) => send(response, 200, products),
  'GET /products/:id': async (request, response, id) => {
    const product = products.find((one) => one.id === id);
    await wait(product === undefined ? 1 : 2 + 3 * id);
    if (product === undefined) send(response, 404, { error: `no product ${id}` });
    else send(response, 200, product);
  },
  'GET /search': async (request, response) => {
    await wait(15);
    send(response, 200, products.slice(0, 2));
  },
  'GET /report': async (request, response) => {
    response.writeHead(200, { 'content-type': 'text/csv' });
    for (const { id, name, price } of products) {
      response.write(`${id},${name},${price}\n`);
      await wait(8);
    }
    response.end();
  },
  'POST /cart': async (request, response) => {
    const { id, count } = await readJson(request);
    cart.set(id, count);
    send(response, 201, { items: cart.size });
  },
  'PUT /cart/:id': async (request, response, id) => {
    cart.set(id, (await readJson(request)).count);
    send(response, 200, { items: cart.size });
  },
  'DELETE /cart/:id': (request, response, id) => {
    cart.delete(id);
    response.writeHead(204).end();
  },
  'POST /checkout': async (request, response) => {
    await readJson(request);
    await wait(40);
    send(response, 500, { error: 'the payment service does not answer' });
  },
  'HEAD /products': (request, response) =>
    response.writeHead(200, { 'content-length': 1234 }).end(),
};

const server = createServer((request, response) => {
  const { pathname } = new URL(request.url, 'http://shop');
  const id = Number(/\/(\d+)$/.exec(pathname)?.[1]);
  const route = routes[`${request.method} ${pathname.replace(/\/\d+$/, '/:id')}`];
  if (route === undefined) send(response, 404, { error: 'no such page' });
  else void route(request, response, id);
});

server.listen(0, '127.0.0.1', () => process.send({ kind: 'ready', port: server.address().port }));
process.on('disconnect', () => process.exit(0));
