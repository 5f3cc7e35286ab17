// SPDX-License-Identifier: Apache-2.0
import { BoundedMap } from './bounded-map.js';
import { type FileState, type OpenedFile, sameContent } from './opened-file.js';
import type { WatchedFile } from './watched-file.js';

/** A decision is taken as it is for so long; then the file's state is compared. */
const TRUSTED_NS = 1e9;
const DECISIONS_KEPT = 16_384;

/** A file as something names it. */
export interface NamedFile {
  /** Names file and path without opening it. */
  readonly key: string;
  /** Path in the mount namespace of the process. */
  readonly path: string;
  readonly isExecutable: boolean;
  /** Its state now, without opening it; undefined when it cannot be told. When it is known already: that. */
  readonly state: FileState | (() => FileState | undefined);
  /** @throws the system's error */
  open(): OpenedFile;
}

/** What was decided about a file that had a name. */
interface Decision {
  /** When the decision was made, or found to hold still. */
  checkedNs: number;
  /** Of the file that was looked at; undefined when the decision is not for long. */
  readonly state: FileState | undefined;
  /** Undefined when no source wants it. */
  readonly file: WatchedFile | undefined;
  /** Of the file, then. */
  readonly revision: number;
}

/** What was decided about files by their names, so that a file that is mapped a thousand times is opened once. */
export class Decisions {
  readonly #decisions = new BoundedMap<string, Decision>(DECISIONS_KEPT);

  /** What was decided, if it holds still. */
  get(named: NamedFile, nowNs: number): Decision | undefined {
    const decision = this.#decisions.get(named.key);
    return decision !== undefined && stillHolds(decision, named, nowNs) ? decision : undefined;
  }

  /** `state`, `file`: as in {@link Decision}. */
  set(
    named: NamedFile,
    nowNs: number,
    state: FileState | undefined,
    file: WatchedFile | undefined,
  ): void {
    const revision = file?.revision ?? 0;
    this.#decisions.set(named.key, { checkedNs: nowNs, state, file, revision });
  }

  clear(): void {
    this.#decisions.clear();
  }
}

function stillHolds(decision: Decision, named: NamedFile, nowNs: number): boolean {
  const { file, state } = decision;
  if (file !== undefined && file.revision !== decision.revision) return false;
  const { state: currentState } = named;
  if (typeof currentState === 'function' && nowNs - decision.checkedNs < TRUSTED_NS) return true;
  const current = typeof currentState === 'function' ? currentState() : currentState;
  if (current === undefined || state === undefined || !sameContent(current, state)) return false;
  // The inode number of a file that is not held may have been given to another one.
  if (file === undefined && current.changedNs !== state.changedNs) return false;
  decision.checkedNs = nowNs;
  return true;
}
