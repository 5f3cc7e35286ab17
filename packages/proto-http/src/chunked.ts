// SPDX-License-Identifier: Apache-2.0
import type { ByteView } from '@libtrace/core/plugin';
import { MAX_LENGTH } from './field-value.js';
import type { GrpcBody } from './grpc/grpc-body.js';
import { CR, HEX, HTAB, LF, lineEnd, SEMICOLON, SP } from './scan.js';

/** A chunk-size line with its extensions may have this many bytes. */
export const MAX_CHUNK_LINE_BYTES = 4096;
/** The trailer section may have this many bytes. */
export const MAX_TRAILER_BYTES = 65_536;

/** What {@link ChunkedBody.read} did. */
export type ChunkedOutcome =
  /** The body goes on. */
  | 'part'
  /** The last byte of the trailer section was read. */
  | 'done'
  /** Bytes that say where the next chunk begins lie in a hole. */
  | 'lost'
  | 'malformed';

type Expected = 'size' | 'data' | 'data-end' | 'trailer';

/** What a message still has to send when nothing but its end is missing. */
const ending: Readonly<Record<Expected, string>> = {
  size: '0\r\n\r\n',
  data: '',
  'data-end': '\r\n0\r\n\r\n',
  trailer: '\r\n',
};

/**
 * A body in chunks (RFC 9112 §7.1), read piece by piece. The data of chunks is stepped over, holes in it too.
 *
 * ```
 * chunk-size [; ext] CRLF  data CRLF   …   0 [; ext] CRLF  *( trailer field CRLF )  CRLF
 * ```
 */
export class ChunkedBody {
  readonly #messages: GrpcBody | undefined;
  #expected: Expected = 'size';
  /** Bytes that are left of a chunk's data, when they are looked at. */
  #left = 0;
  #trailerBytes = 0;
  /** Bytes behind the consumed ones that hold no line end. */
  #searched = 0;

  /** Bytes that the last {@link read} used, which may exceed what the view has. */
  consumed = 0;
  /** Data of the chunks whose size was read. */
  bodyBytes = 0;
  /** Sizes, extensions, line ends and trailers that were read. */
  overheadBytes = 0;

  /** @param messages looks at the data of chunks */
  constructor(messages?: GrpcBody) {
    this.#messages = messages;
  }

  /** Reads on from offset `from` of the view. `part` with nothing {@link consumed} means: more bytes are needed. */
  read(view: ByteView, from: number): ChunkedOutcome {
    const { buffer, start, available } = view;
    const end = start + available;
    const first = start + from;
    let at = first;
    for (;;) {
      this.consumed = at - start;
      const searchFrom = at + this.#searched;
      this.#searched = 0;
      switch (this.#expected) {
        case 'size': {
          if (at < end && HEX[buffer[at]!] === 255) return this.#malformed(at, start);
          const next = lineEnd(buffer, searchFrom, Math.min(end, at + MAX_CHUNK_LINE_BYTES));
          if (next < 0) {
            if (end - at >= MAX_CHUNK_LINE_BYTES) return this.#malformed(at, start);
            return this.#wait(view, at);
          }
          const size = chunkSize(buffer, at, next);
          if (size < 0) return this.#malformed(at, start);
          this.overheadBytes += next - at;
          at = next;
          if (size === 0) {
            this.#expected = 'trailer';
            break;
          }
          this.bodyBytes += size;
          if (this.#messages !== undefined) {
            this.#left = size;
            this.#expected = 'data';
            break;
          }
          this.#expected = 'data-end';
          if (size <= end - at) {
            at += size;
            break;
          }
          this.consumed = at - start + size;
          return this.#behindData(view);
        }
        case 'data': {
          const seen = Math.min(this.#left, end - at);
          this.#messages!.read(buffer, at, at + seen);
          at += seen;
          this.#left -= seen;
          if (this.#left > 0) return this.#dataBehind(view, at);
          this.#expected = 'data-end';
          break;
        }
        case 'data-end': {
          if (at === end || (buffer[at] === CR && at + 1 === end)) return this.#wait(view, at);
          const length = buffer[at] === LF ? 1 : 2;
          if (length === 2 && (buffer[at] !== CR || buffer[at + 1] !== LF)) {
            return this.#malformed(at, start);
          }
          at += length;
          this.overheadBytes += length;
          this.#expected = 'size';
          break;
        }
        case 'trailer': {
          const next = lineEnd(buffer, searchFrom, end);
          if (this.#trailerBytes + (next < 0 ? end : next) - at > MAX_TRAILER_BYTES) {
            return this.#malformed(at, start);
          }
          if (next < 0) return this.#wait(view, at);
          const length = next - at;
          this.overheadBytes += length;
          this.#trailerBytes += length;
          const empty = length === 1 || (length === 2 && buffer[at] === CR);
          at = next;
          if (!empty) break;
          this.consumed = at - start;
          return 'done';
        }
      }
    }
  }

  /** The line at `at` is unfinished. */
  #wait(view: ByteView, at: number): ChunkedOutcome {
    const rest = view.start + view.available - at;
    if (view.hole === 0) {
      this.#searched = rest;
      return 'part';
    }
    this.consumed = view.available + view.hole;
    return this.#fromHole(rest + view.hole, view.buffer.toString('latin1', at, at + rest));
  }

  /** A chunk whose data is looked at goes on behind the view. */
  #dataBehind(view: ByteView, at: number): ChunkedOutcome {
    const hidden = Math.min(this.#left, view.hole);
    this.#messages!.skip(hidden);
    this.#left -= hidden;
    this.consumed = at - view.start + hidden;
    if (this.#left > 0) return 'part';
    this.#expected = 'data-end';
    return this.#behindData(view);
  }

  /** A chunk goes on behind the view. When its end lies in the hole there, the hole's size may tell what else does. */
  #behindData(view: ByteView): ChunkedOutcome {
    const hidden = view.available + view.hole - this.consumed;
    if (view.hole === 0 || hidden <= 0) return 'part';
    this.consumed += hidden;
    return this.#fromHole(hidden, '');
  }

  /**
   * `count` bytes of framing, of which only `seen` were captured. A chunk that was written with its line end, or with
   * the end of the body, leaves a hole of exactly their size behind the data.
   */
  #fromHole(count: number, seen: string): ChunkedOutcome {
    const rest = ending[this.#expected];
    if (count === rest.length && rest.startsWith(seen)) {
      this.overheadBytes += count;
      return 'done';
    }
    if (this.#expected === 'data-end' && count === 2) {
      this.overheadBytes += count;
      this.#expected = 'size';
      return 'part';
    }
    return 'lost';
  }

  #malformed(at: number, start: number): ChunkedOutcome {
    // at least one byte, so that there is progress
    this.consumed = at - start + 1;
    return 'malformed';
  }
}

/** The number that a chunk-size line begins with, or -1. */
function chunkSize(buffer: Buffer, from: number, to: number): number {
  let at = from;
  let size = 0;
  for (; HEX[buffer[at]!] !== 255; at++) {
    size = size * 16 + HEX[buffer[at]!]!;
    if (size > MAX_LENGTH) return -1;
  }
  if (at === from) return -1;
  while (buffer[at] === SP || buffer[at] === HTAB) at++;
  if (buffer[at] === SEMICOLON || buffer[at] === LF) return size;
  return buffer[at] === CR && at + 2 === to ? size : -1;
}
