// SPDX-License-Identifier: Apache-2.0
import type { ProtocolResult } from '@libtrace/core/plugin';
import type { MysqlResponseFrame } from './frames.js';

/**
 * Classes of SQLSTATE (ISO/IEC 9075-2, "SQLSTATE class and subclass values") that blame who asked: no data, syntax,
 * constraints, values, authorization, what a program raises by SIGNAL. All others (connection 08, rollback 40 with its
 * deadlocks, resources 53, interruption 70, general errors HY) are the server's.
 */
const clientClasses = new Set(
  '02 07 0A 0K 0Z 20 21 22 23 24 25 26 27 28 2D 2F 34 35 3B 3C 3D 3F 42 44 45'.split(' '),
);

/**
 * Errors without a class of their own (HY000) that blame who asked: wrong or missing values and fields, wrong use of a
 * statement ("Server Error Message Reference"; MariaDB: "Error Codes"). The first line: those that come without SQLSTATE
 * before protocol 4.1.
 */
const clientErrors = new Set([
  1044, 1045, 1046, 1048, 1049, 1050, 1051, 1054, 1062, 1064, 1065, 1136, 1142, 1143, 1146, 1149,
  1006, 1007, 1008, 1093, 1094, 1111, 1193, 1210, 1221, 1227, 1231, 1232, 1238, 1243, 1290, 1295,
  1347, 1348, 1356, 1362, 1364, 1366, 1393, 1395, 1415, 1418, 1421, 1423, 1442, 1445, 1471, 1475,
  1525, 1526, 1690, 1792, 1820, 1840, 1906, 3105, 3140, 3141, 3143, 3819, 4025, 4078,
]);

/** Whom an error blames; `unknown` when that was not captured. */
export function errorStatus({
  errorCode: code,
  sqlState,
  isErrorPartial,
}: MysqlResponseFrame): Exclude<ProtocolResult['status'], 'ok'> {
  const isClient =
    (sqlState !== undefined && clientClasses.has(sqlState.slice(0, 2))) ||
    (code !== undefined && clientErrors.has(code));
  if (isClient) return 'client-error';
  return sqlState === undefined && isErrorPartial ? 'unknown' : 'server-error';
}
