// SPDX-License-Identifier: Apache-2.0
import { crc32 } from 'node:zlib';
import { checksumBytes, frameHeadBytes } from './format.js';

/** Frames are collected in pieces of this size. */
const chunkBytes = 256 * 1024;

/** Lays frames out one behind the other and hands them on in large pieces. */
export class FrameEncoder {
  readonly #onChunk: (chunk: Buffer) => void;
  #buffer = Buffer.allocUnsafe(chunkBytes);
  #view = viewOf(this.#buffer);
  /** Where the next piece to hand on begins. */
  #flushed = 0;
  /** Where the frame in progress begins. */
  #start = 0;
  #at = 0;

  /** `onChunk` gets memory that is not written to again. */
  constructor(onChunk: (chunk: Buffer) => void) {
    this.#onChunk = onChunk;
  }

  /** Begins a frame of a type with a payload of exactly `payloadBytes`. */
  begin(type: number, payloadBytes: number): void {
    const bytes = frameHeadBytes + payloadBytes + checksumBytes;
    if (this.#at + bytes > this.#buffer.length) {
      this.flush();
      this.#buffer = Buffer.allocUnsafe(Math.max(chunkBytes, bytes));
      this.#view = viewOf(this.#buffer);
      this.#at = this.#flushed = 0;
    }
    this.#start = this.#at;
    this.u32(payloadBytes);
    this.u8(type);
  }

  u8(value: number): void {
    this.#buffer[this.#at++] = value;
  }

  u16(value: number): void {
    this.#view.setUint16(this.#at, value, true);
    this.#at += 2;
  }

  u32(value: number): void {
    this.#view.setUint32(this.#at, value, true);
    this.#at += 4;
  }

  /** A safe integer, as 64 bits with sign. */
  i64(value: number): void {
    this.#view.setUint32(this.#at, value % 2 ** 32, true);
    this.#view.setInt32(this.#at + 4, Math.floor(value / 2 ** 32), true);
    this.#at += 8;
  }

  /** Bytes as they are. */
  bytes(source: Buffer, from = 0, to = source.length): void {
    source.copy(this.#buffer, this.#at, from, to);
    this.#at += to - from;
  }

  /** Ends the frame; returns its size. */
  end(): number {
    const sum = crc32(this.#buffer.subarray(this.#start, this.#at));
    this.u32(sum);
    return this.#at - this.#start;
  }

  /** Hands on every frame that was ended. */
  flush(): void {
    if (this.#at === this.#flushed) return;
    this.#onChunk(this.#buffer.subarray(this.#flushed, this.#at));
    this.#flushed = this.#at;
  }
}

function viewOf(buffer: Buffer): DataView {
  return new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}
