// SPDX-License-Identifier: Apache-2.0
import type { BinaryRef } from '../plugin/index.js';
import type { BinaryStatus, ProbeStatus } from '../tracer/types.js';
import type { OpenedFile } from './opened-file.js';
import { lacksDescriptors, remedyOf } from './failures.js';
import type { PlacedBinary } from './types.js';

/**
 * One file and one source that wants it. `unused`: no process that the source looks into has used it; `waiting`: for the
 * delay to pass; `refused`: it may not be probed; `over`: no longer known.
 */
export type PlacementState = 'unused' | 'waiting' | 'placed' | 'refused' | 'over';

/** What one source has in one file. */
export class Placement {
  readonly file: WatchedFile;
  readonly source: string;
  readonly binary: BinaryRef;
  /** Processes that use the file and that the source looks into. */
  readonly users = new Set<number>();
  state: PlacementState = 'unused';
  placed: PlacedBinary | undefined;
  /** Stays without users: the user named the file. */
  kept = false;
  /** When it is placed, if it waits. */
  dueNs = 0;
  /** When its last probe was placed. */
  placedNs = 0;
  /** Since when nothing uses it. */
  idleSinceNs: number;

  constructor(file: WatchedFile, source: string, binary: BinaryRef, nowNs: number) {
    this.file = file;
    this.source = source;
    this.binary = binary;
    this.idleSinceNs = nowNs;
  }

  get isIdle(): boolean {
    return this.users.size === 0 && !this.kept;
  }

  /** What it looks like now. */
  status(): readonly BinaryStatus[] {
    const processes = this.users.size;
    return this.placed?.status().map((status) => ({ ...withRemedy(status), processes })) ?? [];
  }
}

/** A file that at least one source wants, under whatever names it is known. */
export class WatchedFile {
  readonly identity: string;
  readonly opened: OpenedFile;
  readonly placements = new Map<string, Placement>();
  /** Rises when a placement is removed: what was decided about the file before is to be decided anew. */
  revision = 0;
  /** Not to be probed before: it was being written to. */
  readonly quietNs: number;

  constructor(identity: string, opened: OpenedFile, quietNs = 0) {
    this.identity = identity;
    this.opened = opened;
    this.quietNs = quietNs;
  }
}

/** What to do about it, where the placer did not say; also about single probes for which descriptors did not suffice. */
function withRemedy(status: BinaryStatus): BinaryStatus {
  const reason = status.reason ?? status.probes.find(isWithoutDescriptor)?.reason;
  const remedy = status.remedy ?? (reason === undefined ? undefined : remedyOf(reason));
  if (reason === undefined || remedy === undefined) return status;
  return { ...status, reason, remedy };
}

function isWithoutDescriptor({ reason }: ProbeStatus): boolean {
  return reason !== undefined && lacksDescriptors(reason);
}
