// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Directories looked at in one search, so that a machine with very many cgroups does not stall the tracer. */
const SEARCH_MAX = 20_000;

/** Where cgroup v2 is mounted (`/sys/fs/cgroup`, or `…/unified` beside version 1), or undefined. */
export function cgroup2Mount(): string | undefined {
  try {
    for (const line of readFileSync('/proc/self/mounts', 'utf8').split('\n')) {
      const [, directory, type] = line.split(' ');
      if (type === 'cgroup2') return directory;
    }
  } catch {
    return undefined;
  }
  return undefined;
}

/** From a cgroup v2 id (the inode number of its directory) to its path below the mount. */
export class CgroupPaths {
  readonly #mount = cgroup2Mount();
  readonly #byId = new Map<number, string>();

  /** The path, `/` for the root; `''` when there is no such cgroup (any more) or no cgroup v2. */
  path(id: number): string {
    const known = this.#byId.get(id);
    if (known !== undefined) return known;
    this.#search(id);
    const found = this.#byId.get(id) ?? '';
    this.#byId.set(id, found);
    return found;
  }

  #search(id: number): void {
    if (this.#mount === undefined) return;
    const waiting = ['/'];
    for (let looked = 0; waiting.length > 0 && looked < SEARCH_MAX; looked++) {
      const path = waiting.pop()!;
      const directory = join(this.#mount, path);
      try {
        this.#byId.set(statSync(directory).ino, path);
        if (this.#byId.has(id)) return;
        for (const entry of readdirSync(directory, { withFileTypes: true })) {
          if (entry.isDirectory()) waiting.push(join(path, entry.name));
        }
      } catch {
        // Removed while we were looking.
      }
    }
  }
}
