// SPDX-License-Identifier: Apache-2.0
import type { ResponseShape } from './commands.js';
import type { MysqlRequestFrame, MysqlResponseFrame } from './frames.js';
import type { Failure, Prepared, Success } from './result-packets.js';
import type { LocalInfile, Session } from './session.js';

/** What the next packet of a response is. */
export type Stage =
  /** The first of a result: OK, ERR, EOF, a column count, a request for a file. */
  | 'first'
  | 'definitions'
  /** An EOF_Packet, or already what follows it. */
  | 'behind-definitions'
  | 'rows';

/** A response that is being read: where it is, and what it said so far. */
export class ResponseProgress {
  /** What it answers; undefined when that is not known. */
  request: MysqlRequestFrame | undefined;
  shape: ResponseShape;
  stage: Stage = 'first';
  /** The last packet had the maximal length: the next one continues it. */
  isContinued = false;
  /** Definitions that are still to come. */
  definitions = 0;
  /** Groups of definitions behind this one (STMT_PREPARE). */
  readonly groups: number[] = [];
  statementId: number | undefined;
  infile: LocalInfile | undefined;
  schema: string | undefined;
  /** The database that was selected when it began. */
  readonly namespace: string | undefined;
  /** A packet that says what changed was captured in part. */
  isPartial = false;
  readonly #session: Session;
  readonly #sqlMode: Session['sqlMode'];
  #rows: number | undefined;
  #events: number | undefined;
  #resultSets = 0;
  #affectedRows: number | undefined;
  #lastInsertId: number | undefined;
  #warnings: number | undefined;

  constructor(
    session: Session,
    request: MysqlRequestFrame | undefined,
    shape: ResponseShape = request?.command.shape ?? 'result',
  ) {
    this.#session = session;
    // an unknown command may be the one that selects another
    this.namespace = request === undefined ? undefined : session.namespace;
    this.#sqlMode = session.sqlMode;
    this.request = request;
    this.shape = shape;
    if (this.shape === 'rows') {
      this.stage = 'rows';
      this.#resultSets = 1;
    }
  }

  /** A result set begins, with so many definitions. */
  beginResultSet(definitions: number): void {
    this.#rows ??= 0;
    this.#resultSets++;
    this.definitions = definitions;
    this.stage = definitions > 0 ? 'definitions' : 'behind-definitions';
  }

  /** It turns out to answer a STMT_PREPARE, and so not what it was taken to answer. */
  isPrepare(): void {
    this.shape = 'prepare';
    this.request = undefined;
  }

  /** A statement was prepared: groups of definitions follow. */
  prepared({ statementId, warnings }: Prepared, groups: readonly number[]): void {
    this.statementId = statementId;
    this.#warnings = warnings;
    this.definitions = groups[0] ?? 0;
    this.groups.push(...groups.slice(1));
    this.stage = 'definitions';
  }

  /** An event of a binary log. */
  addEvent(): void {
    this.#events = (this.#events ?? 0) + 1;
  }

  addRows(count: number): void {
    this.#rows = (this.#rows ?? 0) + count;
  }

  /** Takes what an OK_Packet or EOF_Packet says. `counts`: its numbers are those of a statement. */
  took(success: Success, counts: boolean): void {
    if (success.isPartial) this.isPartial = true;
    if (success.statusFlags === undefined) this.#session.forgetSqlMode();
    else this.#session.tookStatus(success.statusFlags);
    if (success.warnings !== undefined) this.#warnings = success.warnings;
    if (success.schema !== undefined) this.schema = success.schema;
    if (!counts || success.isEof) return;
    if (success.affectedRows !== undefined) {
      this.#affectedRows = (this.#affectedRows ?? 0) + success.affectedRows;
    }
    if (success.lastInsertId !== undefined && success.lastInsertId > 0) {
      this.#lastInsertId = success.lastInsertId;
    }
  }

  /** The response as it is known now. `namespace`: the database that the command selected, or was executed in. */
  frame(
    outcome: MysqlResponseFrame['outcome'],
    failure: Failure | undefined,
    namespace: string | undefined,
  ): MysqlResponseFrame {
    return {
      kind: 'response',
      outcome,
      unsolicited: false,
      errorCode: failure?.code,
      sqlState: failure?.sqlState,
      errorMessage: failure?.message,
      isErrorPartial: failure?.isPartial === true,
      rows: this.#rows ?? (this.shape === 'rows' && outcome === 'ok' ? 0 : undefined),
      resultSets: this.#resultSets,
      affectedRows: this.#affectedRows,
      lastInsertId: this.#lastInsertId,
      warnings: this.#warnings,
      statementId: this.statementId ?? this.#lastPreparedId(),
      localInfileBytes: this.infile?.hasEnded === true ? this.infile.bytes : undefined,
      events: this.#events,
      namespace,
      sqlMode: this.#sqlMode,
      system: this.#session.system,
      isPartial: outcome === 'unknown',
    };
  }

  /** Of MariaDB's "the statement that was prepared last", when the server has told its id by now. */
  #lastPreparedId(): number | undefined {
    const last = this.#session.lastPrepared;
    const { request } = this;
    const isThat = request?.command.body === 'statement' && request.statementId === undefined;
    return isThat && last?.statement === request.statement ? last?.id : undefined;
  }
}
