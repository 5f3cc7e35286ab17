// SPDX-License-Identifier: Apache-2.0
// The records that docs/records.md shows: of conversations of real programs, played through the pipeline.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * @typedef {object} Chapter
 * @property {string} title
 * @property {string} protocol name of the plugin
 * @property {string} about what operation and status mean for it
 * @property {readonly Example[]} examples
 *
 * @typedef {object} Example
 * @property {string} caption unique
 * @property {string} fixture file name in the fixtures of the protocol's package
 * @property {(record: import('@libtrace/core').TraceRecord) => boolean} isWanted the first such record is shown
 */

const root = fileURLToPath(new URL('../..', import.meta.url));

/** @type {readonly Chapter[]} */
export const chapters = [
  {
    title: 'HTTP, gRPC and WebSocket',
    protocol: 'http',
    about:
      '`operation` is the method, `HTTP` when it is not a known one, the service and the method of a gRPC call, `WEBSOCKET` for what a WebSocket carried. `status` is by the status code: `client-error` for 4xx, `server-error` for 5xx; of gRPC by `rpc.grpc.status_code`.',
    examples: [
      {
        caption: 'A request of HTTP/1.1',
        fixture: 'http1.json',
        isWanted: ({ operation }) => operation === 'POST',
      },
      {
        caption: 'A gRPC call that failed, on a stream of HTTP/2',
        fixture: 'grpc.json',
        isWanted: ({ status }) => status === 'client-error',
      },
      {
        caption: 'What a WebSocket carried',
        fixture: 'websocket.json',
        isWanted: ({ operation }) => operation === 'WEBSOCKET',
      },
    ],
  },
  {
    title: 'MySQL and MariaDB',
    protocol: 'mysql',
    about:
      '`operation` is the first keyword of the statement, or the command when there is none. `status` is `ok`, or `client-error` or `server-error` by the error number.',
    examples: [
      {
        caption: 'A prepared statement that is executed',
        fixture: 'prepared-statements.json',
        isWanted: ({ attributes }) => attributes['libtrace.mysql.command'] === 'STMT_EXECUTE',
      },
    ],
  },
  {
    title: 'Kafka',
    protocol: 'kafka',
    about:
      '`operation` is the name of the API. `status` is `ok`, or `client-error` or `server-error` by the error code.',
    examples: [
      {
        caption: 'A message that is produced',
        fixture: 'kafkajs-produce.json',
        isWanted: ({ operation }) => operation === 'Produce',
      },
    ],
  },
];

/**
 * Plays the examples' fixtures.
 * @param {object} packages what the packages export
 * @param {typeof import('@libtrace/testkit').readFixture} packages.readFixture
 * @param {typeof import('@libtrace/testkit').runFixture} packages.runFixture
 * @param {typeof import('@libtrace/cli').toRecordJson} packages.toRecordJson
 * @param {readonly import('@libtrace/core').AnyPlugin[]} packages.plugins
 * @returns {Map<string, object>} by caption, as in `--format json`
 */
export function exampleRecords({ readFixture, runFixture, toRecordJson, plugins }) {
  const records = new Map();
  for (const { protocol, examples } of chapters) {
    for (const { caption, fixture, isWanted } of examples) {
      const file = join(root, `packages/proto-${protocol}/fixtures`, fixture);
      const record = runFixture(plugins, readFixture(file)).find(isWanted);
      if (record === undefined) throw new Error(`${file} holds no record for: ${caption}`);
      records.set(caption, toRecordJson(record));
    }
  }
  return records;
}
