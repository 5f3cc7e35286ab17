// SPDX-License-Identifier: Apache-2.0

/** What a command is answered by. */
export type ResponseShape =
  /** OK, ERR, EOF, or result sets. */
  | 'result'
  /** COM_STMT_PREPARE_OK with definitions. */
  | 'prepare'
  /** One packet of text. */
  | 'text'
  /** Column definitions. */
  | 'columns'
  /** Rows without a head. */
  | 'rows'
  /** Events of a binary log, without end. */
  | 'events'
  /** What authentication needs, then OK or ERR. */
  | 'login'
  | 'nothing';

/** A command of the protocol. */
export interface Command {
  /** As documented, without `COM_`. */
  readonly name: string;
  readonly shape: ResponseShape;
  /** Bytes of the whole command, its number included: the least, and the most. */
  readonly least: number;
  readonly most: number;
  /** What stands behind the number: a text, a statement's id, or nothing that is looked at. */
  readonly body: 'text' | 'statement' | 'table' | 'user' | 'none';
}

const any = Infinity;

function command(
  name: string,
  shape: ResponseShape = 'result',
  least = 1,
  most: number = any,
  body: Command['body'] = 'none',
): Command {
  return { name, shape, least, most, body };
}

/** By number ("Command Phase"; MariaDB: "Text protocol", "Binary protocol (prepared statements)"). */
const commands: Readonly<Record<number, Command>> = {
  0x00: command('SLEEP'),
  0x01: command('QUIT', 'nothing', 1, 1),
  0x02: command('INIT_DB', 'result', 1, any, 'text'),
  0x03: command('QUERY', 'result', 1, any, 'text'),
  0x04: command('FIELD_LIST', 'columns', 1, any, 'table'),
  0x05: command('CREATE_DB', 'result', 2, any, 'text'),
  0x06: command('DROP_DB', 'result', 2, any, 'text'),
  0x07: command('REFRESH', 'result', 1, 2),
  0x08: command('SHUTDOWN', 'result', 1, 2),
  0x09: command('STATISTICS', 'text', 1, 1),
  0x0a: command('PROCESS_INFO', 'result', 1, 1),
  0x0b: command('CONNECT'),
  0x0c: command('PROCESS_KILL', 'result', 5, 5),
  0x0d: command('DEBUG', 'result', 1, 1),
  0x0e: command('PING', 'result', 1, 1),
  0x0f: command('TIME'),
  0x10: command('DELAYED_INSERT'),
  0x11: command('CHANGE_USER', 'login', 3, any, 'user'),
  0x12: command('BINLOG_DUMP', 'events', 11),
  0x13: command('TABLE_DUMP', 'events', 3),
  0x14: command('CONNECT_OUT'),
  0x15: command('REGISTER_SLAVE', 'result', 18),
  0x16: command('STMT_PREPARE', 'prepare', 1, any, 'text'),
  0x17: command('STMT_EXECUTE', 'result', 10, any, 'statement'),
  0x18: command('STMT_SEND_LONG_DATA', 'nothing', 7, any, 'statement'),
  0x19: command('STMT_CLOSE', 'nothing', 5, 5, 'statement'),
  0x1a: command('STMT_RESET', 'result', 5, 5, 'statement'),
  0x1b: command('SET_OPTION', 'result', 3, 3),
  0x1c: command('STMT_FETCH', 'rows', 9, 9, 'statement'),
  0x1d: command('DAEMON'),
  0x1e: command('BINLOG_DUMP_GTID', 'events', 11),
  0x1f: command('RESET_CONNECTION', 'result', 1, 1),
  0x20: command('CLONE'),
  0x21: command('SUBSCRIBE_GROUP_REPLICATION_STREAM'),
  0xfa: command('STMT_BULK_EXECUTE', 'result', 7, any, 'statement'),
};

/** The login of a connection; it has no number. */
export const login: Command = command('LOGIN', 'login', 32, any, 'user');

/** The command of a number, when its length can be right. */
export function commandOf(number: number, length: number): Command | undefined {
  const found = commands[number];
  return found !== undefined && length >= found.least && length <= found.most ? found : undefined;
}
