// SPDX-License-Identifier: Apache-2.0
import { ByteView } from '@libtrace/core/plugin';
import { describe, expect, it } from 'vitest';
import { beginsGreeting, readGreeting } from './greeting.js';
import { beginsLogin, isSslRequest, readChangeUser, readLogin } from './login.js';
import { PacketCursor, payloadLength } from './packet-cursor.js';
import * as build from './packets.test-support.js';
import { bytes, le, packet } from './packets.test-support.js';
import { statementAt } from './query-attributes.js';
import { readFailure, readPrepared, readResultSetHead, readSuccess } from './result-packets.js';
import { Capability } from './capabilities.js';

/** Bytes that do not stand at the beginning of their memory, nor at its end. */
function view(data: Uint8Array): ByteView {
  const one = new ByteView();
  one.reset(
    Buffer.concat([Buffer.of(255, 255), data, Buffer.of(255)]),
    2,
    data.length,
    0,
    false,
    0,
  );
  return one;
}

const success = (data: Uint8Array): unknown => {
  const one = view(data);
  return readSuccess(one, 0, payloadLength(one), undefined);
};

describe('fields', () => {
  it('reads length-encoded integers', () => {
    const data = bytes(250, 0xfc, le(251, 2), 0xfd, le(65_536, 3), 0xfe, le(2 ** 40, 8), 0xfb);
    const cursor = new PacketCursor(view(data), 0, data.length);
    expect(Array.from({ length: 5 }, () => cursor.lenenc())).toEqual([
      250,
      251,
      65_536,
      2 ** 40,
      -1,
    ]);
    expect(cursor.cut).toBe(false);
    expect(cursor.lenenc()).toBe(-1);
    expect(cursor.cut).toBe(true);
  });

  it('never reads behind the packet or what was captured', () => {
    const cursor = new PacketCursor(view(bytes('abc')), 0, 10);
    expect([cursor.isPartial, cursor.uint(2), cursor.uint(2), cursor.cut, cursor.left]).toEqual([
      true,
      0x6261,
      -1,
      true,
      0,
    ]);
    expect(new PacketCursor(view(bytes('ab\0c')), 0, 4).nulString()).toBe('ab');
  });
});

describe('OK, EOF and ERR', () => {
  it('reads what an OK_Packet says', () => {
    const data = packet(1, 0, 0xfc, le(1000, 2), 7, le(0x0002, 2), le(3, 2), 'Rows');
    expect(success(data)).toMatchObject({
      isEof: false,
      affectedRows: 1000,
      lastInsertId: 7,
      statusFlags: 2,
      warnings: 3,
      schema: undefined,
    });
  });

  it('finds the database in what changed', () => {
    const changes = bytes(0, 5, 2, 3, 'x=1', 1, 5, 4, 'shop', 4, 2, 1, '1');
    const ok = build.ok(1, { status: 0x4002, rest: bytes(0, changes.length, changes) });
    expect(success(ok)).toMatchObject({ schema: 'shop' });
    const cut = build.ok(1, { status: 0x4002, rest: bytes(0, 50, 1, 50) });
    expect(success(cut)).toMatchObject({ schema: undefined });
  });

  it('tells an EOF_Packet by its length', () => {
    expect(success(build.eof(1, 0x22))).toMatchObject({ isEof: true, statusFlags: 0x22 });
    expect(success(build.okEof(1, 0x22))).toMatchObject({ isEof: false, statusFlags: 0x22 });
    expect(success(packet(1, 0xfe))).toMatchObject({ isEof: true, statusFlags: undefined });
  });

  it('reads errors with and without SQLSTATE, and as far as they were captured', () => {
    const failure = (data: Uint8Array): unknown => readFailure(view(data), 0, 30);
    const error = packet(1, 0xff, le(1146, 2), '#42S02', "Table 'a' is missing.");
    expect(failure(error)).toEqual({
      code: 1146,
      sqlState: '42S02',
      message: "Table 'a' is missing.",
      isPartial: false,
    });
    expect(failure(packet(1, 0xff, le(1040, 2), 'Too many connections now!!!'))).toMatchObject({
      code: 1040,
      sqlState: undefined,
      message: 'Too many connections now!!!',
    });
    expect(failure(error.subarray(0, 18))).toMatchObject({ message: 'Table…', isPartial: true });
    expect(failure(error.subarray(0, 10))).toMatchObject({
      code: 1146,
      sqlState: undefined,
      message: undefined,
    });
    expect(failure(error.subarray(0, 5))).toMatchObject({ code: undefined });
  });

  it('reads the head of a result set, whichever way round', () => {
    const head = (...pieces: build.Piece[]): unknown => {
      const data = packet(1, ...pieces);
      return readResultSetHead(view(data), 0, data.length - 4);
    };
    expect(head(3)).toEqual({ columns: 3, hasMetadata: true });
    expect(head(0xfc, le(300, 2))).toEqual({ columns: 300, hasMetadata: true });
    expect(head(1, 3)).toEqual({ columns: 3, hasMetadata: true });
    expect(head(0, 3)).toEqual({ columns: 3, hasMetadata: false });
    expect(head(3, 1)).toEqual({ columns: 3, hasMetadata: true });
    expect(head(3, 0)).toEqual({ columns: 3, hasMetadata: false });
    expect(head(1, 1)).toEqual({ columns: 1, hasMetadata: true });
    expect([head(0), head(0, 0), head(3, 3), head('abcdef'), head(0xfb)]).toEqual(
      Array.from({ length: 5 }, () => undefined),
    );
  });

  it('reads COM_STMT_PREPARE_OK', () => {
    const data = packet(1, 0, le(9, 4), le(2, 2), le(3, 2), 0, le(4, 2));
    const read = (one: Uint8Array, length = one.length - 4): unknown =>
      readPrepared(view(one), 0, length);
    const all = { statementId: 9, columns: 2, parameters: 3, warnings: 4, hasMetadata: true };
    expect(read(data)).toEqual(all);
    expect(read(packet(1, data.subarray(4), 0))).toEqual({ ...all, hasMetadata: false });
    expect(read(packet(1, data.subarray(4), 1))).toEqual(all);
    // whether definitions follow is not known
    expect(read(data, 13)).toBeUndefined();
    expect(read(data.subarray(0, 8), 12)).toBeUndefined();
  });
});

describe('the beginning of a connection', () => {
  const greet = (data: Uint8Array, end = data.length): unknown => readGreeting(view(data), 4, end);

  it('reads greetings of MySQL and MariaDB', () => {
    const capabilities = Capability.MYSQL | Capability.PROTOCOL_41 | Capability.DEPRECATE_EOF;
    expect(greet(build.greeting(capabilities))).toEqual({
      serverVersion: '8.4.3',
      capabilities,
      system: 'mysql',
      statusFlags: 2,
    });
    expect(greet(build.greeting(Capability.PROTOCOL_41, '5.5.5-10.11.6-MariaDB'))).toMatchObject({
      serverVersion: '10.11.6-MariaDB',
      system: 'mariadb',
    });
    expect(beginsGreeting(view(build.greeting()), 4)).toBe(true);
    expect(beginsGreeting(view(bytes(10, 'x')), 0)).toBe(false);
  });

  it('reads protocol 9', () => {
    expect(greet(packet(0, 9, '3.20.32\0', le(5, 4), 'abcdefgh\0'))).toMatchObject({
      serverVersion: '3.20.32',
      capabilities: 0,
    });
  });

  it('does not guess what was not captured', () => {
    const data = build.greeting();
    expect(greet(data.subarray(0, 7), data.length)).toMatchObject({
      serverVersion: undefined,
      capabilities: 0,
      system: undefined,
    });
    expect(greet(data.subarray(0, 26), data.length)).toMatchObject({ capabilities: 0 });
  });

  it('reads logins of protocol 4.1, of all forms of password', () => {
    const read = (data: Uint8Array): unknown => readLogin(view(data), data.length);
    const fixed = (flags: number): Buffer =>
      bytes(le(flags, 4), le(2 ** 24, 4), 28, Buffer.alloc(23));
    const flags = Capability.PROTOCOL_41 | Capability.CONNECT_WITH_DB;
    const expected = { collation: 28, user: 'bob', database: 'shop' };
    expect(read(packet(1, fixed(flags), 'bob\0secret\0shop\0'))).toMatchObject(expected);
    expect(
      read(packet(1, fixed(flags | Capability.SECURE_CONNECTION), 'bob\0', 3, 'a\0bshop\0')),
    ).toMatchObject(expected);
    expect(
      read(
        packet(
          1,
          fixed(flags | Capability.PLUGIN_AUTH_LENENC_CLIENT_DATA),
          'bob\0',
          0xfc,
          le(3, 2),
          'a\0bshop\0p\0',
        ),
      ),
    ).toMatchObject(expected);
    expect(read(packet(1, fixed(Capability.PROTOCOL_41), 'bob\0\0'))).toMatchObject({
      database: undefined,
    });
    expect(beginsLogin(view(build.login()))).toBe(true);
    expect(beginsLogin(view(build.query('select 1 from a_long_name where b = 1')))).toBe(false);
  });

  it('reads logins before 4.1', () => {
    const data = packet(1, le(Capability.CONNECT_WITH_DB, 2), le(0xffffff, 3), 'bob\0secret\0shop');
    expect(readLogin(view(data), data.length)).toMatchObject({ user: 'bob', database: 'shop' });
    expect(readLogin(view(data.subarray(0, 11)), data.length)).toMatchObject({ user: undefined });
  });

  it('knows an SSLRequest', () => {
    const flags = Capability.PROTOCOL_41 | Capability.SSL;
    const request = packet(1, le(flags, 4), le(2 ** 24, 4), 45, Buffer.alloc(23));
    expect([isSslRequest(view(request)), beginsLogin(view(request))]).toEqual([true, true]);
    expect(isSslRequest(view(build.login(build.allCapabilities | Capability.SSL)))).toBe(false);
  });

  it('reads COM_CHANGE_USER', () => {
    const data = packet(0, 0x11, 'bob\0', 3, 'a\0b', 'shop\0', le(28, 2));
    const flags = Capability.SECURE_CONNECTION;
    expect(readChangeUser(view(data), data.length, flags)).toMatchObject({
      user: 'bob',
      database: 'shop',
      collation: 28,
    });
    const without = packet(0, 0x11, 'bob\0', 0, '\0');
    expect(readChangeUser(view(without), without.length, flags)).toMatchObject({
      database: undefined,
    });
  });
});

describe('query attributes', () => {
  const text = (capabilities: number | undefined, ...pieces: build.Piece[]): string | undefined => {
    const data = packet(0, 3, ...pieces);
    const at = statementAt(view(data), data.length, capabilities);
    return at < 0 ? undefined : data.toString('latin1', at);
  };
  const attributes = Capability.QUERY_ATTRIBUTES;

  it('steps over attributes of every type', () => {
    const types = [1, 2, 3, 8, 4, 5, 13, 12, 10, 11, 0xfe, 0xfc, 0xf6, 6];
    const values = bytes(
      ...[1, le(1, 2), le(1, 4), le(1, 8), le(1, 4), le(1, 8), le(1, 2)],
      ...[7, 'datetim', 4, 'date', 0, 3, 'str', 0xfc, le(2, 2), 'xy', 1, '5'],
    );
    const names = types.map((type) => bytes(type, 0, build.lenencString('name')));
    expect(text(attributes, types.length, 1, 0, 0, 1, ...names, values, 'select 1')).toBe(
      'select 1',
    );
    expect(text(attributes, 1, 1, 1, 1, 0xfe, 0, 1, 'n', 'select 2')).toBe('select 2');
  });

  it('knows them by their first bytes when flags are not known', () => {
    expect(text(undefined, 0, 1, 'select 1')).toBe('select 1');
    expect(text(undefined, 'select 1')).toBe('select 1');
    expect(text(0, '\0\x01select 1')).toBe('\0\x01select 1');
    expect(text(undefined, '\tselect 1')).toBe('\tselect 1');
  });

  it('says so when they cannot be read', () => {
    expect(text(attributes, 3, 1, 0, 1, 0xfe)).toBeUndefined();
    expect(text(attributes, 0xfd, le(100_000, 3), 1, 'x')).toBeUndefined();
  });
});
