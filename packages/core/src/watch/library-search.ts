// SPDX-License-Identifier: Apache-2.0
import type { FileTree } from './file-tree.js';
import { configuredDirectories } from './loader-config.js';
import type { DynamicInfo } from './types.js';

const DIRECTORIES_MAX = 64;
const VARIANTS_MAX = 16;
/** Places looked at for one program. Large ones have a hundred libraries, found within ten places each. */
const PLACES_MAX = 16_384;

/** An object that the loader has loaded, on whose behalf it searches. */
export interface LoadedObject {
  /** Path in the process' file tree, without symbolic links. */
  readonly path: string;
  readonly dynamic: DynamicInfo;
  /** The object that needed it; undefined for the executable. */
  readonly neededBy: LoadedObject | undefined;
}

/** How names of processors are spelt in paths of libraries. */
const multiarch: Readonly<Record<string, string>> = {
  x86_64: 'x86_64-linux-gnu',
  aarch64: 'aarch64-linux-gnu',
};

/** Finds libraries where the dynamic loader finds them: ld.so(8) of glibc, ld-musl. */
export class LibrarySearch {
  readonly #tree: FileTree;
  readonly #machine: string;
  readonly #isMusl: boolean;
  readonly #defaults: readonly string[];
  #placesLeft = PLACES_MAX;

  constructor(tree: FileTree, executable: DynamicInfo) {
    this.#tree = tree;
    this.#machine = executable.machine;
    this.#isMusl = executable.interpreter?.includes('ld-musl') ?? false;
    this.#defaults = this.#isMusl ? this.#muslDirectories() : this.#glibcDirectories();
  }

  /**
   * Files that the loader may take for a needed name, without symbolic links: those of the first directory that has any;
   * more than one when there are variants for processors. `accepts`: whether it is a library that the loader takes.
   */
  find(
    name: string,
    by: LoadedObject,
    libraryPath: readonly string[],
    accepts: (real: string) => boolean,
  ): readonly string[] {
    if (name.includes('/')) return this.#accepted([expandOne(name, by.path)], accepts);
    for (const directory of this.#directories(by, libraryPath)) {
      if (this.#placesLeft-- <= 0) return [];
      const found = this.#accepted(this.#candidates(directory, name), accepts);
      if (found.length > 0) return found;
    }
    return [];
  }

  #accepted(
    paths: readonly (string | undefined)[],
    accepts: (real: string) => boolean,
  ): readonly string[] {
    return paths
      .map((path) => (path?.startsWith('/') ? this.#tree.real(path) : undefined))
      .filter((real): real is string => real !== undefined && accepts(real));
  }

  *#directories(by: LoadedObject, libraryPath: readonly string[]): Iterable<string> {
    const runpath = this.#expanded(by.dynamic.runpath, by.path);
    if (this.#isMusl) {
      yield* libraryPath;
      for (let one: LoadedObject | undefined = by; one; one = one.neededBy) {
        yield* this.#expanded([...one.dynamic.runpath, ...one.dynamic.rpath], one.path);
      }
    } else {
      // DT_RPATH counts for all that an object needs in turn, and not at all for one that has DT_RUNPATH.
      for (
        let one: LoadedObject | undefined = by;
        one && runpath.length === 0;
        one = one.neededBy
      ) {
        if (one.dynamic.runpath.length === 0) yield* this.#expanded(one.dynamic.rpath, one.path);
      }
      yield* libraryPath.flatMap((path) => this.#expanded([path], by.path));
      yield* runpath;
    }
    yield* this.#defaults;
  }

  #candidates(directory: string, name: string): readonly string[] {
    const plain = `${directory}/${name}`;
    if (this.#isMusl) return [plain];
    const variants = `${directory}/glibc-hwcaps`;
    const found = this.#tree.list(variants).slice(0, VARIANTS_MAX);
    return [...found.map((one) => `${variants}/${one}/${name}`), plain];
  }

  /** Directories with `$ORIGIN`, `$LIB` and `$PLATFORM` filled in: the first alone has one value everywhere. */
  #expanded(paths: readonly string[], object: string): readonly string[] {
    const libs = [`lib/${multiarch[this.#machine] ?? ''}`, 'lib64', 'lib'];
    return paths.slice(0, DIRECTORIES_MAX).flatMap((path) => {
      const fixed = expandOne(path, object).replace(
        /\$(?:PLATFORM\b|\{PLATFORM\})/g,
        this.#machine,
      );
      const lib = /\$(?:LIB\b|\{LIB\})/g;
      return lib.test(fixed) ? libs.map((one) => fixed.replace(lib, one)) : [fixed];
    });
  }

  #glibcDirectories(): readonly string[] {
    const arch = multiarch[this.#machine];
    return [
      ...configuredDirectories(this.#tree),
      ...(arch === undefined ? [] : [`/lib/${arch}`, `/usr/lib/${arch}`]),
      ...['/lib64', '/usr/lib64', '/lib', '/usr/lib'],
    ];
  }

  #muslDirectories(): readonly string[] {
    const configured = this.#tree.text(`/etc/ld-musl-${this.#machine}.path`);
    const paths = configured.split(/[:\n]/).filter((path) => path.startsWith('/'));
    return paths.length > 0 ? paths : ['/lib', '/usr/local/lib', '/usr/lib'];
  }
}

function expandOne(path: string, object: string): string {
  const origin = object.slice(0, object.lastIndexOf('/'));
  // As a function: the directory may hold a dollar sign.
  return path.replace(/\$(?:ORIGIN\b|\{ORIGIN\})/g, () => origin);
}
