// SPDX-License-Identifier: Apache-2.0
import { defineProtocol, type ProtocolPlugin } from '@libtrace/core/plugin';
import type { MysqlFrame } from './frames.js';
import { inference } from './inference.js';
import { MysqlParser } from './parser.js';
import { RecordBuilder } from './record.js';
import { StatementSummaries } from './statement-summary.js';
import type { MysqlAttributes, MysqlOptions } from './types.js';

const DEFAULT_QUERY_BYTES = 16 * 1024;
const MAX_QUERY_BYTES = 256 * 1024;
/** Statements may run for long. */
const TIMEOUT_MS = 10 * 60 * 1000;

/**
 * MySQL and MariaDB (the client/server protocols of both, from 3.20 on).
 *
 * ```ts
 * import { createTracer } from '@libtrace/core';
 * import { mysql } from '@libtrace/proto-mysql';
 *
 * await using tracer = createTracer({ plugins: [mysql()], target: { all: true } });
 * await tracer.attach();
 * for await (const record of tracer) {
 *   console.log(record.operation, record.attributes['db.query.text'], record.durationMs);
 * }
 * ```
 *
 * @param options what to show; by default no values
 */
export function mysql(
  options: MysqlOptions = {},
): ProtocolPlugin<'mysql', MysqlFrame, MysqlAttributes> {
  const summaries = new StatementSummaries();
  const records = new RecordBuilder(summaries, options.showValues === true);
  const maxQueryBytes = queryBytes(options.maxQueryBytes);
  return defineProtocol({
    kind: 'protocol',
    apiVersion: 1,
    name: 'mysql',
    transports: ['tcp', 'tls', 'unix'],
    inference,
    matching: { mode: 'in-order', oneWay: isOneWay },
    timeoutMs: TIMEOUT_MS,
    createParser: (connection) => new MysqlParser(connection.midstream, summaries, maxQueryBytes),
    toRecord: (exchange) => records.build(exchange),
  });
}

function isOneWay(frame: MysqlFrame): boolean {
  return frame.kind === 'request' ? frame.command.shape === 'nothing' : frame.unsolicited;
}

function queryBytes(wanted: number | undefined): number {
  if (wanted === undefined || !Number.isFinite(wanted)) return DEFAULT_QUERY_BYTES;
  return Math.min(MAX_QUERY_BYTES, Math.max(0, Math.floor(wanted)));
}
