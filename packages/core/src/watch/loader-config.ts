// SPDX-License-Identifier: Apache-2.0
import type { FileTree } from './file-tree.js';

const FILES_MAX = 64;
const DIRECTORIES_MAX = 256;

/** Directories in a configuration of glibc's loader (ld.so.conf, ldconfig(8)), with those of the files it includes. */
export function configuredDirectories(tree: FileTree, file = '/etc/ld.so.conf'): readonly string[] {
  const directories: string[] = [];
  const read = new Set<string>();
  const waiting = [file];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (read.has(path) || read.size >= FILES_MAX) continue;
    read.add(path);
    const included: string[] = [];
    for (const line of tree.text(path).split('\n')) {
      const text = line.replace(/#.*/, '').trim();
      const pattern = /^include\s+(.*)$/.exec(text)?.[1];
      if (pattern !== undefined) included.push(...expand(tree, absolute(pattern, path)));
      else if (text.startsWith('/') && directories.length < DIRECTORIES_MAX) {
        directories.push(text.replace(/=.*/, '').trim());
      }
    }
    waiting.push(...included.reverse());
  }
  return directories;
}

function absolute(pattern: string, of: string): string {
  return pattern.startsWith('/') ? pattern : `${of.slice(0, of.lastIndexOf('/'))}/${pattern}`;
}

/** Files that a pattern names. It may hold `*` and `?` in its last component. */
function expand(tree: FileTree, pattern: string): readonly string[] {
  const slash = pattern.lastIndexOf('/');
  const directory = pattern.slice(0, slash);
  const last = pattern.slice(slash + 1);
  if (!/[*?]/.test(last)) return [pattern];
  return tree
    .list(directory)
    .filter((name) => !name.startsWith('.') && fits(name, last))
    .map((name) => `${directory}/${name}`);
}

/** Compares without going back further than to the last asterisk. */
function fits(name: string, pattern: string): boolean {
  let at = 0;
  let in_ = 0;
  let star = -1;
  let starAt = 0;
  while (at < name.length) {
    if (pattern[in_] === '*') {
      star = in_++;
      starAt = at;
    } else if (pattern[in_] === '?' || pattern[in_] === name[at]) {
      in_++;
      at++;
    } else if (star >= 0) {
      in_ = star + 1;
      at = ++starAt;
    } else {
      return false;
    }
  }
  while (pattern[in_] === '*') in_++;
  return in_ === pattern.length;
}
