// SPDX-License-Identifier: Apache-2.0
import { accessSync, constants, statSync } from 'node:fs';
import { join } from 'node:path';
import { CliError, exitStatus } from '../cli-error.js';

const defaultPath = '/usr/local/bin:/usr/bin:/bin';

/**
 * Makes sure that a command can be started before anything is loaded for it.
 * @throws CliError with the statuses that shells use: 127 when it does not exist, 126 when it may not be executed.
 */
export function requireProgram(
  name: string,
  env: Readonly<Record<string, string | undefined>>,
): void {
  if (findProgram(name, env) !== undefined) return;
  const found = candidatesOf(name, env).some(isFile);
  if (found) {
    throw new CliError('EACCES', `The command ${name} is not executable.`, {
      exitStatus: exitStatus.notExecutable,
      remedy: `make it executable (chmod +x), or name its interpreter: libtrace trace -- sh ${name}`,
    });
  }
  throw new CliError('ENOENT', `The command ${name || "''"} was not found.`, {
    exitStatus: exitStatus.notFound,
    remedy: name.includes('/')
      ? 'check the path'
      : 'check the spelling, or give its path; sudo may have shortened PATH',
  });
}

/** The file that a shell would execute for a name. */
export function findProgram(
  name: string,
  env: Readonly<Record<string, string | undefined>>,
): string | undefined {
  return candidatesOf(name, env).find((path) => isFile(path) && isExecutable(path));
}

function candidatesOf(
  name: string,
  env: Readonly<Record<string, string | undefined>>,
): readonly string[] {
  if (name.includes('/')) return [name];
  const folders = (env['PATH'] ?? defaultPath).split(':');
  return folders.map((folder) => join(folder || '.', name));
}

function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    // Absent, or in a folder that may not be searched.
    return false;
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
