// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync } from 'node:fs';

/** CPU time of a thread or single-threaded process so far, nanoseconds (first field of schedstat). */
export function cpuNsOf(pid, tid = pid) {
  return Number(readFileSync(`/proc/${pid}/task/${tid}/schedstat`, 'utf8').split(' ')[0]);
}

/** Children of a process that run now. @param {number} parent */
export function childrenOf(parent) {
  const found = [];
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      // pid (comm) state ppid …; comm may contain anything, the last parenthesis ends it.
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
      if (Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === parent) {
        found.push(Number(entry));
      }
    } catch {
      // It ended meanwhile.
    }
  }
  return found;
}

/** What the figures were measured on. */
export function machine() {
  const cpus = readFileSync('/proc/cpuinfo', 'utf8');
  const read = (path) => readFileSync(path, 'utf8').trim();
  return {
    kernel: read('/proc/sys/kernel/osrelease'),
    cpu: /^model name\s*:\s*(.*)$/m.exec(cpus)?.[1] ?? process.arch,
    cpus: (cpus.match(/^processor\s*:/gm) ?? []).length,
    node: process.version,
    loadBefore: read('/proc/loadavg').split(' ')[0],
  };
}
