// SPDX-License-Identifier: Apache-2.0
import { FileTree } from './file-tree.js';
import type { LibraryPrediction, PredictionRequest } from './library-prediction.js';
import type { MappedFile } from './mapped-files.js';
import { OpenedFile } from './opened-file.js';
import type { Procfs } from './procfs.js';
import type { Placement } from './watched-file.js';
import type { WatchedFiles } from './watched-files.js';

/** Called with what sources have in a file that was found. */
export type Found = (placement: Placement) => void;

const OWN_EXECUTABLE = '/proc/self/exe';
const NO = (): boolean => false;

/** Finds the files of programs: those that a process maps, those that it will map, those that the user named. */
export class ProgramFiles {
  readonly #procfs: Procfs;
  readonly #files: WatchedFiles;
  readonly #prediction: LibraryPrediction;

  constructor(procfs: Procfs, files: WatchedFiles, prediction: LibraryPrediction) {
    this.#procfs = procfs;
    this.#files = files;
    this.#prediction = prediction;
  }

  /** Has what most programs need read before the first of them starts: the first search takes ten times as long. */
  prepare(): void {
    try {
      const own = new OpenedFile(OWN_EXECUTABLE);
      this.#prediction.each(this.#request(own, 0, OWN_EXECUTABLE), NO, NO);
      own.close();
    } catch {
      // Then the first search takes longer.
    }
  }

  /** Every file of which a process maps code. @throws the system's error */
  mapped(pid: number, found: Found): void {
    const files = this.#procfs.maps(pid);
    if (files.length === 0) return;
    const program = this.#procfs.executable(pid);
    const root = this.#procfs.rootId(pid);
    for (const file of files) {
      for (const placement of this.#lookAtMapped(pid, root, file, file.path === program)) {
        found(placement);
      }
    }
  }

  /** The executable of a process that has just begun, then the libraries that it will map. @throws the system's error */
  begun(pid: number, found: Found, expected: Found): void {
    const program = new OpenedFile(this.#procfs.path(pid, 'exe'));
    try {
      const path = this.#procfs.executable(pid);
      for (const placement of this.#lookAtOpened(program, path, true)) found(placement);
      this.#libraries(program, pid, this.#procfs.inside(pid, path), expected);
    } finally {
      program.close();
    }
  }

  /**
   * The same for a process that has ended already: so that the next one of its kind is seen. `pid`: one that sees the
   * same files, `path`: what was executed.
   * @throws the system's error
   */
  ended(pid: number, path: string, found: Found): void {
    const root = this.#procfs.path(pid, 'root');
    const tree = new FileTree(root, this.#procfs.sharesOwnRoot(pid));
    const real = path.startsWith('/') ? tree.real(path) : undefined;
    if (real === undefined) return;
    const program = new OpenedFile(tree.outside(real));
    try {
      for (const placement of this.#lookAtOpened(program, real, true)) found(placement);
      this.#libraries(program, pid, real, found);
    } finally {
      program.close();
    }
  }

  /** A file that the user named, with the libraries that it needs. @throws the system's error */
  named(path: string, found: Found): void {
    const file = new OpenedFile(path);
    try {
      const isExecutable = !/\.so(?:\.|$)/.test(path.slice(path.lastIndexOf('/')));
      for (const placement of this.#lookAtOpened(file, path, isExecutable)) found(placement);
      this.#libraries(file, 0, file.realPath(), found);
    } finally {
      file.close();
    }
  }

  #lookAtMapped(
    pid: number,
    root: string,
    file: MappedFile,
    isExecutable: boolean,
  ): readonly Placement[] {
    // Paths tell apart what has one number in several subvolumes (btrfs).
    const kind = isExecutable ? 'x' : 'l';
    return this.#files.look({
      key: `${kind} ${root} ${file.device} ${file.inode} ${file.path}`,
      path: file.path,
      isExecutable,
      state: () => this.#procfs.mappedState(pid, file),
      open: () => this.#procfs.openMapped(pid, file),
    });
  }

  #lookAtOpened(opened: OpenedFile, path: string, isExecutable: boolean): readonly Placement[] {
    const { device, inode } = opened.state;
    return this.#files.look({
      key: `${isExecutable ? 'X' : 'L'} ${device}:${inode} ${path}`,
      path,
      isExecutable,
      state: opened.state,
      open: () => new OpenedFile(opened.openPath),
    });
  }

  /** `pid` 0: of no process, so with the files that this one sees, and no environment. */
  #request(executable: OpenedFile, pid: number, path: string): PredictionRequest {
    const procfs = this.#procfs;
    const ofProcess = pid !== 0;
    return {
      executable,
      path,
      root: ofProcess ? procfs.path(pid, 'root') : '',
      rootId: procfs.mountsId(ofProcess ? pid : 'self'),
      rootIsOwn: !ofProcess || procfs.sharesOwnRoot(pid),
      libraryPath: ofProcess ? procfs.variable(pid, 'LD_LIBRARY_PATH') : undefined,
      preload: ofProcess ? procfs.variable(pid, 'LD_PRELOAD') : undefined,
    };
  }

  /** `path`: of the executable in the file tree of the process. */
  #libraries(executable: OpenedFile, pid: number, path: string, found: Found): void {
    this.#prediction.each(
      this.#request(executable, pid, path),
      (name) => this.#files.isWantedByName(name),
      ({ path: libraryPath, outside, state }) => {
        const placements = this.#files.look({
          key: `L ${state.device}:${state.inode} ${libraryPath}`,
          path: libraryPath,
          isExecutable: false,
          state,
          open: () => new OpenedFile(outside),
        });
        for (const placement of placements) found(placement);
        return placements.length > 0;
      },
    );
  }
}
