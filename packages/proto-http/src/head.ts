// SPDX-License-Identifier: Apache-2.0
import type { ByteView, Side } from '@libtrace/core/plugin';
import { BAD_LENGTH, contentLength, finalCoding, listHas, unfold } from './field-value.js';
import type { HeaderField } from './frames.js';
import { parseGrpcMessage, parseGrpcStatus } from './grpc/status.js';
import { methodAt } from './methods.js';
import {
  COLON,
  CR,
  equalsIgnoreCase,
  HTAB,
  INVALID,
  isBlank,
  LF,
  MORE,
  SP,
  text,
  TOKEN,
} from './scan.js';
import { StartLine } from './start-line.js';

/** A head, start line included, may have this many bytes; a longer one is taken for something else. */
export const MAX_HEAD_BYTES = 65_536;
/** Allow-listed fields are collected from this many fields of a message; framing is read from all of them. */
export const MAX_FIELDS = 256;

/** What {@link HeadReader.read} found: a whole head, a head that a hole or the end cuts off, or neither. */
export type HeadOutcome = 'whole' | 'cut' | 'more' | 'invalid';

/** Strings of the message before, which the next one probably repeats. */
export interface Repeated {
  target: string | undefined;
  host: string | undefined;
  userAgent: string | undefined;
}

/** A field that is read. */
interface Field {
  /** Lower case. */
  readonly name: string;
  /** What it says to the parser; undefined when only the allow-list wants it. */
  readonly meaning: Meaning | undefined;
  readonly allowed: boolean;
}
type Meaning =
  | 'content-length'
  | 'transfer-encoding'
  | 'content-type'
  | 'connection'
  | 'upgrade'
  | 'host'
  | 'user-agent'
  | 'grpc-status'
  | 'grpc-message';

/** How far ahead the last LF is looked for. */
const SEARCH_WINDOW = 4096;

/** What the content types of gRPC begin with. */
const GRPC_TYPE = 'application/grpc';

const noFields: readonly HeaderField[] = [];
const versions = Array.from({ length: 10 }, (_, minor) => `1.${String(minor)}`);

/**
 * Reads heads (RFC 9112 §2.1): start line, fields, empty line. One pass over the bytes; strings are made only of what
 * a record shows. One object serves all connections: its fields describe the head of the last {@link read}.
 */
export class HeadReader {
  readonly #line = new StartLine();
  /** By the first byte of a field's name: the fields that matter. */
  readonly #fieldsBy: Readonly<Record<Side, readonly (readonly Field[] | undefined)[]>>;
  /** Index of the last known LF. */
  #lastLf = -1;

  /** Bytes of the head. */
  bytes = 0;
  method = '';
  target = '';
  version = '';
  statusCode = 0;
  host: string | undefined;
  userAgent: string | undefined;
  /** First protocol of an `Upgrade` field (RFC 9110 §7.8), lower case, without its version. */
  upgrade: string | undefined;
  /** -1: not stated. -2: not a number, too large, or several that differ. */
  contentLength = -1;
  /** Of the last `Transfer-Encoding` field. */
  coding: 'chunked' | 'other' | 'none' = 'none';
  /** `Connection: close` (RFC 9112 §9.6). */
  close = false;
  /** `Content-Type`, when it is one of gRPC. */
  grpcType: string | undefined;
  /** `grpc-status` and `grpc-message` of a response of gRPC-Web without a body. */
  grpcStatus: number | undefined;
  grpcMessage: string | undefined;
  headers: readonly HeaderField[] = noFields;
  #collected: HeaderField[] | undefined;
  /** After `more`: where the bytes ended. In `text` or `fields` a head need not be read again for every byte. */
  unfinished: 'line' | 'text' | 'fields' = 'line';

  /** @param allowed lower-case names of fields to collect */
  constructor(allowed: Readonly<Record<Side, readonly string[]>>) {
    this.#fieldsBy = {
      request: byFirstByte(['host', 'user-agent', 'upgrade'], allowed.request),
      response: byFirstByte(
        ['connection', 'upgrade', 'grpc-status', 'grpc-message'],
        allowed.response,
      ),
    };
  }

  /** Reads the head at the start of the view. */
  read(side: Side, view: ByteView, repeated: Repeated): HeadOutcome {
    const { buffer, start } = view;
    const end = start + Math.min(view.available, MAX_HEAD_BYTES);
    const line = this.#line;
    let at =
      side === 'request' ? line.request(buffer, start, end) : line.status(buffer, start, end);
    if (at === INVALID) return 'invalid';
    if (at === MORE) {
      this.unfinished = line.inText ? 'text' : 'line';
      return view.available >= MAX_HEAD_BYTES ? 'invalid' : 'more';
    }
    this.#forget();
    const fieldsAt = at;
    at = this.#fields(side, buffer, at, end, repeated);
    const whole = at !== MORE;
    if (!whole) {
      if (view.available >= MAX_HEAD_BYTES) return 'invalid';
      if (view.hole === 0 && !view.ended) {
        this.unfinished = 'fields';
        return 'more';
      }
    }
    // a head cut off counts as far as it goes
    this.bytes = whole ? at - start : Math.max(view.available, fieldsAt - start);
    this.version = versions[line.minor]!;
    if (side === 'request') {
      this.method = methodAt(buffer, start, line.methodEnd);
      this.target = text(buffer, line.methodEnd + 1, line.targetEnd, repeated.target);
      repeated.target = this.target;
    } else {
      this.statusCode = line.statusCode;
    }
    if (this.#collected !== undefined) this.headers = this.#collected;
    return whole ? 'whole' : 'cut';
  }

  #forget(): void {
    this.host = undefined;
    this.userAgent = undefined;
    this.upgrade = undefined;
    this.contentLength = -1;
    this.coding = 'none';
    this.close = false;
    this.grpcType = undefined;
    this.grpcStatus = undefined;
    this.grpcMessage = undefined;
    this.headers = noFields;
    this.#collected = undefined;
  }

  /** Index behind the empty line, or {@link MORE}. */
  #fields(side: Side, buffer: Buffer, from: number, end: number, repeated: Repeated): number {
    const fieldsBy = this.#fieldsBy[side];
    this.#lastLf = from - 1;
    let at = from;
    for (let count = 0; at < end; count++) {
      const first = buffer[at]!;
      if (first === LF) return at + 1;
      if (first === CR) {
        if (at + 1 === end) return MORE;
        if (buffer[at + 1] === LF) return at + 2;
      }
      const candidates = fieldsBy[first];
      at =
        candidates === undefined
          ? this.#lineEnd(buffer, at, end)
          : this.#field(candidates, buffer, at, end, repeated, count);
      if (at < 0) return MORE;
    }
    return MORE;
  }

  /**
   * Index behind the line that begins at `from`, or {@link MORE}. `Buffer.indexOf` is the fastest search there is, but
   * goes on behind `end`, through whatever else the memory holds; so the last LF before `end` is found first.
   */
  #lineEnd(buffer: Buffer, from: number, end: number): number {
    let window = from;
    while (this.#lastLf < from) {
      if (window === end) return MORE;
      window = Math.min(end, window + SEARCH_WINDOW);
      // stops at `from - 1` at the latest, where the line before ends
      this.#lastLf = buffer.lastIndexOf(LF, window - 1);
    }
    return buffer.indexOf(LF, from) + 1;
  }

  /** Looks at one field (RFC 9112 §5); index behind it, or {@link MORE}. */
  #field(
    candidates: readonly Field[],
    buffer: Buffer,
    from: number,
    end: number,
    repeated: Repeated,
    count: number,
  ): number {
    let next = this.#lineEnd(buffer, from, end);
    if (next < 0) return MORE;
    const field = match(candidates, buffer, from, next);
    if (field === undefined) return next;
    let valueFrom = from + field.name.length;
    // no white space may stand before the colon (RFC 9112 §5.1); a sender that errs still means the field
    while (buffer[valueFrom] === SP || buffer[valueFrom] === HTAB) valueFrom++;
    if (buffer[valueFrom++] !== COLON) return next;
    for (;;) {
      if (next < 0 || next >= end) return MORE;
      if (buffer[next] !== SP && buffer[next] !== HTAB) break;
      next = this.#lineEnd(buffer, next, end);
    }
    let valueTo = next;
    while (valueFrom < valueTo && isBlank(buffer[valueFrom]!)) valueFrom++;
    while (valueTo > valueFrom && isBlank(buffer[valueTo - 1]!)) valueTo--;
    this.#take(field.meaning, buffer, valueFrom, valueTo, repeated);
    if (field.allowed && count < MAX_FIELDS) {
      const value = unfold(text(buffer, valueFrom, valueTo, undefined));
      (this.#collected ??= []).push({ name: field.name, value });
    }
    return next;
  }

  #take(
    meaning: Meaning | undefined,
    buffer: Buffer,
    from: number,
    to: number,
    repeated: Repeated,
  ): void {
    switch (meaning) {
      case 'content-length': {
        const length = contentLength(buffer, from, to);
        // equal duplicates are one length, others make the message unframeable (RFC 9112 §6.3)
        if (this.contentLength === -1) this.contentLength = length;
        else if (this.contentLength !== length) this.contentLength = BAD_LENGTH;
        break;
      }
      case 'transfer-encoding': {
        const coding = finalCoding(buffer, from, to);
        if (coding !== 'none') this.coding = coding;
        break;
      }
      case 'content-type':
        if (to - from >= GRPC_TYPE.length && equalsIgnoreCase(buffer, from, GRPC_TYPE)) {
          this.grpcType ??= buffer.toString('latin1', from, to);
        }
        break;
      case 'grpc-status':
        this.grpcStatus ??= parseGrpcStatus(buffer.toString('latin1', from, to));
        break;
      case 'grpc-message':
        this.grpcMessage ??= parseGrpcMessage(buffer.toString('latin1', from, to));
        break;
      case 'connection':
        if (listHas(buffer, from, to, 'close')) this.close = true;
        break;
      case 'upgrade':
        this.upgrade ??= protocolName(buffer.toString('latin1', from, to));
        break;
      case 'host':
        this.host ??= text(buffer, from, to, repeated.host);
        repeated.host = this.host;
        break;
      case 'user-agent':
        this.userAgent ??= unfold(text(buffer, from, to, repeated.userAgent));
        repeated.userAgent = this.userAgent;
        break;
      case undefined:
    }
  }
}

/** The field whose name begins the line, if it is one of the candidates. */
function match(
  candidates: readonly Field[],
  buffer: Buffer,
  from: number,
  lineEnd: number,
): Field | undefined {
  for (let i = 0; i < candidates.length; i++) {
    const field = candidates[i]!;
    const end = from + field.name.length;
    if (end >= lineEnd || TOKEN[buffer[end]!] === 1) continue;
    if (equalsIgnoreCase(buffer, from, field.name)) return field;
  }
  return undefined;
}

function byFirstByte(
  more: readonly Meaning[],
  allowed: readonly string[],
): (readonly Field[] | undefined)[] {
  const table: (Field[] | undefined)[] = Array.from({ length: 256 }, () => undefined);
  const meanings: readonly Meaning[] = [
    ...(['content-length', 'transfer-encoding', 'content-type'] as const),
    ...more,
  ];
  for (const name of new Set([...meanings, ...allowed])) {
    const meaning = meanings.find((one) => one === name);
    const field: Field = { name, meaning, allowed: allowed.includes(name) };
    const [lower, upper] = [name.charCodeAt(0), name.toUpperCase().charCodeAt(0)];
    for (const byte of new Set([lower, upper])) (table[byte & 0xff] ??= []).push(field);
  }
  return table;
}

function protocolName(value: string): string | undefined {
  const name = /^[\s,]*([^\s,/]+)/.exec(value)?.[1];
  return name?.toLowerCase();
}
