// SPDX-License-Identifier: Apache-2.0
import type { Role } from '@libtrace/core';
import type { Sender } from '../fixture/fixture.js';

/** A place in the bytes that one side sent. */
export interface Place {
  /** Who sent them. */
  readonly from: Sender;
  /** Bytes that side sent before it. */
  readonly at: number;
}

/** Bytes that moved and were not captured. */
export interface Hole extends Place {
  /** Bytes that are lost. */
  readonly length: number;
  /** `limit`: the call is seen and its bytes are not. `loss`: the call is not seen; a later one shows the gap. */
  readonly how: 'limit' | 'loss';
}

/** Segments of random sizes. */
export interface RandomChunks {
  /** Makes the same sizes again. */
  readonly seed: number;
  /** Bytes of the longest one. */
  readonly most: number;
}

/** Where tracing of a connection begins that exists already. */
export interface LateStart {
  /** Index of the first step of which something is seen. */
  readonly step: number;
  /** Bytes of that step that are not. */
  readonly offset: number;
}

/** How a fixture is played: what the traced process is, how its bytes arrive, what is missing. */
export interface Variation {
  /** What the traced process is. Default `server`. */
  readonly role?: Role;
  /** The protocol is named by the kernel, as it does when its rules matched: no inference in user space. Default false. */
  readonly hint?: boolean;
  /** Segments end here too. */
  readonly cuts?: readonly Place[];
  /** Segments of one byte each, or of 1 to `most` bytes by a seed. */
  readonly chunks?: 'bytes' | RandomChunks;
  /** Steps that one side makes in a row become one segment. */
  readonly merge?: boolean;
  /** Bytes that are lost. Default: none. */
  readonly hole?: Hole;
  /** Tracing begins at an offset of a step: all before it is not seen, and the connection is older than the tracer. */
  readonly start?: LateStart;
  /** Milliseconds of silence before each step of the client that follows one of the server. Default 0. */
  readonly thinkMs?: number;
  /** The memory under a view is overwritten after each call of the parser. Default: after each segment. */
  readonly poisonViews?: boolean;
}

/** A variation as the code that makes it, for reports. */
export function describeVariation(variation: Variation): string {
  return JSON.stringify(variation)
    .replace(/"([a-zA-Z]+)":/g, '$1: ')
    .replace(/"/g, "'");
}
