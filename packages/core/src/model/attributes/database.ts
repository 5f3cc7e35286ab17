// SPDX-License-Identifier: Apache-2.0
import type { RegisteredAttribute } from '../attribute-definition.js';

/** Attributes of databases: MySQL. */
export const databaseAttributes = {
  'db.system.name': {
    type: 'string',
    description:
      'What the greeting of the server said it is: `mysql` or `mariadb`; absent when that was not seen.',
    origin: 'opentelemetry',
    stability: 'stable',
    protocols: ['mysql'],
  },
  'db.namespace': {
    type: 'string',
    description:
      'Database that was selected when the command was executed, or that it selects; absent when that was not seen.',
    origin: 'opentelemetry',
    stability: 'stable',
    protocols: ['mysql'],
  },
  'db.collection.name': {
    type: 'string',
    description: 'The table, when there is one statement and it names just one.',
    origin: 'opentelemetry',
    stability: 'stable',
    protocols: ['mysql'],
  },
  'db.operation.name': {
    type: 'string',
    description:
      'First keyword of the statement, in upper case: `SELECT`; behind `WITH` that of what follows.',
    origin: 'opentelemetry',
    stability: 'stable',
    protocols: ['mysql'],
  },
  'db.query.text': {
    type: 'string',
    description:
      'The statement, its literals replaced by `?` unless values are shown; of INIT_DB, CREATE_DB and DROP_DB the name.',
    origin: 'opentelemetry',
    stability: 'stable',
    protocols: ['mysql'],
  },
  'db.response.status_code': {
    type: 'string',
    description: 'Error number that the server returned; absent when it did not.',
    origin: 'opentelemetry',
    stability: 'stable',
    protocols: ['mysql'],
  },
  'db.response.returned_rows': {
    type: 'number',
    unit: '{row}',
    description: 'Rows returned, over all result sets.',
    origin: 'opentelemetry',
    stability: 'development',
    protocols: ['mysql'],
  },
  'libtrace.mysql.server_version': {
    type: 'string',
    description: 'Version in the greeting of the server, on LOGIN.',
    origin: 'libtrace',
    protocols: ['mysql'],
  },
  'libtrace.mysql.user': {
    type: 'string',
    description: 'User of LOGIN and CHANGE_USER.',
    origin: 'libtrace',
    protocols: ['mysql'],
  },
  'libtrace.mysql.command': {
    type: 'string',
    description:
      'Command of the protocol without `COM_`: `QUERY`, `STMT_EXECUTE`, `INIT_DB`; or `LOGIN`.',
    origin: 'libtrace',
    protocols: ['mysql'],
  },
  'libtrace.mysql.statement_id': {
    type: 'number',
    description: 'Id of the prepared statement.',
    origin: 'libtrace',
    protocols: ['mysql'],
  },
  'libtrace.mysql.affected_rows': {
    type: 'number',
    unit: '{row}',
    description: 'Rows that were changed, over all results.',
    origin: 'libtrace',
    protocols: ['mysql'],
  },
  'libtrace.mysql.last_insert_id': {
    type: 'number',
    description: 'Last AUTO_INCREMENT value that was made; absent when none was.',
    origin: 'libtrace',
    protocols: ['mysql'],
  },
  'libtrace.mysql.result_sets': {
    type: 'number',
    unit: '{result}',
    description: 'Result sets of the response, when there are several.',
    origin: 'libtrace',
    protocols: ['mysql'],
  },
  'libtrace.mysql.warnings': {
    type: 'number',
    unit: '{warning}',
    description: 'Warnings that the server counted, when there are any.',
    origin: 'libtrace',
    protocols: ['mysql'],
  },
  'libtrace.mysql.sqlstate': {
    type: 'string',
    description: 'SQLSTATE of the error, five characters.',
    origin: 'libtrace',
    protocols: ['mysql'],
  },
  'libtrace.mysql.local_infile_bytes': {
    type: 'number',
    unit: 'By',
    description: 'What the client sent of its file (LOAD DATA LOCAL), when it was asked to.',
    origin: 'libtrace',
    protocols: ['mysql'],
  },
  'libtrace.mysql.events': {
    type: 'number',
    unit: '{event}',
    description: 'Replication events of a BINLOG_DUMP.',
    origin: 'libtrace',
    protocols: ['mysql'],
  },
} as const satisfies Readonly<Record<string, RegisteredAttribute>>;
