// SPDX-License-Identifier: Apache-2.0
import { closeSync, openSync, readFileSync, readlinkSync, readSync } from 'node:fs';
import { containerId } from '../model/container-id.js';
import type { ProcessIdentity } from '../model/index.js';
import type { CgroupPaths } from './cgroup-paths.js';
import { parseArguments } from './process-args.js';

/** Identities of exited processes that are kept, for records that are still in the making. */
const EXITED_KEPT = 4096;
const NO_BYTES = Buffer.alloc(0);

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

/** Path of the cgroup of version 2, and the container; where containers are in cgroups of version 1, those tell it. */
function readCgroup(pid: number): Pick<ProcessIdentity, 'cgroup' | 'container'> {
  const text = readProc(pid, 'cgroup');
  const cgroup = /^0::(.*)$/m.exec(text)?.[1] ?? '';
  const paths = text.split('\n').map((line) => line.slice(line.indexOf('/')));
  const container = [cgroup, ...paths].map(containerId).find((id) => id !== undefined);
  return { cgroup, ...(container === undefined ? {} : { container }) };
}

const someBytes = Buffer.alloc(4096);

/** As {@link ProcessIdentity.args}. What a program writes over its own arguments is what is read. */
function readArguments(pid: number): readonly string[] | undefined {
  try {
    const fd = openSync(`/proc/${pid}/cmdline`, 'r');
    try {
      return parseArguments(someBytes.subarray(0, readSync(fd, someBytes)));
    } finally {
      closeSync(fd);
    }
  } catch {
    return undefined;
  }
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

  /**
   * A process called execve. `path` is what it asked for: the only trace that a short-lived program leaves, with `args`,
   * its arguments as the kernel lays them out, each ended by a zero byte.
   */
  executed(
    pid: number,
    ppid: number,
    comm: string,
    path: string,
    cgroupId: number,
    args: Buffer = NO_BYTES,
  ): void {
    const exe = readExe(pid);
    const stillThere = exe !== '' && readProc(pid, 'comm').trimEnd() === comm;
    this.#exited.delete(pid);
    this.#running.set(pid, {
      pid,
      ppid,
      comm,
      exe: stillThere ? exe : path,
      ...this.#cgroup(stillThere ? pid : undefined, cgroupId),
      ...given(parseArguments(args) ?? (stillThere ? readArguments(pid) : undefined)),
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

  #cgroup(pid: number | undefined, id: number): Pick<ProcessIdentity, 'cgroup' | 'container'> {
    const read = pid === undefined ? undefined : readCgroup(pid);
    if (read !== undefined && read.cgroup !== '') return read;
    const cgroup = this.#cgroups.path(id);
    const container = read?.container ?? containerId(cgroup);
    return { cgroup, ...(container === undefined ? {} : { container }) };
  }

  #fromProc(pid: number): ProcessIdentity {
    const identity: ProcessIdentity = {
      pid,
      ppid: readParent(pid),
      comm: readProc(pid, 'comm').trimEnd(),
      exe: readExe(pid),
      ...readCgroup(pid),
      ...given(readArguments(pid)),
    };
    this.#running.set(pid, identity);
    return identity;
  }
}

function given(args: readonly string[] | undefined): Pick<ProcessIdentity, 'args'> {
  return args === undefined ? {} : { args };
}
