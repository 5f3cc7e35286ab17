// SPDX-License-Identifier: Apache-2.0
import type { MysqlRequestFrame } from './frames.js';
import type { ResponseProgress } from './response-progress.js';
import type { Session } from './session.js';
import { decodeText, type StatementSummaries, type StatementSummary } from './statement-summary.js';

/** A statement that may select another database; what it does is looked at closely then. */
const mayChangeDatabase = /\b(?:use|drop)\b/i;

/** What the answers of the server change in a session. */
export class SessionEffects {
  readonly #session: Session;
  readonly #summaries: StatementSummaries;

  constructor(session: Session, summaries: StatementSummaries) {
    this.#session = session;
    this.#summaries = summaries;
  }

  /** A command succeeded. Returns the database that it was executed in, or that it selected. */
  succeeded(progress: ResponseProgress): string | undefined {
    const session = this.#session;
    const { request } = progress;
    this.#apply(progress);
    // a command that was not seen may have changed how strings are read
    if (request === undefined) session.forgetSqlMode();
    const mayHaveChanged = request === undefined || request.statement !== undefined;
    const isUnseen = request === undefined || progress.isPartial;
    if (mayHaveChanged && isUnseen) session.namespace = undefined;
    if (progress.schema !== undefined) {
      session.namespace = progress.schema === '' ? undefined : progress.schema;
    }
    const drops = request !== undefined && session.namespace === undefined && !isUnseen;
    return drops ? progress.namespace : session.namespace;
  }

  /** A command failed: of several statements the first ones may have selected a database. */
  failed(request: MysqlRequestFrame | undefined): void {
    const summary = this.#summaryOf(request);
    if (summary !== undefined && summary.statements > 1 && summary.changes.length > 0) {
      this.#session.namespace = undefined;
    }
  }

  /** How a command went was not seen. Returns the database that it was executed in, if it could not select another. */
  unknown(request: MysqlRequestFrame): string | undefined {
    const { name, shape } = request.command;
    this.#session.forgetSqlMode();
    if (name === 'LOGIN') this.#session.doubtCompression();
    const selects = shape === 'login' || name === 'INIT_DB';
    if (selects || (this.#summaryOf(request)?.changes.length ?? 0) > 0) {
      this.#session.namespace = undefined;
    }
    return this.#session.namespace;
  }

  #apply({ request, statementId }: ResponseProgress): void {
    const session = this.#session;
    if (request === undefined) return;
    const { statement } = request;
    switch (request.command.name) {
      case 'LOGIN':
      case 'CHANGE_USER':
        session.loggedIn(request);
        return;
      case 'RESET_CONNECTION':
        session.forgetStatements();
        return;
      case 'INIT_DB':
        if (statement === undefined) return;
        session.namespace = statement.cut ? undefined : decodeText(statement.latin1, false);
        return;
      case 'STMT_PREPARE':
        if (statement === undefined || statement.isPartial || statementId === undefined) return;
        session.prepared.set(statementId, statement);
        if (session.lastPrepared?.statement === statement) session.lastPrepared.id = statementId;
        return;
      default:
        for (const { kind, database } of this.#summaryOf(request)?.changes ?? []) {
          if (kind === 'use') session.namespace = database;
          else if (session.namespace === database) session.namespace = undefined;
        }
    }
  }

  /** Of a statement that was executed and may change which database is selected. */
  #summaryOf(request: MysqlRequestFrame | undefined): StatementSummary | undefined {
    const statement = request?.statement;
    if (request === undefined || statement === undefined) return undefined;
    const { name } = request.command;
    if (name !== 'QUERY' && name !== 'STMT_EXECUTE') return undefined;
    return mayChangeDatabase.test(statement.latin1)
      ? this.#summaries.of(statement, request.sqlMode)
      : undefined;
  }
}
