// SPDX-License-Identifier: Apache-2.0
import type { ByteView, Side } from '@libtrace/core/plugin';

/** What a client sends before its first frame (RFC 9113 §3.4). */
export const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';

export const FRAME_HEADER_BYTES = 9;

export const DATA = 0x0;
export const HEADERS = 0x1;
export const PRIORITY = 0x2;
export const RST_STREAM = 0x3;
export const SETTINGS = 0x4;
export const PUSH_PROMISE = 0x5;
export const PING = 0x6;
export const GOAWAY = 0x7;
export const WINDOW_UPDATE = 0x8;
export const CONTINUATION = 0x9;

/** Of DATA and HEADERS. */
export const END_STREAM = 0x1;
/** Of SETTINGS and PING. */
export const ACK = 0x1;
/** Of HEADERS, PUSH_PROMISE and CONTINUATION. */
export const END_HEADERS = 0x4;
/** Of DATA, HEADERS and PUSH_PROMISE. */
export const PADDED = 0x8;
/** Of HEADERS: 5 bytes of RFC 7540's priorities stand before the header block. */
export const PRIORITY_FLAG = 0x20;

/** Where a stream is looked for whose place is not known, frames are taken to be no larger: the default of RFC 9113 §6.5.2. */
export const DEFAULT_MAX_FRAME_BYTES = 16_384;
/** A stream identifier above this is taken for text, or other bytes that are no frame. */
const MAX_LIKELY_STREAM = 0x0fffffff;

/** Flags that a type defines, by type (RFC 9113 §6). */
const legalFlags: readonly number[] = [
  END_STREAM | PADDED,
  END_STREAM | END_HEADERS | PADDED | PRIORITY_FLAG,
  0,
  0,
  ACK,
  END_HEADERS | PADDED,
  ACK,
  0,
  0,
  END_HEADERS,
];

/**
 * The header of a frame (RFC 9113 §4.1). One object is read into again and again.
 *
 * ```
 * +-----------------------------------------------+
 * |                 length (24)                   |
 * +---------------+---------------+---------------+
 * |   type (8)    |   flags (8)   |
 * +-+-------------+---------------+-------------------------------+
 * |R|                 stream identifier (31)                      |
 * +=+=============================================================+
 * |                   payload, length bytes                    ...
 * ```
 */
export class FrameHeader {
  length = 0;
  type = 0;
  flags = 0;
  streamId = 0;
  /** The bit that must be 0 was 1. */
  reserved = false;

  /** False when the view has no whole header at the offset. */
  read(view: ByteView, at: number): boolean {
    if (at < 0 || at + FRAME_HEADER_BYTES > view.available) return false;
    const { buffer } = view;
    const from = view.start + at;
    this.length = (buffer[from]! << 16) | (buffer[from + 1]! << 8) | buffer[from + 2]!;
    this.type = buffer[from + 3]!;
    this.flags = buffer[from + 4]!;
    const word = buffer.readUInt32BE(from + 5);
    this.streamId = word & 0x7fffffff;
    this.reserved = word > 0x7fffffff;
    return true;
  }

  /** Header and payload. */
  get bytes(): number {
    return FRAME_HEADER_BYTES + this.length;
  }

  /** Why a reader that follows the protocol would refuse this frame; undefined when it would not (RFC 9113 §6). */
  flaw(): string | undefined {
    const { type, length, streamId } = this;
    switch (type) {
      case DATA:
      case HEADERS:
      case CONTINUATION:
        return streamId === 0 ? 'a frame of a stream without a stream' : undefined;
      case PUSH_PROMISE:
        return streamId === 0 || length < 4 ? 'a PUSH_PROMISE without a stream' : undefined;
      case PRIORITY:
        return streamId === 0 || length !== 5 ? 'a malformed PRIORITY' : undefined;
      case RST_STREAM:
        return streamId === 0 || length !== 4 ? 'a malformed RST_STREAM' : undefined;
      case SETTINGS:
        return streamId !== 0 || length % 6 !== 0 || (this.has(ACK) && length !== 0)
          ? 'a malformed SETTINGS'
          : undefined;
      case PING:
        return streamId !== 0 || length !== 8 ? 'a malformed PING' : undefined;
      case GOAWAY:
        return streamId !== 0 || length < 8 ? 'a malformed GOAWAY' : undefined;
      case WINDOW_UPDATE:
        return length !== 4 ? 'a malformed WINDOW_UPDATE' : undefined;
      default:
        // frames of unknown types are ignored (RFC 9113 §5.5)
        return undefined;
    }
  }

  /**
   * Whether bytes whose place in the stream is not known look like a frame that this side sends: stricter than
   * {@link flaw}, as a sender is stricter than what a receiver must take.
   */
  isLikely(side: Side): boolean {
    const { type, flags, length, streamId } = this;
    if (type > CONTINUATION || this.reserved || (flags & ~legalFlags[type]!) !== 0) return false;
    if (length > DEFAULT_MAX_FRAME_BYTES || streamId > MAX_LIKELY_STREAM) return false;
    if (this.flaw() !== undefined) return false;
    switch (type) {
      case PUSH_PROMISE:
        return side === 'response' && streamId % 2 === 1;
      case HEADERS:
        return length > 0 && (streamId % 2 === 1 || side === 'response');
      case DATA:
        // nobody sends a frame that says nothing
        if (length === 0 && !this.has(END_STREAM)) return false;
        return streamId % 2 === 1 || side === 'response';
      case CONTINUATION:
        return streamId % 2 === 1 || side === 'response';
      default:
        return true;
    }
  }

  has(flag: number): boolean {
    return (this.flags & flag) !== 0;
  }
}
