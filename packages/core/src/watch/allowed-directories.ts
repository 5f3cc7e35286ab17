// SPDX-License-Identifier: Apache-2.0
import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileState, type OpenedFile } from './opened-file.js';

/** Environment variable that names the directories, separated by colons. Set and empty, it names none. */
export const PROBE_ONLY = 'LIBTRACE_PROBE_ONLY';

/** Directories below which files may be probed. */
export class AllowedDirectories {
  readonly #directories: readonly string[] | undefined;

  /** `directories`: default, those of the environment; without these, any file is allowed. */
  constructor(
    directories: readonly string[] | undefined,
    environment: Readonly<Record<string, string | undefined>> = process.env,
  ) {
    const named = directories ?? environment[PROBE_ONLY]?.split(':').filter((name) => name !== '');
    this.#directories = named?.map((name) => resolve(name));
  }

  /**
   * Why a file may not be probed; undefined when it may. What counts is where the file itself is: symbolic links do not
   * lead out, and a file of another mount namespace is not the one that has the same path here.
   */
  refusal(file: OpenedFile): string | undefined {
    if (this.#directories === undefined) return undefined;
    const path = file.realPath();
    if (!this.#directories.some((directory) => isBelow(path, directory))) {
      return `it is outside ${this.#directories.join(', ') || 'all directories'}`;
    }
    const names = file.names();
    if (names > 1) return 'it has other names (hard links), which may be outside';
    // A file without a name was checked by its last one; nothing else can be reached through it.
    if (names === 0) return undefined;
    const here = fileState(path);
    if (here?.inode !== file.state.inode || here.device !== file.state.device) {
      return 'it is in another file tree (container)';
    }
    return undefined;
  }
}

/** Real paths on both sides; a directory that does not exist holds nothing. */
function isBelow(path: string, directory: string): boolean {
  try {
    const real = realpathSync(directory);
    return path.startsWith(real === '/' ? '/' : `${real}/`);
  } catch {
    return false;
  }
}
