// SPDX-License-Identifier: Apache-2.0
// mysql2 over TLS: node tls-mysql.mjs PORT CERT. Ends with its input. Says {} when it is ready. Orders:
//   setup                     a database, a table with 7 items
//   work CONNECTIONS QUERIES  as many queries, text and prepared, over as many connections at once; says of each
//                             connection its port, version and cipher, and what was asked and told, in order
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import mysql from 'mysql2/promise';

const [port, certificate] = process.argv.slice(2);
const ssl = { ca: readFileSync(certificate) };
const say = (what) => console.log(JSON.stringify(what));

const open = (database) =>
  mysql.createConnection({ host: '127.0.0.1', port: Number(port), user: 'app', database, ssl });

async function outcome(answer) {
  const [result] = await answer;
  return Array.isArray(result) ? `rows ${result.length}` : `affected ${result.affectedRows}`;
}

const PREPARED = 'SELECT name FROM items WHERE id <= ?';

/** The n-th query: what a record says of it. */
async function ask(connection, n) {
  const few = n % 7;
  if (n % 2 === 0) {
    return `STMT_EXECUTE ${PREPARED} ${await outcome(connection.execute(PREPARED, [few]))}`;
  }
  const told = await outcome(connection.query(`SELECT id, ${n} FROM items WHERE id <= ${few}`));
  return `QUERY SELECT id, ? FROM items WHERE id <= ? ${told}`;
}

async function session(first, queries, step) {
  const connection = await open('shop');
  const { stream } = connection.connection;
  const said = [];
  for (let n = first; n < queries; n += step) said.push(await ask(connection, n));
  const tls = {
    version: stream.getProtocol?.().replace('TLSv', ''),
    cipher: stream.getCipher?.().standardName,
  };
  const { localPort } = stream;
  await connection.end();
  return { port: localPort, tls, said };
}

const orders = {
  setup: async () => {
    const connection = await open();
    await connection.query('CREATE DATABASE shop');
    await connection.query('CREATE TABLE shop.items (id INT PRIMARY KEY, name VARCHAR(20))');
    for (let id = 1; id <= 7; id++) {
      await connection.query(`INSERT INTO shop.items VALUES (${id}, 'item')`);
    }
    await connection.end();
    return {};
  },
  work: (connections, queries) =>
    Promise.all(
      Array.from({ length: Number(connections) }, (_, i) =>
        session(i, Number(queries), Number(connections)),
      ),
    ),
};

say({});
for await (const line of createInterface({ input: process.stdin })) {
  const [order, ...args] = line.split(' ');
  say(await orders[order](...args));
}
