// SPDX-License-Identifier: Apache-2.0
import { readFileSync, readlinkSync } from 'node:fs';
import type { ProcessIdentity } from '../model/index.js';
import type { CgroupPaths } from './cgroup-paths.js';

/** Identities of exited processes that are kept, for records that are still in the making. */
const EXITED_KEPT = 4096;

function readProc(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch {
    return '';
  }
}

/** Path of a running process' executable; `''` when it is gone or may not be read. */
function readExe(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/exe`).replace(/ \(deleted\)$/, '');
  } catch {
    return '';
  }
}

function readCgroup(pid: number): string {
  return /^0::(.*)$/m.exec(readProc(pid, 'cgroup'))?.[1] ?? '';
}

/** Fields of /proc/PID/stat behind the command name, which may itself hold spaces and parentheses. */
function readParent(pid: number): number {
  const stat = readProc(pid, 'stat');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1] ?? 0);
}

/** Who is who: fed by exec, fork and exit events, and by /proc for processes that are older than the tracer. */
export class ProcessTable {
  readonly #cgroups: CgroupPaths;
  readonly #running = new Map<number, ProcessIdentity>();
  readonly #exited = new Map<number, ProcessIdentity>();

  constructor(cgroups: CgroupPaths) {
    this.#cgroups = cgroups;
  }

  /** The identity of a process, read from /proc when no event told of it. */
  get(pid: number): ProcessIdentity {
    return this.#running.get(pid) ?? this.#exited.get(pid) ?? this.#fromProc(pid);
  }

  /** A process called execve. `path` is what it asked for: the only trace that a short-lived program leaves. */
  executed(pid: number, ppid: number, comm: string, path: string, cgroupId: number): void {
    const exe = readExe(pid);
    const stillThere = exe !== '' && readProc(pid, 'comm').trimEnd() === comm;
    this.#exited.delete(pid);
    this.#running.set(pid, {
      pid,
      ppid,
      comm,
      exe: stillThere ? exe : path,
      cgroup: (stillThere ? readCgroup(pid) : '') || this.#cgroups.path(cgroupId),
    });
  }

  /** A child looks like its parent until it calls execve. */
  forked(pid: number, ppid: number): void {
    this.#exited.delete(pid);
    this.#running.set(pid, { ...this.get(ppid), pid, ppid });
  }

  /** The identity is kept for a while: records of the process may still be unfinished. */
  exited(pid: number): void {
    const identity = this.#running.get(pid);
    if (identity === undefined) return;
    this.#running.delete(pid);
    this.#exited.set(pid, identity);
    if (this.#exited.size > EXITED_KEPT) {
      for (const oldest of this.#exited.keys()) {
        this.#exited.delete(oldest);
        break;
      }
    }
  }

  /** Forgets everything: events were not seen for a while. */
  clear(): void {
    this.#running.clear();
    this.#exited.clear();
  }

  #fromProc(pid: number): ProcessIdentity {
    const identity = {
      pid,
      ppid: readParent(pid),
      comm: readProc(pid, 'comm').trimEnd(),
      exe: readExe(pid),
      cgroup: readCgroup(pid),
    };
    this.#running.set(pid, identity);
    return identity;
  }
}
