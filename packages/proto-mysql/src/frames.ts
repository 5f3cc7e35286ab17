// SPDX-License-Identifier: Apache-2.0
import type { CharacterSet } from './capabilities.js';
import type { Command } from './commands.js';

/** A statement as it was sent. */
export interface Statement {
  /** One character a byte, whatever the character set. */
  readonly latin1: string;
  /** More was sent than is kept. */
  readonly cut: boolean;
  /** It is cut because bytes of it were not captured. */
  readonly isPartial: boolean;
}

/** How the lexer of the server reads the statements of a session. */
export interface SqlMode {
  /** Whether a backslash escapes in strings; undefined when that is not known. */
  readonly backslashEscapes: boolean | undefined;
  readonly characterSet: CharacterSet;
}

/** A command that the client sent, or its login. */
export interface MysqlRequestFrame {
  /** Tells it from a response. */
  readonly kind: 'request';
  /** What was asked for. */
  readonly command: Command;
  /** Of commands that carry a statement, and of those that name one whose preparation was seen. */
  readonly statement: Statement | undefined;
  /** How the statement is to be read. */
  readonly sqlMode: SqlMode;
  /** Of a prepared statement; undefined when the server has not told it yet (MariaDB's -1). */
  readonly statementId: number | undefined;
  /** Database that was selected when the command was sent, or that the login asks for. */
  readonly namespace: string | undefined;
  /** What the greeting said the server is; undefined when it was not seen. */
  readonly system: 'mysql' | 'mariadb' | undefined;
  /** FIELD_LIST. */
  readonly table: string | undefined;
  /** LOGIN and CHANGE_USER. */
  readonly user: string | undefined;
  /** LOGIN, when the greeting was seen. */
  readonly serverVersion: string | undefined;
}

/** What the server answered, over all of its packets. */
export interface MysqlResponseFrame {
  /** Tells it from a request. */
  readonly kind: 'response';
  /** `unknown`: the end of it was not seen. */
  readonly outcome: 'ok' | 'error' | 'unknown';
  /** It answers no request. */
  readonly unsolicited: boolean;
  /** Error number; undefined without an error. */
  readonly errorCode: number | undefined;
  /** SQLSTATE of the error, five characters. */
  readonly sqlState: string | undefined;
  /** Text of the error, as sent. */
  readonly errorMessage: string | undefined;
  /** Some of what says of the error was not captured. */
  readonly isErrorPartial: boolean;
  /** Rows of all result sets; undefined when there was none. */
  readonly rows: number | undefined;
  /** How many result sets there were. */
  readonly resultSets: number;
  /** Sum over all OK packets; undefined without one. */
  readonly affectedRows: number | undefined;
  /** Last AUTO_INCREMENT value of all OK packets. */
  readonly lastInsertId: number | undefined;
  /** Warnings that the server counted. */
  readonly warnings: number | undefined;
  /** STMT_PREPARE, and EXECUTE of the statement that was prepared last. */
  readonly statementId: number | undefined;
  /** Bytes of files that the client was asked for; undefined when their end was not seen. */
  readonly localInfileBytes: number | undefined;
  /** Events of a binary log; undefined when none was asked for. */
  readonly events: number | undefined;
  /** What the session was like when it was answered; behind a command that changes the database, what it is now. */
  readonly namespace: string | undefined;
  /** How statements were to be read when it was answered. */
  readonly sqlMode: SqlMode;
  /** What the greeting said the server is; undefined when it was not seen. */
  readonly system: 'mysql' | 'mariadb' | undefined;
  /** Packets of it lie in a hole: counts are lower bounds. */
  readonly isPartial: boolean;
}

/** A message of this protocol. */
export type MysqlFrame = MysqlRequestFrame | MysqlResponseFrame;
