// SPDX-License-Identifier: Apache-2.0
import type { Field, Inference, InferenceRule, Test } from '@libtrace/core/plugin';

// ---- words of the rules ----

/** Length of the payload of a packet whose header stands at `at`. */
const lengthAt = (at: number, plus = 0): Field => ({
  at,
  width: 4,
  order: 'le',
  mask: 0xffffff,
  plus,
});
const byteIs = (at: number, value: number): Test => ({
  kind: 'cmp',
  op: 'eq',
  left: { at, width: 1 },
  right: value,
});
const byteBetween = (at: number, least: number, most: number): Test =>
  all(
    { kind: 'cmp', op: 'ge', left: { at, width: 1 }, right: least },
    { kind: 'cmp', op: 'le', left: { at, width: 1 }, right: most },
  );
const text = (at: number, anyOf: readonly string[], ignoreCase = false): Test => ({
  kind: 'bytes',
  at,
  anyOf,
  ignoreCase,
});
const all = (...of: readonly Test[]): Test => ({ kind: 'all', of });
const any = (...of: readonly Test[]): Test => ({ kind: 'any', of });

/** One packet, and nothing else, was moved. */
const onePacket: Test = {
  kind: 'cmp',
  op: 'eq',
  left: lengthAt(0, 4),
  right: { length: true },
};
/** A packet was moved, or the beginning of one: it may come in several reads. */
const atMostOnePacket: Test = {
  kind: 'cmp',
  op: 'ge',
  left: lengthAt(0, 4),
  right: { length: true },
};
/** The payload has this length. */
const payloadIs = (length: number): Test => ({
  kind: 'cmp',
  op: 'eq',
  left: lengthAt(0),
  right: length,
});
const payloadBetween = (least: number, most: number): Test =>
  all(
    { kind: 'cmp', op: 'ge', left: lengthAt(0), right: least },
    { kind: 'cmp', op: 'le', left: lengthAt(0), right: most },
  );

const QUERY = 0x03;
const STMT_PREPARE = 0x16;
const STMT_EXECUTE = 0x17;

/** How statements begin: no other word begins so that stands first in a message of the same length. */
const statementBegins = [
  ...['sele', 'inse', 'upda', 'dele', 'repl', 'set ', 'show', 'begi', 'comm', 'roll', 'star'],
  ...['with', 'call', 'crea', 'alte', 'drop', 'trun', 'use ', 'expl', 'load', 'lock', 'unlo'],
];

/** A statement in a command at `at`, with or without (empty) attributes before it. */
const statementAt = (at: number): Test =>
  any(
    all(any(byteIs(at, QUERY), byteIs(at, STMT_PREPARE)), text(at + 1, statementBegins, true)),
    all(text(at, ['\x03\x00\x01']), text(at + 3, statementBegins, true)),
  );

// ---- the beginning of a connection ----

/** Number 0, protocol 10, a version such as `8.0.26` or `5.5.5-10.11.6-MariaDB`. */
const greeting: Test = all(
  atMostOnePacket,
  payloadBetween(34, 512),
  text(3, ['\x00\x0a']),
  byteBetween(5, 0x31, 0x39),
  any(
    all(byteIs(6, 0x2e), byteBetween(7, 0x30, 0x39)),
    all(byteBetween(6, 0x30, 0x39), byteIs(7, 0x2e), byteBetween(8, 0x30, 0x39)),
  ),
);

/** Instead of a greeting: too many connections, the host is blocked, or not allowed. */
const refusal: Test = all(
  atMostOnePacket,
  byteIs(3, 0),
  text(4, ['\xff\x10\x04', '\xff\x69\x04', '\xff\x6a\x04', '\xff\xb3\x04', '\xff\x1d\x04']),
  any(text(7, ['#08004', '#HY000', '#42000', '#08S01']), text(7, ["Host '", 'Too many'])),
);

/** Flags with protocol 4.1, 19 reserved bytes. Number 1, or 2 behind an SSLRequest. */
const login: Test = all(
  atMostOnePacket,
  payloadBetween(32, 0xffff),
  byteBetween(3, 1, 2),
  { kind: 'cmp', op: 'eq', left: { at: 5, width: 1, mask: 0x02 }, right: 0x02 },
  { kind: 'cmp', op: 'ne', left: { at: 8, width: 4 }, right: 0 },
  text(13, ['\x00'.repeat(19)]),
);

// ---- connections that are older than the tracing of them ----

const statement: Test = all(onePacket, byteIs(3, 0), statementAt(4));

/** Flags are at most 15 (a cursor, a parameter count), the number of iterations is always 1. */
const execute: Test = all(
  onePacket,
  text(3, [String.fromCharCode(0, STMT_EXECUTE)]),
  byteIs(8, 0),
  { kind: 'cmp', op: 'le', left: { at: 9, width: 1 }, right: 15 },
  text(10, ['\x01\x00\x00\x00']),
);

/** Commands of a fixed length: QUIT, STATISTICS, PING, RESET_CONNECTION; STMT_CLOSE, STMT_RESET; STMT_FETCH. */
const fixedCommand: Test = all(
  onePacket,
  byteIs(3, 0),
  any(
    all(payloadIs(1), text(4, ['\x01', '\x09', '\x0e', '\x1f'])),
    all(payloadIs(5), text(4, ['\x19', '\x1a']), byteIs(8, 0)),
    all(payloadIs(9), byteIs(4, 0x1c), byteIs(8, 0)),
  ),
);

/** One to 250 columns, then a definition: number 2, catalog `def`. */
const resultSet: Test = all(
  text(0, ['\x01\x00\x00\x01']),
  byteBetween(4, 1, 250),
  text(7, ['\x00\x02\x03def']),
);

const failure: Test = all(
  atMostOnePacket,
  payloadBetween(9, 1024),
  text(3, ['\x01\xff']),
  byteIs(7, 0x23),
  byteBetween(8, 0x30, 0x5a),
  byteBetween(12, 0x30, 0x5a),
);

/** OK: number 1, header 0; it says of few rows that they were changed (one byte), or tells more. */
const ok: Test = all(onePacket, payloadBetween(7, 1024), text(3, ['\x01\x00']));

/** STMT_PREPARE_OK, with definitions behind it or without: a byte of it is always 0. */
const prepared: Test = all(
  text(0, ['\x0c\x00\x00\x01\x00', '\x0d\x00\x00\x01\x00']),
  byteIs(13, 0),
  any(onePacket, text(18, ['\x00\x02\x03def']), text(19, ['\x00\x02\x03def'])),
);

// ---- compressed packets ----

/** One compressed packet was moved whose payload is not compressed: 7 bytes, then an ordinary packet. */
const storedPacket: Test = all(
  { kind: 'cmp', op: 'eq', left: lengthAt(0, 7), right: { length: true } },
  text(4, ['\x00\x00\x00']),
);
/** The packet inside is all there is. */
const onlyInside: Test = {
  kind: 'cmp',
  op: 'eq',
  left: lengthAt(7, 11),
  right: { length: true },
};
const storedStatement: Test = all(
  storedPacket,
  onlyInside,
  byteIs(3, 0),
  byteIs(10, 0),
  statementAt(11),
);
const storedCommand: Test = all(
  storedPacket,
  onlyInside,
  byteIs(3, 0),
  byteIs(10, 0),
  text(11, ['\x01', '\x02', '\x03', '\x0e', '\x16', '\x17', '\x19', '\x1a', '\x1c', '\x1f']),
);
const storedResponse: Test = all(
  storedPacket,
  byteIs(3, 1),
  byteIs(10, 1),
  any(
    all(onlyInside, any(byteIs(11, 0x00), text(11, ['\xff']))),
    all(text(7, ['\x01\x00\x00']), text(14, ['\x00\x02\x03def'])),
  ),
);
/** The first bytes of a zlib stream (RFC 1950), or of a Zstandard frame (RFC 8878). */
const expands = (number: number): Test =>
  all(
    { kind: 'cmp', op: 'eq', left: lengthAt(0, 7), right: { length: true } },
    byteIs(3, number),
    { kind: 'cmp', op: 'ge', left: lengthAt(4), right: 50 },
    { kind: 'cmp', op: 'gt', left: lengthAt(4), right: lengthAt(0) },
    text(7, ['\x78\x01', '\x78\x5e', '\x78\x9c', '\x78\xda', '\x28\xb5\x2f\xfd']),
  );

const certain = (says: InferenceRule['says'], when: Test): InferenceRule => ({ says, when });
const likely = (says: InferenceRule['says'], when: Test): InferenceRule => ({
  says,
  when,
  strength: 'likely',
});

/** How MySQL is recognized: from its greeting or login; of an older connection from a statement or a result set. */
export const inference: Inference = {
  rules: [
    certain('response', greeting),
    certain('request', login),
    certain('response', refusal),
    certain('request', statement),
    certain('request', execute),
    certain('response', resultSet),
    certain('response', failure),
    certain('request', storedStatement),
    likely('request', fixedCommand),
    likely('response', prepared),
    likely('response', ok),
    likely('request', storedCommand),
    likely('response', storedResponse),
    likely('request', expands(0)),
    likely('response', expands(1)),
  ],
  ports: [3306],
  carryHeaderBytes: 4,
};
