// SPDX-License-Identifier: Apache-2.0
import { readFileSync, realpathSync, statSync } from 'node:fs';
import { privateRoot } from './private-programs.js';

/** One file of which a process has code mapped. */
export interface MappedCode {
  readonly path: string;
  /** `MAJOR:MINOR` in hexadecimal, as /proc tells it. */
  readonly device: string;
  readonly inode: number;
  /** Where it is in memory. */
  readonly start: number;
  readonly end: number;
  /** Where that is in the file. */
  readonly offset: number;
}

/** Code that a process has mapped from files (proc_pid_maps(5)). */
export function mappedCode(pid: number): MappedCode[] {
  const line = /^([\da-f]+)-([\da-f]+) ..x. ([\da-f]+) ([\da-f]+:[\da-f]+) (\d+) +(\/.*)$/gm;
  const maps = readFileSync(`/proc/${pid}/maps`, 'latin1');
  return [...maps.matchAll(line)].map(([, start, end, offset, device, inode, path]) => ({
    path: path!,
    device: device!,
    inode: Number(inode),
    start: parseInt(start!, 16),
    end: parseInt(end!, 16),
    offset: parseInt(offset!, 16),
  }));
}

/** What a file has in it that a source of plaintext would probe. */
const probed = ['SSL_read', 'SSL_write', '\xff Go buildinf:'];
const verdicts = new Map<string, boolean>();

function wouldBeProbed({ path, device, inode }: MappedCode): boolean {
  const key = `${device} ${inode}`;
  let verdict = verdicts.get(key);
  if (verdict === undefined) {
    const bytes = readFileSync(path.replace(/ \(deleted\)$/, ''));
    verdict = probed.some((word) => bytes.includes(word, 0, 'latin1'));
    verdicts.set(key, verdict);
  }
  return verdict;
}

/** What of a process is not private although it may be probed. */
function notPrivate(pid: number): string[] {
  const root = `${privateRoot()}/`;
  const exe = realpathSync(`/proc/${pid}/exe`);
  const problems = exe.startsWith(root) ? [] : [`its executable is ${exe}`];
  for (const code of mappedCode(pid)) {
    if (!code.path.startsWith(root)) {
      if (wouldBeProbed(code)) problems.push(`it maps ${code.path}`);
      continue;
    }
    const { ino, nlink } = statSync(code.path);
    if (ino !== code.inode) problems.push(`it maps inode ${code.inode} as ${code.path}: ${ino}`);
    if (nlink !== 1) problems.push(`${code.path} has ${nlink} links`);
  }
  return problems;
}

/**
 * Makes sure that everything of a process that a source of plaintext would put probes into is a file of its own below
 * {@link privateRoot}. Called for every process before a tracer that has such sources may see it.
 * @throws when it is not so
 */
export function assertPrivate(...pids: readonly number[]): void {
  for (const pid of pids) {
    const problems = notPrivate(pid);
    if (problems.length > 0)
      throw new Error(`process ${pid} is not private: ${problems.join('; ')}`);
  }
}
