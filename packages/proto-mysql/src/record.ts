// SPDX-License-Identifier: Apache-2.0
import type { Exchange, Missing, ProtocolResult } from '@libtrace/core/plugin';
import { redactMessage } from './error-message.js';
import { errorStatus } from './error-status.js';
import type { MysqlFrame, MysqlRequestFrame, MysqlResponseFrame, SqlMode } from './frames.js';
import { decodeText, type StatementSummaries } from './statement-summary.js';
import type { MysqlAttributes } from './types.js';

type Attributes = { -readonly [K in keyof MysqlAttributes]: MysqlAttributes[K] };

/** Commands whose text is a name, not a statement. */
const namesDatabase = new Set(['INIT_DB', 'CREATE_DB', 'DROP_DB']);
/** Commands that are known by what their statement does. */
const executesStatement = new Set(['QUERY', 'STMT_PREPARE', 'STMT_EXECUTE', 'STMT_BULK_EXECUTE']);
/** The operation of a response whose command was not seen. */
const UNKNOWN_COMMAND = 'MYSQL';
/** The operation of what a server says of a connection, not of a command. */
const UNSOLICITED = 'CONNECTION';
/** The end of a response lies in a hole: its size and its counts are lower bounds. */
const lostEnd: readonly Missing[] = ['response.body', 'response.size'];

/** Turns exchanges into what a record says of them. */
export class RecordBuilder {
  readonly #summaries: StatementSummaries;
  readonly #showValues: boolean;

  constructor(summaries: StatementSummaries, showValues: boolean) {
    this.#summaries = summaries;
    this.#showValues = showValues;
  }

  /** For `ProtocolPlugin.toRecord`. */
  build(exchange: Exchange<MysqlFrame>): ProtocolResult<MysqlAttributes> | undefined {
    const asked = exchange.request?.frame;
    const answered = exchange.response?.frame;
    const request = asked?.kind === 'request' ? asked : undefined;
    const response = answered?.kind === 'response' ? answered : undefined;
    const system = (response ?? request)?.system;
    const attributes: Attributes = {};
    if (system !== undefined) attributes['db.system.name'] = system;
    const namespace = namespaceOf(request, response, this.#selectsDatabase(request));
    if (namespace !== undefined) attributes['db.namespace'] = namespace;
    const mode = (response ?? request)?.sqlMode;
    let operation = response?.unsolicited === true ? UNSOLICITED : UNKNOWN_COMMAND;
    if (request !== undefined)
      operation = this.#request(attributes, request, mode ?? request.sqlMode);
    if (response === undefined) {
      const isDone = request?.command.shape === 'nothing';
      return { operation, status: isDone ? 'ok' : 'unknown', attributes };
    }
    this.#response(attributes, response, request);
    const status = statusOf(response);
    return response.isPartial && exchange.response?.truncated === false
      ? { operation, status, attributes, missing: lostEnd }
      : { operation, status, attributes };
  }

  #selectsDatabase(request: MysqlRequestFrame | undefined): boolean {
    if (request?.statement === undefined) return false;
    if (namesDatabase.has(request.command.name)) return true;
    return this.#summaries.of(request.statement, request.sqlMode).changes.length > 0;
  }

  #request(attributes: Attributes, request: MysqlRequestFrame, mode: SqlMode): string {
    const { command, statement, statementId, table, user, serverVersion } = request;
    attributes['libtrace.mysql.command'] = command.name;
    if (statementId !== undefined) attributes['libtrace.mysql.statement_id'] = statementId;
    if (table !== undefined) attributes['db.collection.name'] = table;
    if (user !== undefined) attributes['libtrace.mysql.user'] = user;
    if (serverVersion !== undefined) attributes['libtrace.mysql.server_version'] = serverVersion;
    if (statement === undefined) return command.name;
    if (namesDatabase.has(command.name)) {
      attributes['db.query.text'] = decodeText(statement.latin1, statement.cut);
      return command.name;
    }
    const summary = this.#summaries.of(statement, mode);
    const { latin1, cut } = statement;
    const text = this.#showValues ? decodeText(latin1, cut) : summary.redacted;
    if (text !== undefined) attributes['db.query.text'] = text;
    if (!executesStatement.has(command.name)) return command.name;
    if (summary.operation !== undefined) attributes['db.operation.name'] = summary.operation;
    if (summary.table !== undefined) attributes['db.collection.name'] = summary.table;
    return summary.operation ?? command.name;
  }

  #response(
    attributes: Attributes,
    response: MysqlResponseFrame,
    request: MysqlRequestFrame | undefined,
  ): void {
    const { rows, affectedRows, lastInsertId, warnings, resultSets, events } = response;
    if (rows !== undefined) attributes['db.response.returned_rows'] = rows;
    const executes = request !== undefined && executesStatement.has(request.command.name);
    if (affectedRows !== undefined && executes) {
      attributes['libtrace.mysql.affected_rows'] = affectedRows;
    }
    if (isExact(lastInsertId)) attributes['libtrace.mysql.last_insert_id'] = lastInsertId;
    if (warnings !== undefined && warnings > 0) attributes['libtrace.mysql.warnings'] = warnings;
    if (resultSets > 1) attributes['libtrace.mysql.result_sets'] = resultSets;
    if (events !== undefined) attributes['libtrace.mysql.events'] = events;
    if (response.localInfileBytes !== undefined) {
      attributes['libtrace.mysql.local_infile_bytes'] = response.localInfileBytes;
    }
    if (request !== undefined && response.statementId !== undefined) {
      attributes['libtrace.mysql.statement_id'] = response.statementId;
    }
    if (response.outcome === 'error') this.#error(attributes, response);
  }

  #error(attributes: Attributes, response: MysqlResponseFrame): void {
    const { errorCode, sqlState, errorMessage } = response;
    if (errorCode !== undefined) {
      attributes['db.response.status_code'] = String(errorCode);
      attributes['error.type'] = String(errorCode);
    }
    if (sqlState !== undefined) attributes['libtrace.mysql.sqlstate'] = sqlState;
    if (errorMessage === undefined) return;
    attributes['error.message'] = this.#showValues
      ? errorMessage
      : redactMessage(errorMessage, errorCode);
  }
}

/** What was selected when the server answered; a login that was refused shows what it asked for. */
function namespaceOf(
  request: MysqlRequestFrame | undefined,
  response: MysqlResponseFrame | undefined,
  selects: boolean,
): string | undefined {
  if (request?.command.shape === 'login') return request.namespace;
  if (response !== undefined) return response.namespace;
  return selects ? undefined : request?.namespace;
}

function statusOf(response: MysqlResponseFrame): ProtocolResult['status'] {
  if (response.outcome !== 'error') return response.outcome;
  return errorStatus(response);
}

function isExact(value: number | undefined): value is number {
  return value !== undefined && Number.isSafeInteger(value);
}
