// SPDX-License-Identifier: Apache-2.0
// mysql-peer.mjs PORT: a client of MySQL. Reads commands from standard input, a line each, and answers each with a line
// of JSON: what it asked on each connection and what it was told, in order.
//
//   setup                     tables with 7 items
//   work CONNECTIONS QUERIES  as many queries, text and prepared, over as many connections at once
//   open | again              a connection with a prepared statement and a query; the same once more, and closes
import { createInterface } from 'node:readline';
import mysql from 'mysql2/promise';

const port = Number(process.argv[2]);

/** What was asked, as a record says it. */
class Session {
  constructor(connection) {
    this.connection = connection;
    this.port = connection.connection.stream.localPort;
    this.said = ['LOGIN'];
    this.prepared = new Set();
  }

  static async open(database = 'shop') {
    const options = { host: '127.0.0.1', port, user: 'app', database };
    return new Session(await mysql.createConnection(options));
  }

  async query(sql, redacted = sql) {
    this.said.push(`QUERY ${redacted} ${await outcome(this.connection.query(sql))}`);
  }

  async execute(sql, values) {
    const told = await outcome(this.connection.execute(sql, values));
    if (!this.prepared.has(sql)) this.said.push(`STMT_PREPARE ${sql}`);
    this.prepared.add(sql);
    this.said.push(`STMT_EXECUTE ${sql} ${told}`);
  }

  async end() {
    await this.connection.end();
    this.said.push('QUIT');
  }

  get report() {
    return { port: this.port, said: this.said.splice(0) };
  }
}

async function outcome(answer) {
  try {
    const [result] = await answer;
    return Array.isArray(result) ? `rows ${result.length}` : `affected ${result.affectedRows}`;
  } catch (error) {
    return `error ${error.errno} ${error.sqlState}`;
  }
}

/** The n-th query. */
function ask(session, n) {
  const few = n % 7;
  switch (n % 5) {
    case 0:
      return session.query(
        `SELECT id FROM items WHERE id <= ${few}`,
        'SELECT id FROM items WHERE id <= ?',
      );
    case 1:
      return session.execute('SELECT name FROM items WHERE id = ?', [1 + few]);
    case 2:
      return session.query(
        `INSERT INTO log VALUES (${n}), (${n})`,
        'INSERT INTO log VALUES (?), (?)',
      );
    case 3:
      return session.execute('UPDATE items SET name = ? WHERE id <= ?', [`item ${n}`, few]);
    default:
      return session.query(`SELECT * FROM missing_${few}`);
  }
}

async function work(connections, queries) {
  const sessions = [];
  for (let i = 0; i < connections; i++) sessions.push(await Session.open());
  await Promise.all(
    sessions.map(async (session, first) => {
      for (let n = first; n < queries; n += connections) await ask(session, n);
      await session.end();
    }),
  );
  return sessions.map((session) => session.report);
}

async function setup() {
  const connection = await mysql.createConnection({ host: '127.0.0.1', port, user: 'app' });
  await connection.query('CREATE DATABASE shop');
  await connection.query('CREATE TABLE shop.items (id INT PRIMARY KEY, name VARCHAR(20))');
  await connection.query('CREATE TABLE shop.log (n INT)');
  for (let id = 1; id <= 7; id++) {
    await connection.query(`INSERT INTO shop.items VALUES (${id}, 'item')`);
  }
  await connection.end();
  return [];
}

let older;
const orders = {
  setup,
  work: (connections, queries) => work(Number(connections), Number(queries)),
  open: async () => {
    older = await Session.open();
    await ask(older, 1);
    await ask(older, 5);
    return [older.report];
  },
  again: async () => {
    await ask(older, 1);
    await ask(older, 5);
    await ask(older, 3);
    await older.end();
    return [older.report];
  },
};

console.log('ready');
for await (const line of createInterface({ input: process.stdin })) {
  const [order, ...args] = line.split(' ');
  console.log(JSON.stringify(await orders[order](...args)));
}
