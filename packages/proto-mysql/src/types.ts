// SPDX-License-Identifier: Apache-2.0
import type { CommonPluginOptions } from '@libtrace/core/plugin';

/** What {@link mysql} shows. */
export interface MysqlOptions extends CommonPluginOptions {
  /**
   * Show statements as they were sent, and values in error messages. By default literals are replaced by `?`.
   * Default: false.
   */
  readonly showValues?: boolean;
  /** Bytes of a statement that are kept; a longer one ends with `…`. Default 16,384; at most 262,144. */
  readonly maxQueryBytes?: number;
}

/** What a record says of a command. A key is absent when nothing is known for it. */
export interface MysqlAttributes {
  /** What the server's greeting said it is; absent when that was not seen. */
  readonly 'db.system.name'?: 'mysql' | 'mariadb';
  /** Database that was selected when the command was executed, or that it selected; that a login asks for. */
  readonly 'db.namespace'?: string;
  /** First keyword of the statement, in upper case; behind `WITH` that of what follows. */
  readonly 'db.operation.name'?: string;
  /** The table, when there is one statement and it names just one. */
  readonly 'db.collection.name'?: string;
  /** The statement, literals replaced by `?` unless values are shown; of INIT_DB, CREATE_DB and DROP_DB the name. */
  readonly 'db.query.text'?: string;
  /** Error number. */
  readonly 'db.response.status_code'?: string;
  /** Rows of all result sets. */
  readonly 'db.response.returned_rows'?: number;
  /** Error number. */
  readonly 'error.type'?: string;
  /** What the server says of the error; values that it quotes are replaced by `?` unless values are shown. */
  readonly 'error.message'?: string;
  /** Command of the protocol without `COM_`, or `LOGIN`. */
  readonly 'libtrace.mysql.command'?: string;
  /** Id of the prepared statement. */
  readonly 'libtrace.mysql.statement_id'?: number;
  /** Rows that were changed, over all results. */
  readonly 'libtrace.mysql.affected_rows'?: number;
  /** Last AUTO_INCREMENT value that was made. */
  readonly 'libtrace.mysql.last_insert_id'?: number;
  /** Warnings that the server counted, when there are any. */
  readonly 'libtrace.mysql.warnings'?: number;
  /** Result sets, when there are several. */
  readonly 'libtrace.mysql.result_sets'?: number;
  /** SQLSTATE of the error. */
  readonly 'libtrace.mysql.sqlstate'?: string;
  /** Bytes of the file that the client sent for LOAD DATA LOCAL; absent when its end was not seen in time. */
  readonly 'libtrace.mysql.local_infile_bytes'?: number;
  /** Events of a binary log. */
  readonly 'libtrace.mysql.events'?: number;
  /** Who logs in (LOGIN, CHANGE_USER). */
  readonly 'libtrace.mysql.user'?: string;
  /** Version that the server's greeting states (LOGIN). */
  readonly 'libtrace.mysql.server_version'?: string;
}
