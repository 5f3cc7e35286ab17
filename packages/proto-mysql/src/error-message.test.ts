// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { redactMessage } from './error-message.js';
import { errorStatus } from './error-status.js';
import type { MysqlResponseFrame } from './frames.js';

describe('error messages', () => {
  it.each<[number, string, string]>([
    [
      1062,
      "Duplicate entry 'bob' for key 'users.email'",
      "Duplicate entry '?' for key 'users.email'",
    ],
    [1062, "Duplicate entry 'it's' for key 'PRIMARY'", "Duplicate entry '?' for key 'PRIMARY'"],
    [
      1366,
      "Incorrect integer value: 'bob' for column `a`.`b`.`c` at row 1",
      "Incorrect integer value: '?' for column `a`.`b`.`c` at row 1",
    ],
    [1292, "Truncated incorrect DOUBLE value: 'bob'", "Truncated incorrect DOUBLE value: '?'"],
    [1300, "Invalid utf8mb4 character string: '\\xFF'", "Invalid utf8mb4 character string: '?'"],
    [
      1411,
      "Incorrect datetime value: 'bob' for function str_to_date",
      "Incorrect datetime value: '?' for function str_to_date",
    ],
    [
      1231,
      "Variable 'sql_mode' can't be set to the value of 'bob'",
      "Variable 'sql_mode' can't be set to the value of '?'",
    ],
    [1526, 'Table has no partition for value 1234', 'Table has no partition for value ?'],
    [
      1367,
      "Illegal double '1e999' value found during parsing",
      "Illegal double '?' value found during parsing",
    ],
    [
      1064,
      "You have an error; use near 'selec 'bob', 5' at line 1",
      "You have an error; use near '?' at line 1",
    ],
    [1690, "BIGINT value is out of range in '(5 - 7)'", "BIGINT value is out of range in '?"],
    // in another language, or cut: nothing in quotes is shown
    [1062, "Doppelter Eintrag 'bob' für Schlüssel 'a'", "Doppelter Eintrag '?"],
    [1064, "Fehler bei 'selec 'bob'' in Zeile 1", "Fehler bei '?"],
    // what is not known to hold names only
    [1105, "XPATH syntax error: '~secret'", "XPATH syntax error: '?"],
    [1298, "Unknown or incorrect time zone: 'secret'", "Unknown or incorrect time zone: '?"],
    [1115, "Unknown character set: 'secret'", "Unknown character set: '?"],
    [1644, 'secret of a SIGNAL', '?'],
    // names
    [1146, "Table 'shop.items' doesn't exist", "Table 'shop.items' doesn't exist"],
    [1054, "Unknown column 'a' in 'field list'", "Unknown column 'a' in 'field list'"],
  ])('%i %s', (code, message, expected) => {
    expect(redactMessage(message, code)).toBe(expected);
  });
});

describe('whom an error blames', () => {
  const status = (
    errorCode: number | undefined,
    sqlState?: string,
    isErrorPartial = false,
  ): string => errorStatus({ errorCode, sqlState, isErrorPartial } as MysqlResponseFrame);

  it('is told by the class of its SQLSTATE', () => {
    expect(status(1064, '42000')).toBe('client-error');
    expect(status(1062, '23000')).toBe('client-error');
    expect(status(1045, '28000')).toBe('client-error');
    expect(status(1644, '45000')).toBe('client-error');
    expect(status(1040, '08004')).toBe('server-error');
    expect(status(1213, '40001')).toBe('server-error');
    expect(status(1205, 'HY000')).toBe('server-error');
    expect(status(1317, '70100')).toBe('server-error');
  });

  it('is told by its number where the class says nothing', () => {
    expect(status(1364, 'HY000')).toBe('client-error');
    expect(status(1054)).toBe('client-error');
    expect(status(1105)).toBe('server-error');
  });

  it('is unknown when neither was captured', () => {
    expect(status(undefined, undefined, true)).toBe('unknown');
    expect(status(1045, undefined, true)).toBe('client-error');
  });
});
