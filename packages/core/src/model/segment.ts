// SPDX-License-Identifier: Apache-2.0
import type { Direction } from './connection.js';
import type { ProcessIdentity } from './process.js';

/** Why bytes that moved were not captured. */
export type HoleReason =
  /** More bytes than one capture holds, or than the connection's limit. */
  | 'limit'
  /** The ring buffer was full. */
  | 'loss'
  /** Moved by the kernel without passing through user memory (sendfile, splice). */
  | 'kernel-copy'
  /** Moved by a call that is not hooked (io_uring, …) or before inference named the protocol. */
  | 'unseen'
  /** User memory could not be read when the call returned. */
  | 'fault';

/**
 * Bytes that one system call (or one TLS library call) moved on one direction of one connection.
 * `data[dataStart .. dataStart+captured)` is valid only during the call that hands the segment over.
 */
export interface Segment {
  /** Read or written by the traced process. */
  readonly direction: Direction;
  /** Stream position of the first byte: bytes moved in this direction before it. */
  readonly position: number;
  /** Bytes moved. */
  readonly length: number;
  /** Bytes captured, from the first on; `length - captured` bytes at the end are a hole. */
  readonly captured: number;
  /** Memory that holds the captured bytes. */
  readonly data: Buffer;
  /** Where in it they begin. */
  readonly dataStart: number;
  /** Why the uncaptured rest is missing; undefined when `captured === length`. */
  readonly holeReason: HoleReason | undefined;
  /** Bytes that had moved in the opposite direction when this segment was captured (the causal order between the two). */
  readonly oppositePosition: number;
  /** CLOCK_MONOTONIC, nanoseconds: start of the call for bytes written, end of it for bytes read. */
  readonly startNs: number;
  /** CLOCK_MONOTONIC, nanoseconds: return of the call. */
  readonly endNs: number;
  /** Milliseconds since the connection last moved a byte in either direction, captured or lost; undefined when the source does not know. */
  readonly idleMs?: number | undefined;
  /** Thread that made the call. */
  readonly tid: number;
  /** Process that made the call. */
  readonly process: ProcessIdentity;
}
