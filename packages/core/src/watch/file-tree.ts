// SPDX-License-Identifier: Apache-2.0
import { lstatSync, opendirSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import { BoundedMap } from './bounded-map.js';
import { readStart } from './procfs.js';

const PATHS_KEPT = 8_192;
/** As the kernel has it (MAXSYMLINKS). */
const LINKS_MAX = 40;
/** As the kernel has it; and a limit of our own. */
const PATH_MAX = 4096;
const COMPONENTS_MAX = 128;
const NAMES_MAX = 1_024;
const TEXT_MAX = 256 * 1024;

/**
 * The files below a root directory that is not ours. A symbolic link is followed as the process there would: one with an
 * absolute target begins at its root, and `..` does not lead out of it. What was found is remembered, so a tree is made
 * anew now and then.
 */
export class FileTree {
  readonly #prefix: string;
  readonly #isOwn: boolean;
  readonly #real: BoundedMap<string, string>;

  /**
   * @param prefix The root directory: `/proc/1234/root`.
   * @param isOwn It is this process' own root, so that the system's own search may be used.
   * @param known Paths found by a tree of the same root before.
   */
  constructor(
    prefix: string,
    isOwn: boolean,
    known: BoundedMap<string, string> = new BoundedMap(PATHS_KEPT),
  ) {
    this.#prefix = prefix;
    this.#isOwn = isOwn;
    this.#real = known;
  }

  /** The same root directory, seen through another process of it. */
  through(prefix: string): FileTree {
    return new FileTree(prefix, this.#isOwn, this.#real);
  }

  /** How this process opens a path of the tree that holds no symbolic links (see {@link real}). */
  outside(real: string): string {
    return this.#isOwn ? real : this.#prefix + real;
  }

  /** The path without symbolic links; undefined when nothing is there. */
  real(path: string): string | undefined {
    const known = this.#real.get(path);
    if (known !== undefined) return known === '' ? undefined : known;
    if (isTooDeep(path)) return undefined;
    if (!this.#isOwn) return this.#resolve(path, { left: LINKS_MAX });
    const found = this.#existing(path);
    this.#real.set(path, found ?? '');
    return found;
  }

  /** The start of a text file; `''` when it cannot be read. */
  text(path: string): string {
    const real = this.real(path);
    if (real === undefined) return '';
    try {
      return readStart(this.outside(real), TEXT_MAX);
    } catch {
      return '';
    }
  }

  /** Names in a directory, in order, of a huge one some; empty when it cannot be read. */
  list(path: string): readonly string[] {
    const real = this.real(path);
    if (real === undefined) return [];
    const names: string[] = [];
    try {
      const directory = opendirSync(this.outside(real));
      try {
        for (let entry; names.length < NAMES_MAX && (entry = directory.readSync()) !== null;) {
          names.push(entry.name);
        }
      } finally {
        directory.closeSync();
      }
    } catch {
      return [];
    }
    return names.sort();
  }

  #existing(path: string): string | undefined {
    try {
      // An exception for each place where nothing is would take longer than a look.
      if (statSync(path, { throwIfNoEntry: false }) === undefined) return undefined;
      return realpathSync.native(path);
    } catch {
      return undefined;
    }
  }

  /** Parents first, which are remembered: all libraries are in few directories. */
  #resolve(path: string, links: { left: number }): string | undefined {
    const known = this.#real.get(path);
    if (known !== undefined) return known === '' ? undefined : known;
    const slash = path.lastIndexOf('/');
    if (slash < 0) return undefined;
    const parent = slash === 0 ? '/' : this.#resolve(path.slice(0, slash), links);
    const found = parent && this.#child(parent, path.slice(slash + 1), links);
    this.#real.set(path, found ?? '');
    return found;
  }

  #child(parent: string, name: string, links: { left: number }): string | undefined {
    if (name === '' || name === '.') return parent;
    if (name === '..') return parent.slice(0, parent.lastIndexOf('/')) || '/';
    const base = parent === '/' ? '' : parent;
    const here = `${base}/${name}`;
    try {
      const stat = lstatSync(this.#prefix + here, { throwIfNoEntry: false });
      if (stat === undefined) return undefined;
      if (!stat.isSymbolicLink()) return here;
      const target = readlinkSync(this.#prefix + here);
      if (links.left-- <= 0 || isTooDeep(target)) return undefined;
      return this.#resolve(target.startsWith('/') ? target : `${base}/${target}`, links);
    } catch {
      return undefined;
    }
  }
}

function isTooDeep(path: string): boolean {
  return path.length > PATH_MAX || path.split('/').length > COMPONENTS_MAX;
}
