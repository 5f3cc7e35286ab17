// SPDX-License-Identifier: Apache-2.0
import type { ByteView, ParseResult, Side } from '@libtrace/core/plugin';
import { MAX_LENGTH } from '../field-value.js';
import type { HttpRequestFrame } from '../frames.js';
import type { WebSocketFrame } from './frames.js';

type Result = ParseResult<WebSocketFrame>;

const CONTINUATION = 0x0;
const TEXT = 0x1;
const BINARY = 0x2;
const CLOSE = 0x8;
const PONG = 0xa;
const FIN = 0x80;
/** The first of the reserved bits is permessage-deflate's (RFC 7692 §6); the others are nobody's. */
const RESERVED = 0x30;
const MASK = 0x80;
/** Of control frames (RFC 6455 §5.5). */
const MAX_CONTROL_BYTES = 125;

const more: Result = { status: 'more' };

/**
 * Counts the frames of one direction (RFC 6455 §5.2). All of them together are one message, that ends with the Close
 * frame or the connection. Payloads are stepped over.
 *
 * ```
 * +-+---+-------+-+-------------+-------------------------------+
 * |F|RSV|opcode |M| length (7)  | length (16 or 64) if 126, 127 |
 * +-+---+-------+-+-------------+-------------------------------+
 * | masking key (32), if M: all that clients send               |
 * +-------------------------------------------------------------+
 * | payload                                                  ...
 * ```
 */
class FrameCounter {
  readonly #masked: boolean;
  #frames = 0;
  #messages = 0;
  #payloadBytes = 0;
  #closeCode: number | undefined;
  /** Where frames begin is no longer known. */
  lost = false;
  /** The Close frame was seen: nothing follows. */
  #closed = false;
  /** Bytes were seen. */
  began = false;

  constructor(masked: boolean) {
    this.#masked = masked;
  }

  isClosed(): boolean {
    return this.#closed;
  }

  /** Reads as many frames as there are; returns the bytes of them, which may exceed what the view has. */
  read(view: ByteView): number {
    let at = 0;
    while (!this.lost && !this.#closed && at < view.available) {
      const bytes = this.#frame(view, at);
      if (bytes === 0) break;
      if (bytes > 0) at += bytes;
      else this.lost = true;
    }
    return at;
  }

  summary(upgrade: HttpRequestFrame | undefined): WebSocketFrame {
    const known = !this.lost;
    return {
      kind: 'websocket',
      upgrade,
      frames: known ? this.#frames : undefined,
      messages: known ? this.#messages : undefined,
      payloadBytes: known ? this.#payloadBytes : undefined,
      closeCode: this.#closeCode,
    };
  }

  /** Bytes of the frame at an offset; 0 when too few are here to tell, -1 when it is none. */
  #frame(view: ByteView, at: number): number {
    const first = view.u8(at);
    const second = view.u8(at + 1);
    if (second < 0) return 0;
    const opcode = first & 0xf;
    if (!isOpcode(opcode) || (first & RESERVED) !== 0) return -1;
    if (((second & MASK) !== 0) !== this.#masked) return -1;
    let length = second & 0x7f;
    let headerBytes = 2;
    if (length === 126) {
      length = view.u16(at + 2);
      headerBytes = 4;
    } else if (length === 127) {
      const high = view.u32(at + 2);
      const low = view.u32(at + 6);
      if (low < 0) return 0;
      length = high * 2 ** 32 + low;
      headerBytes = 10;
    }
    if (length < 0) return 0;
    if (length > MAX_LENGTH) return -1;
    if (this.#masked) headerBytes += 4;
    const isControl = opcode >= CLOSE;
    if (isControl && (length > MAX_CONTROL_BYTES || (first & FIN) === 0)) return -1;
    if (opcode === CLOSE && !this.#close(view, at + headerBytes, length)) return 0;
    this.#frames++;
    if (!isControl) {
      this.#payloadBytes += length;
      if ((first & FIN) !== 0) this.#messages++;
    }
    return headerBytes + length;
  }

  /** The code in a Close frame (§5.5.1), two bytes behind the key that masks them. False: they are not here yet. */
  #close(view: ByteView, at: number, length: number): boolean {
    if (length >= 2) {
      const code = view.u16(at);
      if (code < 0 && view.hole === 0 && !view.ended) return false;
      const key = this.#masked ? view.u16(at - 4) : 0;
      if (code >= 0) this.#closeCode = code ^ key;
    }
    this.#closed = true;
    return true;
  }
}

/** Parser of a connection that became a WebSocket. */
export class WebSocketParser {
  readonly #upgrade: HttpRequestFrame | undefined;
  readonly #request = new FrameCounter(true);
  readonly #response = new FrameCounter(false);

  /** @param upgrade the request that opened it */
  constructor(upgrade: HttpRequestFrame | undefined) {
    this.#upgrade = upgrade;
  }

  parse(side: Side, view: ByteView): Result {
    const counter = this.#of(side);
    const all = view.available + view.hole;
    if (all === 0) return more;
    if (counter.isClosed()) return { status: 'skip', consumed: all };
    counter.began = true;
    const consumed = counter.read(view);
    if (counter.isClosed()) {
      return { status: 'frame', frame: counter.summary(this.#upgrade), consumed };
    }
    if (consumed > 0 && !counter.lost) return { status: 'part', consumed };
    if (view.hole === 0 && !view.ended && !counter.lost) return more;
    // a header lies in the hole: nothing tells where the next frame begins
    counter.lost = true;
    return { status: 'part', consumed: all };
  }

  /** Frames cannot be found again: what follows is not counted. */
  resync(side: Side): number {
    this.#of(side).lost = true;
    return 0;
  }

  end(side: Side): WebSocketFrame | undefined {
    const counter = this.#of(side);
    return counter.began && !counter.isClosed() ? counter.summary(this.#upgrade) : undefined;
  }

  /** The end of the connection ends what a side sends; where frames were lost, it is not known how much that was. */
  endCompletes(side: Side): boolean {
    return !this.#of(side).lost;
  }

  #of(side: Side): FrameCounter {
    return side === 'request' ? this.#request : this.#response;
  }
}

function isOpcode(opcode: number): boolean {
  return (
    opcode === CONTINUATION ||
    opcode === TEXT ||
    opcode === BINARY ||
    (opcode >= CLOSE && opcode <= PONG)
  );
}
