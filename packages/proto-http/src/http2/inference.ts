// SPDX-License-Identifier: Apache-2.0
import type { InferenceRule, Test } from '@libtrace/core/plugin';
import { DEFAULT_MAX_FRAME_BYTES, FRAME_HEADER_BYTES, PREFACE } from './frame-header.js';

/** The first byte of stream identifiers that are likely; that of text is larger. */
const MAX_FIRST_ID_BYTE = 0x0f;
const LAST_ERROR_CODE = 0x0d;
/** Identifiers of settings that servers begin with (RFC 9113 §6.5.2, RFC 8441 §3, RFC 9218 §2.1). */
const LAST_SETTING = 0x09;
const MAX_SETTINGS = 8;

const all = (...of: readonly Test[]): Test => ({ kind: 'all', of });
const any = (...of: readonly Test[]): Test => ({ kind: 'any', of });
const text = (at: number, ...anyOf: readonly string[]): Test => ({ kind: 'bytes', at, anyOf });
const byteIs = (at: number, right: number): Test => ({
  kind: 'cmp',
  op: 'eq',
  left: { at, width: 1 },
  right,
});
const byteIn = (at: number, least: number, most: number): Test =>
  all(
    { kind: 'cmp', op: 'ge', left: { at, width: 1 }, right: least },
    { kind: 'cmp', op: 'le', left: { at, width: 1 }, right: most },
  );

/** The identifier of the frame at the head is that of a stream which a client opened. */
const clientStream: Test = all(
  { kind: 'cmp', op: 'le', left: { at: 5, width: 1 }, right: MAX_FIRST_ID_BYTE },
  { kind: 'cmp', op: 'eq', left: { at: 8, width: 1, mask: 1 }, right: 1 },
);

/** Stream identifiers of frames that say little: those of connections that have not seen 8 million requests. */
const MAX_PLAIN_ID = 0x00ffffff;
const idIn = (at: number, least: number, most: number): Test =>
  all(
    { kind: 'cmp', op: 'ge', left: { at: at + 5, width: 4 }, right: least },
    { kind: 'cmp', op: 'le', left: { at: at + 5, width: 4 }, right: most },
  );

/** A frame begins at an offset: its type has a stream, or is one of the connection, or says a length of its own. */
const frameAt = (at: number): Test =>
  all(
    byteIs(at, 0),
    any(
      all(text(at + 3, '\x00', '\x01', '\x02', '\x03', '\x09'), idIn(at, 1, MAX_PLAIN_ID)),
      all(text(at + 3, '\x04', '\x06', '\x07'), idIn(at, 0, 0)),
      all(text(at, '\0\0\x04\x08\0'), idIn(at, 0, MAX_PLAIN_ID)),
    ),
  );

/** All that moved is one frame of so many bytes, or another one begins behind it. */
const endsAt = (bytes: number): Test =>
  any({ kind: 'cmp', op: 'eq', left: { length: true }, right: bytes }, frameAt(bytes));

/** The first frame of a server: SETTINGS, of a length that settings have, and a first one that exists. */
const serverSettings: Test = any(
  ...Array.from({ length: MAX_SETTINGS }, (_, index) => {
    const length = 6 * (index + 1);
    return all(
      text(0, `\0\0${String.fromCharCode(length)}\x04\0\0\0\0\0`),
      byteIs(FRAME_HEADER_BYTES, 0),
      byteIn(FRAME_HEADER_BYTES + 1, 1, LAST_SETTING),
      endsAt(FRAME_HEADER_BYTES + length),
    );
  }),
);

/** Who moves fewer bytes at once may read a frame bit by bit. */
const FEW_BYTES = 64;

/**
 * A HEADERS frame that lies wholly in what moved, with the whole header block, whose first field is one of `first`. Pseudo-fields come first, and most are those of the static table (RFC 7541, Appendix A).
 */
const headers = (first: (at: number) => Test): Test =>
  all(
    byteIs(0, 0),
    byteIs(3, 1),
    { kind: 'cmp', op: 'ge', left: { at: 1, width: 2 }, right: 1 },
    { kind: 'cmp', op: 'le', left: { at: 1, width: 2 }, right: DEFAULT_MAX_FRAME_BYTES },
    any(
      {
        kind: 'cmp',
        op: 'le',
        left: { at: 1, width: 2, plus: FRAME_HEADER_BYTES },
        right: { length: true },
      },
      { kind: 'cmp', op: 'lt', left: { length: true }, right: FEW_BYTES },
    ),
    clientStream,
    // padding and priority stand before the block
    any(
      all(text(4, '\x04', '\x05'), first(9)),
      all(text(4, '\x0c', '\x0d'), first(10)),
      all(text(4, '\x24', '\x25'), first(14)),
      all(text(4, '\x2c', '\x2d'), first(15)),
    ),
  );

/** `:method`, `:scheme` or `:path`, indexed, or `:authority` to `:scheme` with a value of its own. */
const requestField = (at: number): Test =>
  any(
    byteIn(at, 0x82, 0x87),
    byteIn(at, 0x41, 0x47),
    byteIn(at, 0x01, 0x07),
    byteIn(at, 0x11, 0x17),
  );

/** Two pseudo-fields, the first wholly in the static table: a method or a scheme, most often. */
const requestFields = (at: number): Test =>
  all(byteIn(at, 0x82, 0x87), any(requestField(at + 1), byteIn(at + 1, 0xbe, 0xff)));

/** `:status`, indexed or with a value of its own. */
const responseField = (at: number): Test =>
  any(byteIn(at, 0x88, 0x8e), text(at, '\x48', '\x08', '\x18'));

/** A field of the dynamic table, or a change of its size. */
const otherField = (at: number): Test => any(byteIn(at, 0xbe, 0xff), byteIn(at, 0x20, 0x3f));

/** A DATA frame that is all that moved. */
const data: Test = all(
  byteIs(0, 0),
  text(3, '\0\0', '\0\x01', '\0\x08', '\0\x09'),
  clientStream,
  { kind: 'cmp', op: 'le', left: { at: 1, width: 2 }, right: DEFAULT_MAX_FRAME_BYTES },
  {
    kind: 'cmp',
    op: 'eq',
    left: { at: 1, width: 2, plus: FRAME_HEADER_BYTES },
    right: { length: true },
  },
);

const ping: Test = all(
  text(0, '\0\0\x08\x06\0\0\0\0\0', '\0\0\x08\x06\x01\0\0\0\0'),
  endsAt(FRAME_HEADER_BYTES + 8),
);

const settingsAck: Test = all(text(0, '\0\0\0\x04\x01\0\0\0\0'), endsAt(FRAME_HEADER_BYTES));

const windowUpdate: Test = all(
  text(0, '\0\0\x04\x08\0'),
  idIn(0, 0, MAX_PLAIN_ID),
  { kind: 'cmp', op: 'ge', left: { at: 9, width: 4 }, right: 1 },
  { kind: 'cmp', op: 'le', left: { at: 9, width: 4 }, right: 0x7fffffff },
  endsAt(FRAME_HEADER_BYTES + 4),
);

const reset: Test = all(
  text(0, '\0\0\x04\x03\0'),
  clientStream,
  idIn(0, 1, MAX_PLAIN_ID),
  { kind: 'cmp', op: 'le', left: { at: 9, width: 4 }, right: LAST_ERROR_CODE },
  endsAt(FRAME_HEADER_BYTES + 4),
);

/**
 * How HTTP/2 is recognized: by its preface, or, in the middle of a connection, by frames, which must be likely in every
 * part: length, type, flags and stream. What looks the same from both sides says nothing of who asks.
 */
export const http2Rules: readonly InferenceRule[] = [
  { says: 'request', when: text(0, PREFACE) },
  { says: 'request', when: headers(requestFields) },
  { says: 'response', when: serverSettings, strength: 'likely' },
  { says: 'request', when: headers(requestField), strength: 'likely' },
  { says: 'response', when: headers(responseField), strength: 'likely' },
  {
    says: 'either',
    when: any(headers(otherField), data, ping, settingsAck, windowUpdate, reset),
    strength: 'likely',
  },
];
