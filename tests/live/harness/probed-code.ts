// SPDX-License-Identifier: Apache-2.0
import { closeSync, openSync, readSync } from 'node:fs';
import { mappedCode, type MappedCode } from './assert-private.js';
import { privateRoot } from './private-programs.js';

const PIECE = 1024 * 1024;

function bytesAt(descriptor: number, position: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  let got = 0;
  while (got < length) {
    const more = readSync(descriptor, bytes, got, length - got, position + got);
    if (more === 0) break;
    got += more;
  }
  return bytes.subarray(0, got);
}

/** Where the memory of a process is not as the file that is mapped there, as offsets in the file. */
function changedIn(pid: number, code: MappedCode): number[] {
  const changed: number[] = [];
  const [memory, file] = [openSync(`/proc/${pid}/mem`, 'r'), openSync(code.path, 'r')];
  try {
    for (let at = 0; at < code.end - code.start; at += PIECE) {
      const length = Math.min(PIECE, code.end - code.start - at);
      const wanted = bytesAt(file, code.offset + at, length);
      const found = bytesAt(memory, code.start + at, wanted.length);
      if (found.equals(wanted)) continue;
      for (let i = 0; i < wanted.length; i++)
        if (found[i] !== wanted[i]) changed.push(code.offset + at + i);
    }
  } finally {
    closeSync(memory);
    closeSync(file);
  }
  return changed;
}

/**
 * Instructions of the private files of a process that are not what the files say: `PATH 0xOFFSET`. A probe is one of
 * them as long as it is there, in every process that uses the file.
 */
export function changedCode(pid: number): string[] {
  return mappedCode(pid)
    .filter(({ path }) => path.startsWith(`${privateRoot()}/`))
    .flatMap((code) => changedIn(pid, code).map((at) => `${code.path} 0x${at.toString(16)}`));
}
