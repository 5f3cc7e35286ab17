// SPDX-License-Identifier: Apache-2.0
// Packets as the protocol's documentation builds them, for tests.
import { Capability } from './capabilities.js';

/** Bytes: text is Latin-1, a number is one byte. */
export type Piece = string | number | Uint8Array;

export function bytes(...pieces: readonly Piece[]): Buffer {
  return Buffer.concat(
    pieces.map((piece) => {
      if (typeof piece === 'string') return Buffer.from(piece, 'latin1');
      return typeof piece === 'number' ? Buffer.of(piece) : piece;
    }),
  );
}

/** Little-endian unsigned integer. */
export function le(value: number, width: number): Buffer {
  const buffer = Buffer.alloc(width);
  for (let i = 0; i < width; i++) buffer[i] = Math.floor(value / 256 ** i) % 256;
  return buffer;
}

export function packet(sequence: number, ...payload: readonly Piece[]): Buffer {
  const body = bytes(...payload);
  return bytes(le(body.length, 3), sequence, body);
}

/** A compressed packet; `how`: not at all when it is not given. */
export function compressed(
  sequence: number,
  payload: Uint8Array,
  how?: (payload: Uint8Array) => Uint8Array,
): Buffer {
  const body = how?.(payload) ?? payload;
  const expanded = how === undefined ? 0 : payload.length;
  return bytes(le(body.length, 3), sequence, le(expanded, 3), body);
}

export const lenencString = (text: string): Buffer => bytes(text.length, text);

export const definition = (sequence: number, name: string): Buffer =>
  packet(
    sequence,
    ...['def', 'shop', 'items', 'items', name, name].map(lenencString),
    bytes(0x0c, le(45, 2), le(80, 4), 0xfd, le(0, 2), 0, 0, 0),
  );

interface OkFields {
  readonly affected?: number;
  readonly id?: number;
  readonly status?: number;
  readonly warnings?: number;
  readonly header?: number;
  readonly rest?: Uint8Array;
}

/** OK_Packet. */
export const ok = (sequence: number, fields: OkFields = {}): Buffer =>
  packet(
    sequence,
    fields.header ?? 0,
    fields.affected ?? 0,
    fields.id ?? 0,
    le(fields.status ?? 2, 2),
    le(fields.warnings ?? 0, 2),
    fields.rest ?? bytes(),
  );

/** OK_Packet that ends rows when EOF_Packets are deprecated. */
export const okEof = (sequence: number, status = 2): Buffer =>
  ok(sequence, { header: 0xfe, status });

export const eof = (sequence: number, status = 2): Buffer =>
  packet(sequence, 0xfe, le(0, 2), le(status, 2));

export const err = (sequence: number, code: number, state: string, message: string): Buffer =>
  packet(sequence, 0xff, le(code, 2), state === '' ? '' : `#${state}`, message);

export const allCapabilities =
  Capability.MYSQL |
  Capability.CONNECT_WITH_DB |
  Capability.PROTOCOL_41 |
  Capability.SECURE_CONNECTION |
  Capability.PLUGIN_AUTH |
  Capability.SESSION_TRACK |
  Capability.DEPRECATE_EOF;

export const greeting = (capabilities = allCapabilities, version = '8.4.3'): Buffer =>
  packet(
    0,
    10,
    version,
    0,
    le(77, 4),
    'abcdefgh',
    0,
    le(capabilities % 65_536, 2),
    255,
    le(2, 2),
    le(capabilities >>> 16, 2),
    21,
    Buffer.alloc(10),
    'ijklmnopqrst\0caching_sha2_password\0',
  );

export const login = (
  capabilities = allCapabilities,
  { sequence = 1, user = 'app', database = 'shop', collation = 45 } = {},
): Buffer =>
  packet(
    sequence,
    le(capabilities, 4),
    le(2 ** 24, 4),
    collation,
    Buffer.alloc(23),
    `${user}\0`,
    lenencString('x'.repeat(32)),
    (capabilities & Capability.CONNECT_WITH_DB) === 0 ? '' : `${database}\0`,
    'caching_sha2_password\0',
  );

export const query = (sql: string): Buffer => packet(0, 3, sql);
export const prepare = (sql: string): Buffer => packet(0, 0x16, sql);
export const execute = (id: number, flags = 0): Buffer =>
  packet(0, 0x17, le(id, 4), flags, le(1, 4));
export const quit = packet(0, 1);
export const ping = packet(0, 14);

/** A text result set of one column, with as many rows as there are values. */
export const resultSet = (
  values: readonly string[],
  { withEof = false, status = 2 } = {},
): Buffer => {
  let sequence = 1;
  return bytes(
    packet(sequence++, 1),
    definition(sequence++, 'value'),
    withEof ? eof(sequence++) : '',
    ...values.map((value) => packet(sequence++, lenencString(value))),
    withEof ? eof(sequence, status) : okEof(sequence, status),
  );
};

/** COM_STMT_PREPARE_OK with its definitions. */
export const prepared = (
  id: number,
  { columns = 1, parameters = 1, withEof = false } = {},
): Buffer => {
  let sequence = 1;
  const group = (count: number): Buffer =>
    bytes(
      ...Array.from({ length: count }, () => definition(sequence++, 'p')),
      withEof && count > 0 ? eof(sequence++) : '',
    );
  return bytes(
    packet(sequence++, 0, le(id, 4), le(columns, 2), le(parameters, 2), 0, le(0, 2)),
    group(parameters),
    group(columns),
  );
};
