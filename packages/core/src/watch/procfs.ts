// SPDX-License-Identifier: Apache-2.0
import { closeSync, existsSync, openSync, readlinkSync, readSync, statSync } from 'node:fs';
import { type MappedFile, parseMaps } from './mapped-files.js';
import { fileState, OpenedFile, type FileState } from './opened-file.js';
import { isGone } from './system-reason.js';

const OVERLAYFS = /^overlay:/;
/** Enough for 80,000 mappings (a process may have 65,530 by default). */
const MAPS_MAX = 8 * 1024 * 1024;
const ENVIRONMENT_MAX = 256 * 1024;
const ARGUMENTS_MAX = 4096;
const DELETED = ' (deleted)';

const piece = Buffer.alloc(64 * 1024);

/** The first bytes of a file whose length is not known before, as latin1. @throws the system's error */
export function readStart(path: string, maxBytes: number): string {
  const fd = openSync(path, 'r');
  try {
    let text = '';
    while (text.length < maxBytes) {
      const wanted = Math.min(piece.length, maxBytes - text.length);
      const length = readSync(fd, piece, 0, wanted, null);
      if (length === 0) break;
      text += piece.toString('latin1', 0, length);
    }
    return text;
  } finally {
    closeSync(fd);
  }
}

/** What a process is called: a line of `match` is compared with each of the three. */
export interface ProcessNames {
  readonly comm: string;
  /** Path of the executable; `''` when it may not be read. */
  readonly exe: string;
  /** Arguments joined by spaces, at most 4 KiB. */
  readonly args: string;
}

/** What the watcher reads of processes. */
export class Procfs {
  readonly #root: string;
  #mapFilesRefused = false;

  /** `root`: where procfs is mounted. */
  constructor(root = '/proc') {
    this.#root = root;
  }

  /** Path of something of a process: `exe`, `root`. */
  path(pid: number | 'self', name: string): string {
    return `${this.#root}/${pid}/${name}`;
  }

  exists(pid: number): boolean {
    return existsSync(`${this.#root}/${pid}`);
  }

  /** Path of the executable, without ` (deleted)`; `''` when there is none or it may not be read. */
  executable(pid: number): string {
    const path = this.#link(pid, 'exe');
    return path.endsWith(DELETED) ? path.slice(0, -DELETED.length) : path;
  }

  /** A path as the kernel shows it to us, in the tree of a process that has another root directory (chroot). */
  inside(pid: number, path: string): string {
    const root = this.#link(pid, 'root');
    return root !== '/' && path.startsWith(`${root}/`) ? path.slice(root.length) : path;
  }

  names(pid: number): ProcessNames {
    const args = this.#start(pid, 'cmdline', ARGUMENTS_MAX).replace(/\0+$/, '');
    return {
      comm: utf8(this.#start(pid, 'comm', 64)).replace(/\n$/, ''),
      exe: this.executable(pid),
      args: utf8(args).replaceAll('\0', ' '),
    };
  }

  /** A variable of the environment with which the process was started. */
  variable(pid: number, name: string): string | undefined {
    const text = `\0${this.#start(pid, 'environ', ENVIRONMENT_MAX)}`;
    const at = text.indexOf(`\0${name}=`);
    if (at < 0) return undefined;
    const start = at + name.length + 2;
    const end = text.indexOf('\0', start);
    return utf8(text.slice(start, end < 0 ? text.length : end));
  }

  /** Files of which it maps code. @throws the system's error */
  maps(pid: number): readonly MappedFile[] {
    return parseMaps(readStart(this.path(pid, 'maps'), MAPS_MAX));
  }

  /** Names the root directory of a process: processes of one container share it. */
  rootId(pid: number | 'self'): string {
    const state = fileState(this.path(pid, 'root'));
    return state === undefined ? '' : `${state.device}:${state.inode}`;
  }

  /** Names the file tree that a process sees: its root directory in its mount namespace. */
  mountsId(pid: number | 'self'): string {
    return `${this.rootId(pid)} ${this.#link(pid, 'ns/mnt')}`;
  }

  /** Whether the process sees the same files under the same paths as this one. */
  sharesOwnRoot(pid: number): boolean {
    try {
      const own = statSync('/', { bigint: true });
      return (
        this.rootId(pid) === `${own.dev}:${own.ino}` &&
        this.#link(pid, 'ns/mnt') === readlinkSync('/proc/self/ns/mnt')
      );
    } catch {
      return false;
    }
  }

  /** The state of a mapped file now; undefined when it cannot be found that way. */
  mappedState(pid: number, file: MappedFile): FileState | undefined {
    return this.#mapFilesRefused
      ? fileState(`${this.path(pid, 'root')}${file.path}`)
      : fileState(this.path(pid, `map_files/${file.range}`));
  }

  /**
   * Opens exactly what is mapped by its link in map_files: whatever has happened to the path, and whatever file tree the
   * process sees. Without the right to these links (CAP_CHECKPOINT_RESTORE), or when the mapping has changed meanwhile,
   * by its path, if what is there has the inode number of the mapping.
   * @throws the system's error
   */
  openMapped(pid: number, file: MappedFile): OpenedFile {
    if (!this.#mapFilesRefused) {
      try {
        return new OpenedFile(this.path(pid, `map_files/${file.range}`));
      } catch (error) {
        const isRefused = (error as NodeJS.ErrnoException).code === 'EPERM';
        if (isRefused) this.#mapFilesRefused = true;
        if (file.deleted || !(isRefused || isGone(error))) throw error;
      }
    }
    const opened = new OpenedFile(`${this.path(pid, 'root')}${file.path}`);
    // Which inode of an overlay stands in maps has changed with 6.8.
    if (`${opened.state.inode}` === file.inode || OVERLAYFS.test(opened.identity())) return opened;
    opened.close();
    throw Object.assign(new Error('another file has its path now'), { code: 'ENOENT' });
  }

  #link(pid: number | 'self', name: string): string {
    try {
      return readlinkSync(this.path(pid, name));
    } catch {
      return '';
    }
  }

  #start(pid: number, name: string, maxBytes: number): string {
    try {
      return readStart(this.path(pid, name), maxBytes);
    } catch {
      return '';
    }
  }
}

function utf8(latin1: string): string {
  return /[\x80-\xff]/.test(latin1) ? Buffer.from(latin1, 'latin1').toString('utf8') : latin1;
}
