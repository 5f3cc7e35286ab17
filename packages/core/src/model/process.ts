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
  /**
   * Arguments, the program's own name first: at most 64 of them and 4 KiB in all, the last one cut off there. Undefined
   * when they could not be learned. **They may hold secrets** (passwords, tokens): records carry them for code that asks,
   * and neither their JSON form, nor the output of the command line, nor a recording has them.
   */
  readonly args?: readonly string[];
  /** Id of the container (64 hexadecimal digits), as the cgroup's path has it. Undefined outside of containers. */
  readonly container?: string;
}
