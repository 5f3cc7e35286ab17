// SPDX-License-Identifier: Apache-2.0
import {
  closeSync,
  type FSWatcher,
  fstatSync,
  openSync,
  readlinkSync,
  statfsSync,
  statSync,
  watch,
} from 'node:fs';

/** open(2) on Linux: a descriptor that stands for the file and reads nothing. Needs no right to the file itself. */
const O_PATH = 0o10000000;
const O_CLOEXEC = 0o2000000;
/** statfs(2). */
const OVERLAYFS_SUPER_MAGIC = 0x794c7630;

/** What tells whether a file is the same and has not been written to. */
export interface FileState {
  readonly device: bigint;
  readonly inode: bigint;
  readonly size: bigint;
  readonly modifiedNs: bigint;
  readonly changedNs: bigint;
  /** Hard links. */
  readonly names: bigint;
}

function stateOf(stat: {
  dev: bigint;
  ino: bigint;
  size: bigint;
  mtimeNs: bigint;
  ctimeNs: bigint;
  nlink: bigint;
}): FileState {
  const { dev, ino, size, mtimeNs, ctimeNs, nlink } = stat;
  return {
    device: dev,
    inode: ino,
    size,
    modifiedNs: mtimeNs,
    changedNs: ctimeNs,
    names: nlink,
  };
}

/** The state of the file behind a path; undefined when there is none to be seen. */
export function fileState(path: string): FileState | undefined {
  try {
    const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
    return stat && stateOf(stat);
  } catch {
    return undefined;
  }
}

/**
 * Same file, not written to. The modification time is not enough: whoever writes a file may set it back. The change time
 * is also that of a name that was given or taken, as when a package manager replaces a file by renaming: no write.
 */
export function sameContent(one: FileState, other: FileState): boolean {
  return (
    sameModification(one, other) && (one.changedNs === other.changedNs || one.names !== other.names)
  );
}

/** Same file, same size and modification time: if it was written to, that has ended. */
export function sameModification(one: FileState, other: FileState): boolean {
  return (
    one.device === other.device &&
    one.inode === other.inode &&
    one.size === other.size &&
    one.modifiedNs === other.modifiedNs
  );
}

/**
 * A file held by a descriptor: neither renaming nor deleting it, nor the end of the process through which it was found,
 * makes another file of it, and its inode number is not given to another file.
 */
export class OpenedFile {
  readonly #fd: number;
  #state: FileState;
  #watcher: FSWatcher | undefined;
  #closed = false;

  /** @throws the system's error; an error when it is no regular file */
  constructor(path: string) {
    this.#fd = openSync(path, O_PATH | O_CLOEXEC);
    try {
      const stat = fstatSync(this.#fd, { bigint: true });
      if (!stat.isFile()) throw new Error('not a regular file');
      this.#state = stateOf(stat);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Opens the file in this process. */
  get openPath(): string {
    return `/proc/self/fd/${this.#fd}`;
  }

  /** What the file was when it was opened, or when it was last compared. */
  get state(): FileState {
    return this.#state;
  }

  /** Compares the file as it is now with what it was the last time. A file that cannot be asked any more counts as written to. */
  compare(): 'unchanged' | 'touched' | 'written' {
    if (this.#closed) return 'unchanged';
    try {
      const now = stateOf(fstatSync(this.#fd, { bigint: true }));
      const before = this.#state;
      this.#state = now;
      if (sameContent(before, now)) return 'unchanged';
      return sameModification(before, now) ? 'touched' : 'written';
    } catch {
      return 'written';
    }
  }

  /**
   * Has `changed` called when the file is written to, or its attributes or names change: of this file, whatever becomes
   * of its path. Where the system gives no watch (limits of inotify), it is never called.
   */
  watch(changed: () => void): void {
    if (this.#watcher !== undefined || this.#closed) return;
    try {
      this.#watcher = watch(this.openPath, { persistent: false }, changed);
      this.#watcher.on('error', () => this.#unwatch());
    } catch {
      // Whoever holds it compares it now and then.
    }
  }

  /** Names that the file has now (hard links); 0 when it was deleted. */
  names(): number {
    return fstatSync(this.#fd).nlink;
  }

  /** Where the file is in the file tree of its mount namespace; ends with ` (deleted)` when it has no name any more. */
  realPath(): string {
    return readlinkSync(this.openPath);
  }

  /**
   * Names the file that holds the bytes. An overlay shows the same file of its lower layer in every container as another
   * one, of another device; a probe in one is in all of them, and a second one would run for the same call. They have
   * the inode number and the times of the layer's file.
   */
  identity(): string {
    const { device, inode, size, modifiedNs, changedNs } = this.state;
    if (statfsSync(this.openPath).type !== OVERLAYFS_SUPER_MAGIC) return `${device}:${inode}`;
    // The upper bits may number the layer (mount option xino).
    return `overlay:${BigInt.asUintN(32, inode)}:${size}:${modifiedNs}:${changedNs}`;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#unwatch();
    closeSync(this.#fd);
  }

  #unwatch(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
  }
}
