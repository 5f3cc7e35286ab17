// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SqlMode } from './frames.js';
import { decodeText, StatementSummaries, summarize } from './statement-summary.js';

const usual: SqlMode = { backslashEscapes: true, characterSet: 'other' };
const latin1 = (sql: string): string => Buffer.from(sql, 'utf8').toString('latin1');

function redacted(sql: string, mode: Partial<SqlMode> = {}, cut = false): string | undefined {
  const statement = { latin1: latin1(sql), cut, isPartial: false };
  return summarize(statement, { ...usual, ...mode }).redacted;
}

describe('redaction', () => {
  it.each([
    [`select 'a', "b", 12, 1.5, .5, 1e-3, 0x1F, 0b01`, 'select ?, ?, ?, ?, ?, ?, ?, ?'],
    [`select x'1f', B'01', n'text', _utf8mb4'text'`, 'select ?, ?, ?, _utf8mb4?'],
    [`where a = 'it''s' and b = "say ""no"""`, 'where a = ? and b = ?'],
    [`where a = 'it\\'s' and b = '\\\\'`, 'where a = ? and b = ?'],
    ['where t1.c2 = -5 limit 10, 20', 'where t1.c2 = -? limit ?, ?'],
    ['select `a``1`, `b 2` from `2021`', 'select `a``1`, `b 2` from `2021`'],
    ['select 2021_data.x1, a.1b from 1abc', 'select 2021_data.x1, a.1b from 1abc'],
    ['in (1,2,3)', 'in (?,?,?)'],
    [`date '2026-01-01'`, 'date ?'],
    [`set @a = 1, @@global.b = 'c'`, 'set @a = ?, @@global.b = ?'],
    [
      `grant all on *.* to 'u'@'h' identified by 'secret'`,
      'grant all on *.* to ?@? identified by ?',
    ],
    ['select ? from t where a = ?', 'select ? from t where a = ?'],
    ['insert into größe values ("ü")', 'insert into größe values (?)'],
    ['varchar(50)', 'varchar(?)'],
    ['', ''],
  ])('%s', (sql, expected) => {
    expect(redacted(sql)).toBe(expected);
  });

  it('keeps hints and code in comments, and hides values in other comments', () => {
    expect(redacted('select /*+ MAX_EXECUTION_TIME(1000) */ 1')).toBe(
      'select /*+ MAX_EXECUTION_TIME(1000) */ ?',
    );
    expect(redacted("/*!40101 SET NAMES 'utf8' */")).toBe('/*!40101 SET NAMES ? */');
    expect(redacted('/*M!100100 SET x=5 */')).toBe('/*M!100100 SET x=? */');
    expect(redacted("/* don't look at 'this' */ select 'x' -- or 'that'\n, 2 # and 'so'")).toBe(
      '/* don?*/ select ? -- or ?\n, ? # and ?',
    );
    expect(redacted("select 1 /*a=5,traceparent='00-01',b='c'*/")).toBe(
      'select ? /*a=?,traceparent=?*/',
    );
    expect(redacted('select 1--1')).toBe('select ?--?');
  });

  it('reads backslashes as the session does', () => {
    const sql = "values ('c:\\', 'secret')";
    expect(redacted(sql, { backslashEscapes: false })).toBe('values (?, ?)');
    expect(redacted("values ('it''s \\')", { backslashEscapes: false })).toBe('values (?)');
  });

  it('shows nothing when it cannot be told where a string ends', () => {
    const sql = "values ('c:\\', 'secret')";
    expect(redacted(sql, { backslashEscapes: undefined })).toBeUndefined();
    expect(redacted("values ('a\\\\', 'b')", { backslashEscapes: undefined })).toBe(
      'values (?, ?)',
    );
    expect(redacted("set sql_mode='no_backslash_escapes'; select 'a\\', 'b'")).toBeUndefined();
    // a byte that is no UTF-8 before a backslash may be half of a character
    const statement = { latin1: "values ('\x83\\', 'secret')", cut: false, isPartial: false };
    expect(summarize(statement, usual).redacted).toBeUndefined();
    expect(summarize(statement, { ...usual, characterSet: 'sjis' }).redacted).toBe('values (?, ?)');
    expect(summarize(statement, { ...usual, characterSet: 'gbk' }).redacted).toBe('values (?, ?)');
  });

  it('ends what was cut with an ellipsis', () => {
    expect(redacted("select 'abc", {}, true)).toBe('select ?…');
    expect(redacted('select a from', {}, true)).toBe('select a from…');
    expect(redacted('select 5, 12', {}, true)).toBe('select ?, …');
    expect(redacted('select x', {}, true)).toBe('select …');
    expect(redacted('select 1.5e-', {}, true)).toBe('select …');
    expect(redacted('select t1.c2', {}, true)).toBe('select t1.c2…');
    expect(redacted('select .', {}, true)).toBe('select …');
    expect(redacted('/* a comment wi', {}, true)).toBe('/* a comment wi…');
    expect(decodeText('a\xc3', true)).toBe('a…');
    expect(decodeText('a\xff b', false)).toBe('a\uFFFD b');
  });

  it('leaks no literal, whatever stands in it', () => {
    const content = fc
      .array(
        fc.constantFrom('a', "'", '"', '`', '\\', '/*', '*/', '--', '#', '\n', '1', '(', ';', 'ü'),
      )
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(fc.array(content, { maxLength: 4 }), (contents) => {
        const quoted = contents.map(
          (text) => `'SECRET${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`,
        );
        const sql = `select a /* b */ from t where c in (${quoted.join(', ')}) -- end`;
        expect(redacted(sql)).toBe(
          `select a /* b */ from t where c in (${contents.map(() => '?').join(', ')}) -- end`,
        );
      }),
      { numRuns: 2000 },
    );
  });

  it('takes time in proportion to the text', () => {
    const texts = ["'", '/*', '/*!', '(', '`', 'select ', '1', '.', '\\', '--\n', 'a.'];
    for (const text of texts) {
      const statement = { latin1: text.repeat(262_144 / text.length), cut: true, isPartial: false };
      // the test has a time limit
      summarize(statement, usual);
      summarize(statement, { ...usual, backslashEscapes: undefined });
    }
  });
});

describe('what a statement does', () => {
  const summary = (sql: string): unknown[] => {
    const { operation, table } = summarize({ latin1: sql, cut: false, isPartial: false }, usual);
    return [operation, table];
  };

  it.each<[string, string | undefined, string | undefined]>([
    ['select * from items where id = 1', 'SELECT', 'items'],
    ['  (select 1)', 'SELECT', undefined],
    ['SELECT a FROM shop.items i', 'SELECT', 'items'],
    ['select a from t1, t2', 'SELECT', undefined],
    ['select a from t1 join t2 on t1.a = t2.a', 'SELECT', undefined],
    ['select a from (select b from t) x', 'SELECT', undefined],
    ['select a from t where b in (select c from u)', 'SELECT', undefined],
    ['select extract(year from d) from t', 'SELECT', 't'],
    ['select 1 from dual', 'SELECT', undefined],
    ['insert into `my items` values (1)', 'INSERT', 'my items'],
    ['insert ignore into items (a) select a from others', 'INSERT', undefined],
    ['insert into t values (1) on duplicate key update a = 1', 'INSERT', 't'],
    ['replace delayed items set a = 1', 'REPLACE', 'items'],
    ['update low_priority items set a = 1', 'UPDATE', 'items'],
    ['update a, b set a.x = 1', 'UPDATE', undefined],
    ['delete from items where a = 1', 'DELETE', 'items'],
    ['create table if not exists items (id int)', 'CREATE', 'items'],
    ['drop table items', 'DROP', 'items'],
    ['truncate table items', 'TRUNCATE', 'items'],
    ["load data local infile 'f' into table items", 'LOAD', 'items'],
    ['with a as (select 1 from x), b as (select 2) select * from b', 'WITH', undefined],
    ['/* c */ call p(1)', 'CALL', undefined],
    ['-- c\n begin', 'BEGIN', undefined],
    ['/*!40101 SET NAMES utf8 */', 'SET', undefined],
    ['selec 1', undefined, undefined],
    ['', undefined, undefined],
    ['1', undefined, undefined],
  ])('%s', (sql, operation, table) => {
    const [foundOperation, foundTable] = summary(sql);
    if (operation === 'WITH') expect(foundOperation).toBe('SELECT');
    else expect([foundOperation, foundTable]).toEqual([operation, table]);
  });

  it('finds what a WITH clause stands before', () => {
    expect(summary('with a as (select 1) delete from t')[0]).toBe('DELETE');
    expect(summary('with a as (select 1)')[0]).toBe('WITH');
  });

  it('finds databases that are selected and dropped', () => {
    const changes = (sql: string): unknown =>
      summarize({ latin1: sql, cut: false, isPartial: false }, usual).changes;
    expect(changes('use `my``db`')).toEqual([{ kind: 'use', database: 'my`db' }]);
    expect(changes('select 1; use a; drop database if exists b')).toEqual([
      { kind: 'use', database: 'a' },
      { kind: 'drop', database: 'b' },
    ]);
    expect(changes('select a from t use index (i)')).toEqual([]);
    expect(changes("select 'use a'; drop table t")).toEqual([]);
  });

  it('takes no word that was cut for a name', () => {
    const cut = { latin1: 'select a from ite', cut: true, isPartial: true };
    expect(summarize(cut, usual)).toMatchObject({ operation: 'SELECT', table: undefined });
    expect(summarize({ ...cut, latin1: 'use sh' }, usual).changes).toEqual([]);
  });
});

describe('summaries', () => {
  it('are made once, and differ by how strings are read', () => {
    const summaries = new StatementSummaries();
    const statement = { latin1: "select 'a\\'", cut: false, isPartial: false };
    const first = summaries.of(statement, usual);
    expect(summaries.of({ ...statement }, usual)).toBe(first);
    expect(summaries.of(statement, { ...usual, backslashEscapes: false })).not.toBe(first);
    for (let i = 0; i < 1000; i++) summaries.of({ ...statement, latin1: `select a${i}` }, usual);
    expect(summaries.of(statement, usual)).not.toBe(first);
  });
});
