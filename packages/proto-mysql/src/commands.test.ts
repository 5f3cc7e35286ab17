// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { commandOf } from './commands.js';

describe('commands', () => {
  it('has a name for every number of the documents', () => {
    const names = Array.from({ length: 256 }, (_, number) => commandOf(number, 40)?.name);
    // of a fixed length
    for (const [number, length] of [
      [0x01, 1],
      [0x07, 2],
      [0x08, 1],
      [0x09, 1],
      [0x0a, 1],
      [0x0c, 5],
      [0x0d, 1],
      [0x0e, 1],
      [0x19, 5],
      [0x1a, 5],
      [0x1b, 3],
      [0x1c, 9],
      [0x1f, 1],
    ] as const) {
      expect(names[number]).toBeUndefined();
      names[number] = commandOf(number, length)?.name;
    }
    expect(names.slice(0, 0x22)).toEqual(
      `SLEEP QUIT INIT_DB QUERY FIELD_LIST CREATE_DB DROP_DB REFRESH SHUTDOWN STATISTICS PROCESS_INFO CONNECT
      PROCESS_KILL DEBUG PING TIME DELAYED_INSERT CHANGE_USER BINLOG_DUMP TABLE_DUMP CONNECT_OUT REGISTER_SLAVE
      STMT_PREPARE STMT_EXECUTE STMT_SEND_LONG_DATA STMT_CLOSE STMT_RESET SET_OPTION STMT_FETCH DAEMON
      BINLOG_DUMP_GTID RESET_CONNECTION CLONE SUBSCRIBE_GROUP_REPLICATION_STREAM`.split(/\s+/),
    );
    expect(names.slice(0x22).filter((name) => name !== undefined)).toEqual(['STMT_BULK_EXECUTE']);
  });
});
