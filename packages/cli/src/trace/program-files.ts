// SPDX-License-Identifier: Apache-2.0
import { closeSync, openSync, readSync, realpathSync } from 'node:fs';
import { findProgram } from './find-program.js';

/** So much of a script's first line is looked at: BINPRM_BUF_SIZE of the kernel. */
const lineBytes = 256;
/** Scripts whose interpreters are scripts: the kernel follows five (fs/exec.c, exec_binprm). */
const maxScripts = 5;

const elfMagic = Buffer.from([0x7f, 0x45, 0x4c, 0x46]);

/**
 * The program file that a command runs: found by PATH, symbolic links followed, of a script its interpreter (also behind
 * env(1)). Empty when that cannot be told; what it starts later is found when it starts.
 */
export function programFiles(
  name: string,
  env: Readonly<Record<string, string | undefined>>,
): readonly string[] {
  let next: string | undefined = name;
  for (let scripts = 0; next !== undefined && scripts <= maxScripts; scripts++) {
    const path = resolved(next, env);
    const head = path === undefined ? undefined : firstBytes(path);
    if (path === undefined || head === undefined) return [];
    if (head.subarray(0, elfMagic.length).equals(elfMagic)) return [path];
    next = interpreterOf(head);
  }
  return [];
}

/**
 * What runs a script: of `#!/usr/bin/env -S node --flag` that is `node`, else the path behind `#!` (execve(2), env(1)).
 * Undefined when the file does not begin so.
 */
export function interpreterOf(head: Buffer): string | undefined {
  const line = head.toString('latin1').split('\n', 1)[0] ?? '';
  if (!line.startsWith('#!')) return undefined;
  const [interpreter, ...words] = line
    .slice(2)
    .split(/[ \t]+/)
    .filter((word) => word !== '');
  if (interpreter === undefined) return undefined;
  if (!/(^|\/)env$/.test(interpreter)) return interpreter;
  return words.find((word) => !word.startsWith('-') && !word.includes('=')) ?? interpreter;
}

function resolved(
  name: string,
  env: Readonly<Record<string, string | undefined>>,
): string | undefined {
  const found = findProgram(name, env);
  if (found === undefined) return undefined;
  try {
    return realpathSync(found);
  } catch {
    // Gone since, or in a folder that may not be searched.
    return undefined;
  }
}

function firstBytes(path: string): Buffer | undefined {
  try {
    const file = openSync(path, 'r');
    try {
      const bytes = Buffer.alloc(lineBytes);
      return bytes.subarray(0, readSync(file, bytes, 0, lineBytes, 0));
    } finally {
      closeSync(file);
    }
  } catch {
    // It may be executed, and not read.
    return undefined;
  }
}
