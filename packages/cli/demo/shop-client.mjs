// SPDX-License-Identifier: Apache-2.0
// The client of `libtrace demo`. It waits for its parent's word, makes its calls, and tells which ones it made.
import { Agent, request } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';

process.title = 'client';

const keepAlive = new Agent({ keepAlive: true, maxSockets: 4 });
const calls = [];
let port = 0;

function call(method, path, body, options = {}) {
  return new Promise((resolve, reject) => {
    const headers = { 'user-agent': 'shop-client/1.0', ...options.headers };
    const sent = request(
      { host: '127.0.0.1', port, method, path, headers, agent: options.agent ?? keepAlive },
      (response) => {
        response.resume();
        response.on('end', () => {
          calls.push({ method, path: path.split('?')[0], status: response.statusCode });
          resolve();
        });
      },
    );
    sent.on('error', reject);
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

async function shop() {
  for (let visit = 1; visit <= 3; visit++) {
    await call('GET', '/products');
    await wait(120);
    // Four at once, each on a connection of its own.
    await Promise.all([1, 2, 3, 5].map((id) => call('GET', `/products/${id}`)));
    await wait(120);
    await call('GET', `/search?q=lamp&page=${visit}&access_token=not-for-your-eyes`);
    await call('POST', '/cart', { id: visit, count: 2 });
    await wait(120);
    await call('PUT', `/cart/${visit}`, { count: 3 });
    await call('GET', '/products/99');
    await wait(120);
    await call('GET', '/report');
    await call('HEAD', '/products');
    await call('DELETE', `/cart/${visit}`);
    await wait(120);
    await call('POST', '/checkout', { pay: 'later' });
    // A connection for one call, closed after it.
    await call('GET', '/no-such-page', undefined, { agent: new Agent() });
    await wait(120);
  }
}

process.on('message', (message) => {
  port = message.port;
  shop().then(
    () => process.send({ kind: 'done', calls }),
    (error) => process.send({ kind: 'failed', reason: String(error) }),
  );
});
process.on('disconnect', () => process.exit(0));
process.send({ kind: 'ready' });
