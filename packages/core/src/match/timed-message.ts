// SPDX-License-Identifier: Apache-2.0
import type { Message, ProcessIdentity } from '../plugin/index.js';

/** A message with what only core needs: where it lies in its stream, who moved it, and what came before it. */
export class TimedMessage implements Message<unknown> {
  readonly frame: unknown;
  startNs: number;
  endNs: number;
  readonly bytes: number;
  readonly holeBytes: number;
  readonly truncated: boolean;
  /** Stream position of its first byte. */
  readonly start: number;
  /** Stream position behind its last byte. */
  readonly end: number;
  /** Bytes that had moved in the opposite direction when its first segment was captured; -1 when not known. */
  readonly opposite: number;
  /** Who moved its first byte. */
  readonly process: ProcessIdentity;
  readonly tid: number;
  /** Set by in-order matching: requests may have been lost right before this one. */
  afterGap = false;

  constructor(
    frame: unknown,
    startNs: number,
    endNs: number,
    start: number,
    end: number,
    holeBytes: number,
    truncated: boolean,
    opposite: number,
    process: ProcessIdentity,
    tid: number,
  ) {
    this.frame = frame;
    this.startNs = startNs;
    this.endNs = endNs;
    this.bytes = end - start;
    this.holeBytes = holeBytes;
    this.truncated = truncated;
    this.start = start;
    this.end = end;
    this.opposite = opposite;
    this.process = process;
    this.tid = tid;
  }
}
