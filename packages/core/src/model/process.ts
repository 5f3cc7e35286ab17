// SPDX-License-Identifier: Apache-2.0

/** Who made the system calls, as captured when it called exec (or from /proc when older than the tracer). Kept after exit. */
export interface ProcessIdentity {
  /** Process id (the kernel's tgid) in the tracer's pid namespace. */
  readonly pid: number;
  /** Parent's process id; 0 when unknown. */
  readonly ppid: number;
  /** Command name, at most 15 bytes (`task->comm`). */
  readonly comm: string;
  /** Path of the executable; `''` when it could not be learned. */
  readonly exe: string;
  /** cgroup v2 path (`/` is the root); `''` when it could not be learned. */
  readonly cgroup: string;
}
