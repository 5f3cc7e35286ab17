// SPDX-License-Identifier: Apache-2.0
import type { Direction, HoleReason, ProcessIdentity, Segment } from '../plugin/index.js';

/** What one kept segment costs beside its bytes. */
const overheadBytes = 256;

/** A copy of a segment that may be kept. */
export class OwnedSegment implements Segment {
  readonly direction: Direction;
  readonly position: number;
  length: number;
  readonly captured: number;
  readonly data: Buffer;
  readonly dataStart = 0;
  holeReason: HoleReason | undefined;
  readonly oppositePosition: number;
  readonly startNs: number;
  readonly endNs: number;
  readonly tid: number;
  readonly process: ProcessIdentity;

  /** @param captured how many of the captured bytes to copy; the rest becomes part of the hole at its end. */
  constructor(segment: Segment, captured = segment.captured) {
    this.direction = segment.direction;
    this.position = segment.position;
    this.length = segment.length;
    this.captured = captured;
    this.data = Buffer.from(segment.data.subarray(segment.dataStart, segment.dataStart + captured));
    this.holeReason = captured < segment.length ? (segment.holeReason ?? 'limit') : undefined;
    this.oppositePosition = segment.oppositePosition;
    this.startNs = segment.startNs;
    this.endNs = segment.endNs;
    this.tid = segment.tid;
    this.process = segment.process;
  }

  /** Bytes to charge against the caps while it is kept. */
  get cost(): number {
    return this.captured + overheadBytes;
  }

  /** Takes the bytes up to a position into the hole at its end. */
  extendHole(end: number): void {
    this.length = end - this.position;
    this.holeReason ??= 'limit';
  }
}
