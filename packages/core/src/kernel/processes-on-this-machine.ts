// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync } from 'node:fs';

/** One row of /proc. */
export interface ProcessRow {
  readonly pid: number;
  readonly ppid: number;
  readonly comm: string;
}

/** The processes that can be seen in /proc now. One that ends meanwhile is left out. */
export function listProcesses(): readonly ProcessRow[] {
  const rows: ProcessRow[] = [];
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const open = stat.indexOf('(');
      const close = stat.lastIndexOf(')');
      rows.push({
        pid,
        comm: stat.slice(open + 1, close),
        ppid: Number(stat.slice(close + 2).split(' ')[1]),
      });
    } catch {
      // Gone.
    }
  }
  return rows;
}

/** The processes in cgroups (directories) and in what is below them, now. */
export function processesIn(cgroups: Iterable<string>): ReadonlySet<number> {
  const found = new Set<number>();
  const waiting = [...cgroups];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    try {
      for (const pid of readFileSync(`${path}/cgroup.procs`, 'utf8').split('\n')) {
        if (pid !== '') found.add(Number(pid));
      }
      for (const entry of readdirSync(path, { withFileTypes: true })) {
        if (entry.isDirectory()) waiting.push(`${path}/${entry.name}`);
      }
    } catch {
      // Gone, or one of threads, which has no processes to list.
    }
  }
  return found;
}

/** The processes in `roots` and all their descendants. */
export function withDescendants(
  roots: Iterable<number>,
  rows: readonly ProcessRow[],
): ReadonlySet<number> {
  const children = new Map<number, number[]>();
  for (const { pid, ppid } of rows) {
    const siblings = children.get(ppid);
    if (siblings === undefined) children.set(ppid, [pid]);
    else siblings.push(pid);
  }
  const found = new Set<number>();
  const waiting = [...roots];
  for (let pid = waiting.pop(); pid !== undefined; pid = waiting.pop()) {
    if (found.has(pid)) continue;
    found.add(pid);
    waiting.push(...(children.get(pid) ?? []));
  }
  return found;
}

/** Children of a process, from the kernel's own lists (CONFIG_PROC_CHILDREN); undefined when it has none to read. */
function childrenOf(pid: number): readonly number[] | undefined {
  const children: number[] = [];
  let tids: readonly string[];
  try {
    tids = readdirSync(`/proc/${pid}/task`);
  } catch {
    return children;
  }
  let unread = 0;
  for (const tid of tids) {
    try {
      const list = readFileSync(`/proc/${pid}/task/${tid}/children`, 'utf8');
      for (const child of list.split(' ')) if (child !== '') children.push(Number(child));
    } catch {
      unread++;
    }
  }
  return tids.length > 0 && unread === tids.length ? undefined : children;
}

/** The same as {@link withDescendants} for processes that run now, without a look at every process where possible. */
export function runningDescendants(roots: Iterable<number>): ReadonlySet<number> {
  const all = [...roots];
  const found = new Set<number>();
  const waiting = [...all];
  for (let pid = waiting.pop(); pid !== undefined; pid = waiting.pop()) {
    if (found.has(pid)) continue;
    found.add(pid);
    const children = childrenOf(pid);
    if (children === undefined) return withDescendants(all, listProcesses());
    waiting.push(...children);
  }
  return found;
}
