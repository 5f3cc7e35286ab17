// SPDX-License-Identifier: Apache-2.0
import type { ByteView } from '@libtrace/core/plugin';

/** Bytes of a packet header: a 3-byte little-endian length and a sequence number. */
export const HEADER_BYTES = 4;
/** A packet of this length is continued by the next one ("Sending More Than 16Mb"). */
export const MAX_PAYLOAD = 0xffffff;

/** Length of the payload of the packet whose header stands at `at`, or -1 when the view does not hold it. */
export function payloadLength(view: ByteView, at = 0): number {
  return at + 3 <= view.available
    ? view.u8(at) | (view.u8(at + 1) << 8) | (view.u8(at + 2) << 16)
    : -1;
}

/**
 * Reads the fields of one packet ("Basic Data Types" of the protocol's documentation). Never reads behind the packet or
 * behind what was captured: then it answers -1 or `''` and {@link cut} is true.
 */
export class PacketCursor {
  #view: ByteView;
  #at: number;
  #end: number;
  /** The packet goes on behind what was captured. */
  readonly isPartial: boolean;
  /** Something was read that is not there. */
  cut = false;

  /** @param at of the first byte of the payload. @param end behind its last one; cut to what was captured. */
  constructor(view: ByteView, at: number, end: number) {
    this.#view = view;
    this.#at = at;
    this.#end = Math.min(end, view.available);
    this.isPartial = end > view.available;
  }

  /** Bytes that can still be read. */
  get left(): number {
    return this.#end - this.#at;
  }

  /** Offset of the next byte in the view. */
  get at(): number {
    return this.#at;
  }

  /** The next byte, without taking it; -1 at the end. */
  peek(): number {
    return this.#at < this.#end ? this.#view.u8(this.#at) : -1;
  }

  skip(bytes: number): void {
    if (bytes > this.left) {
      this.cut = true;
      this.#at = this.#end;
    } else {
      this.#at += bytes;
    }
  }

  /** Little-endian unsigned integer of `width` bytes (at most 6). */
  uint(width: number): number {
    if (this.left < width) {
      this.skip(width);
      return -1;
    }
    let value = 0;
    for (let i = width - 1; i >= 0; i--) value = value * 256 + this.#view.u8(this.#at + i);
    this.#at += width;
    return value;
  }

  /** Length-encoded integer; above 2^53 - 1 it is not exact. -1 for NULL (0xfb), 0xff, and at the end. */
  lenenc(): number {
    const first = this.uint(1);
    if (first < 0xfb) return first;
    if (first === 0xfc) return this.uint(2);
    if (first === 0xfd) return this.uint(3);
    if (first !== 0xfe) {
      this.cut ||= first === 0xff;
      return -1;
    }
    const low = this.uint(4);
    const high = this.uint(4);
    return high < 0 ? -1 : high * 2 ** 32 + low;
  }

  /** Bytes as Latin-1: one character a byte. */
  latin1(bytes: number): string {
    const from = this.#at;
    this.skip(bytes);
    return this.#view.latin1(from, this.#at);
  }

  /** Bytes as UTF-8; what is malformed becomes U+FFFD. */
  utf8(bytes: number): string {
    const from = this.#at;
    this.skip(bytes);
    return this.#view.utf8(from, this.#at);
  }

  /** UTF-8 up to a NUL, which is taken too. Without one: what is left, and {@link cut} unless it may end the packet. */
  nulString(mayEndPacket = false): string {
    const nul = this.#view.indexOf(0, this.#at, this.#end);
    if (nul < 0) {
      const rest = this.utf8(this.left);
      this.cut ||= !mayEndPacket || this.isPartial;
      return rest;
    }
    const text = this.utf8(nul - this.#at);
    this.skip(1);
    return text;
  }

  /** Length-encoded UTF-8 string. */
  lenencString(): string {
    const length = this.lenenc();
    return length < 0 ? '' : this.utf8(length);
  }
}
