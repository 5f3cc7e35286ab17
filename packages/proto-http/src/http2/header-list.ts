// SPDX-License-Identifier: Apache-2.0
import type { Side } from '@libtrace/core/plugin';
import type { HeaderField } from '../frames.js';
import { parseGrpcMessage, parseGrpcStatus } from '../grpc/status.js';
import { MAX_FIELDS } from '../head.js';
import type { FieldSink } from '../hpack/decoder.js';

/** Names and values of one block beyond this are not kept (they are still decoded, for the table). */
export const MAX_LIST_BYTES = 65_536;
/** Values of so many bytes are decoded once, the last few of them. */
const LONG_VALUE = 256;
const MAX_DECODED = 32;

/** What records want to know of a block of fields: of a head, or of trailers (RFC 9113 §8). Absent fields are undefined. */
export interface HeaderList {
  /** `:method` */
  readonly method: string | undefined;
  /** `:path`. Holds secrets: not for display. */
  readonly path: string | undefined;
  /** `:scheme` */
  readonly scheme: string | undefined;
  /** `:authority` */
  readonly authority: string | undefined;
  /** `:protocol`, of an extended CONNECT (RFC 8441 §4). */
  readonly protocol: string | undefined;
  /** `:status` */
  readonly status: number | undefined;
  /** `host`, which requests taken over from HTTP/1 may have in place of `:authority`. */
  readonly host: string | undefined;
  /** `user-agent` */
  readonly userAgent: string | undefined;
  /** `content-type` */
  readonly contentType: string | undefined;
  /** `grpc-status` */
  readonly grpcStatus: number | undefined;
  /** `grpc-message`, decoded. */
  readonly grpcMessage: string | undefined;
  /** Allow-listed fields, in order. */
  readonly headers: readonly HeaderField[];
  /** Fields that stand in the table of a connection that was joined late, or lost bytes: inserted unseen. */
  readonly unknown: number;
  /** Bytes of names and values that were looked at: what keeping the list costs, at most. */
  readonly bytes: number;
  /** Fields behind a hole, or in a block that is malformed or too long, were not read. */
  readonly cut: boolean;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

const noFields: readonly HeaderField[] = [];

const meanings: readonly string[] = [
  ...[':method', ':path', ':scheme', ':authority', ':protocol', ':status'],
  ...['host', 'user-agent', 'content-type', 'grpc-status', 'grpc-message'],
];

/** Collects the fields of blocks, one block after the other. One object serves all connections. */
export class HeaderCollector implements FieldSink {
  readonly #wanted: Readonly<Record<Side, ReadonlySet<string>>>;
  readonly #allowed: Readonly<Record<Side, ReadonlySet<string>>>;
  #side: Side = 'request';
  #list: Mutable<HeaderList> = emptyList();
  #fields: HeaderField[] = [];
  #bytes = 0;
  /** Long values that were decoded last: thousands of streams may refer to one entry of a table, and then share it. */
  readonly #decoded = new Map<string, string>();

  /** @param allowed lower-case names of fields to collect */
  constructor(allowed: Readonly<Record<Side, readonly string[]>>) {
    this.#wanted = {
      request: new Set([...meanings, ...allowed.request]),
      response: new Set([...meanings, ...allowed.response]),
    };
    this.#allowed = { request: new Set(allowed.request), response: new Set(allowed.response) };
  }

  /** Begins a block of a message of this side. */
  begin(side: Side): void {
    this.#side = side;
    this.#list = emptyList();
    this.#fields = [];
    this.#bytes = 0;
  }

  /** What the block said. */
  finish(cut: boolean): HeaderList {
    const list = this.#list;
    if (this.#fields.length > 0) list.headers = this.#fields;
    if (cut) list.cut = true;
    list.bytes = Math.min(this.#bytes, MAX_LIST_BYTES);
    return list;
  }

  wants(name: string): boolean {
    return this.#wanted[this.#side].has(name);
  }

  unknown(): void {
    this.#list.unknown++;
  }

  field(name: string, value: string): void {
    this.#bytes += name.length + value.length;
    if (this.#bytes > MAX_LIST_BYTES) {
      this.#list.cut = true;
      return;
    }
    this.#take(name, value);
    if (this.#allowed[this.#side].has(name) && this.#fields.length < MAX_FIELDS) {
      this.#fields.push({ name, value: this.#text(value) });
    }
  }

  #text(value: string): string {
    if (value.length < LONG_VALUE) return decoded(value);
    let text = this.#decoded.get(value);
    if (text === undefined) {
      if (this.#decoded.size >= MAX_DECODED) this.#decoded.clear();
      text = decoded(value);
      this.#decoded.set(value, text);
    }
    return text;
  }

  #take(name: string, value: string): void {
    const list = this.#list;
    switch (name) {
      case ':method':
        list.method ??= this.#text(value);
        break;
      case ':path':
        list.path ??= this.#text(value);
        break;
      case ':scheme':
        list.scheme ??= this.#text(value);
        break;
      case ':authority':
        list.authority ??= this.#text(value);
        break;
      case ':protocol':
        list.protocol ??= this.#text(value);
        break;
      case ':status':
        list.status ??= statusCode(value);
        break;
      case 'host':
        list.host ??= this.#text(value);
        break;
      case 'user-agent':
        list.userAgent ??= this.#text(value);
        break;
      case 'content-type':
        list.contentType ??= this.#text(value);
        break;
      case 'grpc-status':
        list.grpcStatus ??= parseGrpcStatus(value);
        break;
      case 'grpc-message':
        list.grpcMessage ??= parseGrpcMessage(value);
        break;
    }
  }
}

/** A list of which nothing could be read. */
export function unreadList(): HeaderList {
  return { ...emptyList(), cut: true };
}

function emptyList(): Mutable<HeaderList> {
  return {
    method: undefined,
    path: undefined,
    scheme: undefined,
    authority: undefined,
    protocol: undefined,
    status: undefined,
    host: undefined,
    userAgent: undefined,
    contentType: undefined,
    grpcStatus: undefined,
    grpcMessage: undefined,
    headers: noFields,
    unknown: 0,
    bytes: 0,
    cut: false,
  };
}

/** Three digits (RFC 9110 §15). */
function statusCode(value: string): number | undefined {
  return /^[1-9]\d\d$/.test(value) ? Number(value) : undefined;
}

/** UTF-8, which for ASCII is what was sent; the decoder's strings have a character for each byte. */
function decoded(value: string): string {
  for (let i = 0; i < value.length; i++) {
    if (value.charCodeAt(i) >= 0x80) return Buffer.from(value, 'latin1').toString('utf8');
  }
  return value;
}
