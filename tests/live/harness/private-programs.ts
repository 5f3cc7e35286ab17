// SPDX-License-Identifier: Apache-2.0
// A probe sits in a file and interrupts every process of the machine that uses the file. So whatever is probed here is
// a copy that nobody else runs: the program and all libraries that it maps.
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  constants,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { inject } from 'vitest';
import { programPath } from './requirements.js';

/** A copy of an installed program. */
export interface PrivateProgram {
  /** Path of the copy; its name is that of the original. */
  readonly path: string;
  /** What has to be in its environment. */
  readonly env: Readonly<Record<string, string>>;
}

/** Below this directory are all files that may be probed. */
export function privateRoot(): string {
  const root = join(inject('directory'), 'private');
  mkdirSync(root, { recursive: true, mode: 0o755 });
  return realpathSync(root);
}

/** A command line that becomes the program, with the environment that makes it use the private libraries. */
export function commandOf(program: PrivateProgram, args: readonly string[]): readonly string[] {
  const assignments = Object.entries(program.env).map(([name, value]) => `${name}=${value}`);
  return [programPath('env')!, ...assignments, program.path, ...args];
}

/** Own inodes, whatever the file system: a clone where it can, never a link. */
function copy(from: string, to: string): void {
  const unfinished = `${to}.unfinished`;
  copyFileSync(from, unfinished, constants.COPYFILE_FICLONE);
  chmodSync(unfinished, statSync(from).mode & 0o755);
  renameSync(unfinished, to);
}

const unknownProgram = (name: string): Error => new Error(`${name} is not installed`);

/** Where each library that a program or library maps is found: name to path. The loader itself is not among them. */
export function librariesOf(path: string, searched: string | undefined): Map<string, string> {
  const env = { ...process.env, ...(searched === undefined ? {} : { LD_LIBRARY_PATH: searched }) };
  const said = execFileSync(programPath('ldd')!, [path], { encoding: 'utf8', env });
  const found = new Map<string, string>();
  for (const [, name, file] of said.matchAll(/^\s+(\S+) => (\/\S+) \(0x/gm))
    found.set(name!, file!);
  const lost = /^\s+(\S+) => not found/m.exec(said);
  if (lost !== null) throw new Error(`${path} needs ${lost[1]!}, which is not installed`);
  return found;
}

/** Copies of programs that share a directory of libraries. */
export class PrivatePrograms {
  readonly #directory: string;

  private constructor(directory: string) {
    this.#directory = directory;
    for (const part of ['bin', 'lib', 'python']) {
      mkdirSync(join(directory, part), { recursive: true, mode: 0o755 });
    }
  }

  /** Those of the whole run: a large program is copied once. */
  static shared(): PrivatePrograms {
    return new PrivatePrograms(join(privateRoot(), 'shared'));
  }

  /** In a directory of their own, which no tracer has ever looked into. {@link remove} them at the end. */
  static fresh(): PrivatePrograms {
    const directory = mkdtempSync(join(privateRoot(), 'fresh-'));
    chmodSync(directory, 0o755);
    return new PrivatePrograms(directory);
  }

  /** Where the libraries are. */
  get libraries(): string {
    return join(this.#directory, 'lib');
  }

  /** A program of this machine, copied unless that was done. */
  program(name: string): PrivateProgram {
    const from = name === 'node' ? process.execPath : programPath(name);
    if (from === undefined) throw unknownProgram(name);
    return this.file(realpathSync(from), name);
  }

  /** Python with its module `ssl`; the rest of its library is the installed one. */
  python(): PrivateProgram {
    const installed = programPath('python3');
    if (installed === undefined) throw unknownProgram('python3');
    const program = this.program('python3');
    const ask = ['-I', '-c', 'import _ssl, sys; print(_ssl.__file__); print(sys.base_prefix)'];
    const [module, home] = execFileSync(installed, ask, { encoding: 'utf8' }).trim().split('\n');
    const modules = join(this.#directory, 'python');
    const target = join(modules, basename(module!));
    if (!existsSync(target)) {
      this.#copyLibraries(module!);
      copy(realpathSync(module!), target);
    }
    return { path: program.path, env: { ...program.env, PYTHONHOME: home!, PYTHONPATH: modules } };
  }

  /** Any program file, such as one that the suite compiled. */
  file(from: string, name = basename(from)): PrivateProgram {
    const path = join(this.#directory, 'bin', name);
    if (!existsSync(path)) {
      this.#copyLibraries(from);
      copy(from, path);
    }
    expectPrivateLibraries(path, this.libraries);
    return { path, env: { LD_LIBRARY_PATH: this.libraries } };
  }

  /** Deletes the copies. */
  remove(): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #copyLibraries(from: string): void {
    for (const [name, file] of librariesOf(from, undefined)) {
      const to = join(this.libraries, name);
      if (!existsSync(to)) copy(realpathSync(file), to);
    }
  }
}

/** @throws when the loader would take a library from anywhere but `libraries` */
function expectPrivateLibraries(path: string, libraries: string): void {
  for (const [name, file] of librariesOf(path, libraries)) {
    if (dirname(realpathSync(file)) !== realpathSync(libraries)) {
      throw new Error(`${path} would use ${file} for ${name}, not a private copy`);
    }
  }
}
