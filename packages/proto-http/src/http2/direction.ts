// SPDX-License-Identifier: Apache-2.0
import type { Side } from '@libtrace/core/plugin';
import type { GrpcBody } from '../grpc/grpc-body.js';
import { HpackDecoder } from '../hpack/decoder.js';
import type { DataFrame } from './frames.js';
import type { HeaderBlock } from './header-block.js';

/** The messages of more gRPC bodies at once are not counted. */
const MAX_BODIES = 4096;

/** A DATA frame of a gRPC body that is being read. */
export interface DataInProgress {
  readonly frame: DataFrame;
  readonly grpc: GrpcBody;
  /** Bytes of the body in the frame that are still to come. */
  bodyLeft: number;
  /** The same, with the padding behind them. */
  left: number;
}

/** What the parser knows of one direction of a connection. */
export class Http2Direction {
  readonly side: Side;
  readonly hpack: HpackDecoder;
  /** The client's preface comes next. */
  expectsPreface: boolean;
  /** What stands at the head looked like a frame, and what follows it was not seen. */
  unproven: boolean;
  /** A header block of which more CONTINUATION frames follow. */
  block: HeaderBlock | undefined;
  data: DataInProgress | undefined;
  /** Bodies of gRPC by stream. */
  readonly bodies = new Map<number, GrpcBody>();

  constructor(side: Side, whole: boolean) {
    this.side = side;
    this.hpack = new HpackDecoder(whole);
    this.expectsPreface = whole && side === 'request';
    this.unproven = !whole;
  }

  keepBody(streamId: number, body: GrpcBody): void {
    this.bodies.set(streamId, body);
    if (this.bodies.size <= MAX_BODIES) return;
    for (const [oldest, given] of this.bodies) {
      given.lose();
      this.bodies.delete(oldest);
      return;
    }
  }

  forgetBody(streamId: number): void {
    this.bodies.delete(streamId);
  }

  /** An unknown number of bytes is missing. */
  lose(): void {
    this.hpack.lose();
    this.block = undefined;
    this.data = undefined;
    this.expectsPreface = false;
    for (const body of this.bodies.values()) body.lose();
    this.bodies.clear();
  }
}
