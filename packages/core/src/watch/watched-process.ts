// SPDX-License-Identifier: Apache-2.0
import type { Placement } from './watched-file.js';

/** A traced process. */
export class WatchedProcess {
  readonly pid: number;
  /** The process that it was forked from; 0 when unknown. */
  readonly parent: number;
  /** Sources that look into it. */
  sources: ReadonlySet<string>;
  /** What it uses, and until when that is only expected: 0 when its maps have shown it. */
  readonly uses = new Map<Placement, number>();
  /** How often it was looked at, and the look that found what it uses. */
  looks = 0;
  readonly foundBy = new Map<Placement, number>();
  /** When its maps were read. */
  scannedNs = -Infinity;

  constructor(pid: number, parent: number, sources: ReadonlySet<string>) {
    this.pid = pid;
    this.parent = parent;
    this.sources = sources;
  }
}
