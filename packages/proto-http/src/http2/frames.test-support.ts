// SPDX-License-Identifier: Apache-2.0
// Frames of HTTP/2 for tests, written down from RFC 9113 §6.
import {
  CONTINUATION,
  DATA,
  END_HEADERS,
  END_STREAM,
  GOAWAY,
  HEADERS,
  PADDED,
  PREFACE,
  PRIORITY_FLAG,
  PUSH_PROMISE,
  RST_STREAM,
  SETTINGS,
  WINDOW_UPDATE,
} from './frame-header.js';

export const preface = Buffer.from(PREFACE, 'latin1');

/** Any frame. */
export function frame(type: number, flags: number, streamId: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(9);
  header.writeUIntBE(payload.length, 0, 3);
  header[3] = type;
  header[4] = flags;
  header.writeUInt32BE(streamId, 5);
  return Buffer.concat([header, payload]);
}

const word = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

export interface Shape {
  readonly endStream?: boolean;
  /** Bytes of padding. */
  readonly padding?: number;
  readonly priority?: boolean;
  /** Bytes of the block per frame: more than one frame when it is longer. */
  readonly split?: number;
}

/** HEADERS, with CONTINUATION when it is split. */
export function headers(streamId: number, block: readonly Buffer[], shape: Shape = {}): Buffer {
  const all = Buffer.concat(block);
  const size = shape.split ?? Math.max(1, all.length);
  const first = all.subarray(0, size);
  let flags = shape.endStream === true ? END_STREAM : 0;
  const parts: Buffer[] = [first];
  if (shape.priority === true) {
    flags |= PRIORITY_FLAG;
    parts.unshift(word(0), Buffer.from([16]));
  }
  if (shape.padding !== undefined) {
    flags |= PADDED;
    parts.unshift(Buffer.from([shape.padding]));
    parts.push(Buffer.alloc(shape.padding));
  }
  if (first.length === all.length) flags |= END_HEADERS;
  const frames = [frame(HEADERS, flags, streamId, Buffer.concat(parts))];
  for (let at = size; at < all.length; at += size) {
    const last = at + size >= all.length;
    frames.push(frame(CONTINUATION, last ? END_HEADERS : 0, streamId, all.subarray(at, at + size)));
  }
  return Buffer.concat(frames);
}

export function data(streamId: number, body: Buffer | string, shape: Shape = {}): Buffer {
  const flags = (shape.endStream === true ? END_STREAM : 0) | (shape.padding ? PADDED : 0);
  const bytes = Buffer.from(body as string);
  const payload =
    shape.padding === undefined
      ? bytes
      : Buffer.concat([Buffer.from([shape.padding]), bytes, Buffer.alloc(shape.padding)]);
  return frame(DATA, flags, streamId, payload);
}

export const settings = (...pairs: readonly (readonly [id: number, value: number])[]): Buffer =>
  frame(
    SETTINGS,
    0,
    0,
    Buffer.concat(pairs.map(([id, value]) => Buffer.concat([word(id).subarray(2), word(value)]))),
  );

export const settingsAck = frame(SETTINGS, 1, 0, Buffer.alloc(0));

export const reset = (streamId: number, code: number): Buffer =>
  frame(RST_STREAM, 0, streamId, word(code));

export const goaway = (lastStreamId: number, code: number, debug = ''): Buffer =>
  frame(GOAWAY, 0, 0, Buffer.concat([word(lastStreamId), word(code), Buffer.from(debug)]));

export const windowUpdate = (streamId: number, increment: number): Buffer =>
  frame(WINDOW_UPDATE, 0, streamId, word(increment));

export const pushPromise = (
  streamId: number,
  promisedId: number,
  block: readonly Buffer[],
): Buffer =>
  frame(PUSH_PROMISE, END_HEADERS, streamId, Buffer.concat([word(promisedId), ...block]));
