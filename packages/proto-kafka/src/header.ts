// SPDX-License-Identifier: Apache-2.0
import type { ByteView } from '@libtrace/core/plugin';
import { apis, CONTROLLED_SHUTDOWN } from './apis.js';

/** Larger messages are taken for something else. A broker's default limit is 100 MiB (socket.request.max.bytes). */
export const MAX_MESSAGE = 1 << 30;
/** In front of every message. */
export const SIZE_BYTES = 4;
const NULL_LENGTH = 0xffff;
/** Newer versions than are known may come: they are tolerated this far where the place in the stream is known. */
const UNKNOWN_VERSIONS = 32;

/**
 * The head of a request, read in place; one object serves all.
 *
 * ```
 *  0         4          6          8                12          14
 *  ┌─────────┬──────────┬──────────┬────────────────┬───────────┬───────────┬─────────────────────┐
 *  │ size    │ api key  │ version  │ correlation id │ length    │ client id │ tagged fields (v2)  │ body …
 *  └─────────┴──────────┴──────────┴────────────────┴───────────┴───────────┴─────────────────────┘
 *             ◀──────────────────────────── size bytes ─────────────────────────────────────────────▶
 * ```
 */
export class RequestHeader {
  apiKey = 0;
  apiVersion = 0;
  correlationId = 0;
  clientId: string | undefined;
  /** Offset behind the client id. */
  end = 0;
  /** Bytes of the message behind `end`. */
  left = 0;
  /** Bytes from the head of the message that are needed to say more. */
  wanted = 0;

  /** `strict`: only what is known to exist, for places where a message may or may not begin. */
  read(view: ByteView, at: number, strict: boolean): 'whole' | 'more' | 'invalid' {
    if (!this.#has(view, at, SIZE_BYTES)) return 'more';
    const size = view.u32(at);
    if (size < 8 || size > MAX_MESSAGE) return 'invalid';
    if (!this.#has(view, at, 8)) return 'more';
    this.apiKey = view.u16(at + 4);
    this.apiVersion = view.u16(at + 6);
    if (!plausible(this.apiKey, this.apiVersion, strict)) return 'invalid';
    if (!this.#has(view, at, 12)) return 'more';
    this.correlationId = view.u32(at + 8) | 0;
    this.clientId = undefined;
    // The one request without a client id: header v0.
    if (this.apiKey === CONTROLLED_SHUTDOWN && this.apiVersion === 0)
      return this.#ends(at, 12, size);
    if (size < 10) return 'invalid';
    if (!this.#has(view, at, 14)) return 'more';
    const length = view.u16(at + 12);
    if (length === NULL_LENGTH) return this.#ends(at, 14, size);
    if (length > 0x7fff || length > size - 10) return 'invalid';
    const visible = Math.min(at + 14 + length, view.available);
    for (let i = at + 14; i < visible; i++) if (view.u8(i) < 0x20) return 'invalid';
    if (!this.#has(view, at, 14 + length)) return 'more';
    this.clientId = view.utf8(at + 14, at + 14 + length);
    return this.#ends(at, 14 + length, size);
  }

  #has(view: ByteView, at: number, bytes: number): boolean {
    this.wanted = bytes;
    return at + bytes <= view.available;
  }

  #ends(at: number, bytes: number, size: number): 'whole' {
    this.end = at + bytes;
    this.left = SIZE_BYTES + size - bytes;
    return 'whole';
  }
}

function plausible(key: number, version: number, strict: boolean): boolean {
  const api = apis[key];
  if (api === undefined) return !strict && key <= 0x7fff && version <= UNKNOWN_VERSIONS;
  return version <= api.maxVersion + (strict ? 0 : UNKNOWN_VERSIONS);
}
