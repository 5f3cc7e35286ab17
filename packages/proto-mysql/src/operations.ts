// SPDX-License-Identifier: Apache-2.0

/** First words of the statements of MySQL 9 and MariaDB 12 ("SQL Statements"): what a statement does. */
const operations = new Set(
  `ALTER ANALYZE BACKUP BEGIN BINLOG CACHE CALL CHANGE CHECK CHECKSUM CLONE CLOSE COMMIT CREATE DEALLOCATE DECLARE DELETE
  DESC DESCRIBE DO DROP END EXECUTE EXPLAIN FETCH FLUSH GET GRANT HANDLER HELP IMPORT INSERT INSTALL KILL LOAD LOCK OPEN
  OPTIMIZE PREPARE PURGE RELEASE RENAME REPAIR REPLACE RESET RESIGNAL RESTART REVOKE ROLLBACK SAVEPOINT SELECT SET SHOW
  SHUTDOWN SIGNAL SLAVE START STOP TABLE TRUNCATE UNINSTALL UNLOCK UPDATE USE VALUES WITH XA`.split(
    /\s+/,
  ),
);

/** What a `WITH` clause may stand before. */
const mainOperations = new Set([
  'SELECT',
  'INSERT',
  'UPDATE',
  'DELETE',
  'REPLACE',
  'TABLE',
  'VALUES',
]);

/** The operation that a first word stands for, in upper case; undefined when no statement begins so. */
export function operationOf(word: string): string | undefined {
  const upper = word.toUpperCase();
  return operations.has(upper) ? upper : undefined;
}

export function isMainOperation(upper: string): boolean {
  return mainOperations.has(upper);
}
