// SPDX-License-Identifier: Apache-2.0
import { BoundedMap } from './bounded-map.js';
import { type FileState, sameContent } from './opened-file.js';

/** A file that was written to is left alone until it has been quiet for so long: its writer may not be done. */
const QUIET_NS = 200e6;
const KEPT = 1_024;

/** Files from which probes were taken because somebody has changed them. */
export class SettlingFiles {
  readonly #files = new BoundedMap<
    string,
    { readonly state: FileState; readonly quietNs: number; readonly users: readonly number[] }
  >(KEPT);

  /** A file was found changed. `state`: as it is now; `users`: processes that may still map what it was. */
  changed(state: FileState, nowNs: number, users: readonly number[]): void {
    this.#files.set(keyOf(state), { state, quietNs: nowNs + QUIET_NS, users });
  }

  /** Somebody uses the file anew. @returns from when on it may be probed, and who used it before */
  again(
    state: FileState,
    nowNs: number,
  ): { readonly quietNs: number; readonly users: readonly number[] } {
    const settling = this.#files.get(keyOf(state));
    if (settling === undefined) return { quietNs: 0, users: [] };
    const isQuiet = sameContent(settling.state, state);
    const quietNs = isQuiet ? settling.quietNs : nowNs + QUIET_NS;
    this.#files.set(keyOf(state), { state, quietNs, users: [] });
    return { quietNs, users: settling.users };
  }
}

function keyOf({ device, inode }: FileState): string {
  return `${device}:${inode}`;
}
