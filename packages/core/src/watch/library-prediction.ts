// SPDX-License-Identifier: Apache-2.0
import { BoundedMap } from './bounded-map.js';
import { FileTree } from './file-tree.js';
import { type LoadedObject, LibrarySearch } from './library-search.js';
import { type FileState, type OpenedFile, fileState } from './opened-file.js';
import type { DynamicInfo, ReadDynamic } from './types.js';

const LIBRARIES_MAX = 512;
const NEEDED_MAX = 256;
const LIBRARY_PATHS_MAX = 64;
const PREDICTIONS_KEPT = 512;
const READ_KEPT = 4_096;
const TREES_KEPT = 64;
/** Searched anew after so long: a library may have come to stand before the one that was found. */
const TRUSTED_NS = 10e9;

/** What is asked of {@link LibraryPrediction}. */
export interface PredictionRequest {
  /** The executable. */
  readonly executable: OpenedFile;
  /** Its path in the process' file tree. */
  readonly path: string;
  /** Root directory of the process: `/proc/1234/root`. */
  readonly root: string;
  /** Names that root: the same for processes of one container. */
  readonly rootId: string;
  /** The root is this process' own. */
  readonly rootIsOwn: boolean;
  /** `LD_LIBRARY_PATH` of the process. */
  readonly libraryPath: string | undefined;
  /** `LD_PRELOAD` of the process. */
  readonly preload: string | undefined;
}

/** A library that the loader will map. */
export interface PredictedLibrary {
  /** Path in the process' file tree, without symbolic links. */
  readonly path: string;
  /** Opens it in this process. */
  readonly outside: string;
  readonly state: FileState;
}

/** Says which libraries a program will map, before its loader does: programs may live for milliseconds only. */
export class LibraryPrediction {
  readonly #readDynamic: ReadDynamic;
  readonly #now: () => number;
  /** Paths of wanted libraries. */
  readonly #wanted = new BoundedMap<
    string,
    { readonly untilNs: number; readonly paths: readonly string[] }
  >(PREDICTIONS_KEPT);
  readonly #read = new BoundedMap<string, { readonly dynamic: DynamicInfo | undefined }>(READ_KEPT);
  readonly #trees = new BoundedMap<string, { readonly untilNs: number; readonly tree: FileTree }>(
    TREES_KEPT,
  );

  constructor(readDynamic: ReadDynamic, now: () => number) {
    this.#readDynamic = readDynamic;
    this.#now = now;
  }

  /** Forgets which libraries were wanted. */
  forget(): void {
    this.#wanted.clear();
  }

  /** What the loader reads of a file, read once for each content. */
  #dynamicOf(openPath: string, state: FileState): DynamicInfo | undefined {
    const { device, inode, size, modifiedNs, changedNs } = state;
    const key = `${device}:${inode} ${size} ${modifiedNs} ${changedNs}`;
    let known = this.#read.get(key);
    if (known === undefined) {
      known = { dynamic: this.#readDynamic(openPath) };
      this.#read.set(key, known);
    }
    return known.dynamic;
  }

  /**
   * Calls `look` with each library as soon as it is found; those for which it has said yes are remembered, and are the
   * only ones the next time. Of what an object needs, names that are `likely` to be wanted go first.
   */
  each(
    request: PredictionRequest,
    likely: (name: string) => boolean,
    look: (library: PredictedLibrary) => boolean,
  ): void {
    const tree = this.#treeOf(request);
    const key = keyOf(request);
    const known = this.#wanted.get(key);
    if (known !== undefined && known.untilNs > this.#now()) {
      for (const path of known.paths) {
        const outside = tree.outside(path);
        const state = fileState(outside);
        if (state !== undefined) look({ path, outside, state });
      }
      return;
    }
    const paths: string[] = [];
    for (const library of this.#libraries(request, tree, likely)) {
      if (look(library)) paths.push(library.path);
    }
    this.#wanted.set(key, { untilNs: this.#now() + TRUSTED_NS, paths });
  }

  *#libraries(
    request: PredictionRequest,
    tree: FileTree,
    likely: (name: string) => boolean,
  ): Iterable<PredictedLibrary> {
    const { executable, path } = request;
    const dynamic = this.#dynamicOf(executable.openPath, executable.state);
    if (dynamic === undefined) return;
    const program: LoadedObject = { path, dynamic, neededBy: undefined };
    const libraryPath = (request.libraryPath?.split(/[:;]/) ?? [])
      .filter((one) => one !== '')
      .slice(0, LIBRARY_PATHS_MAX);
    const search = new LibrarySearch(tree, dynamic);
    const libraries = new Map<string, PredictedLibrary & { readonly dynamic: DynamicInfo }>();
    const accepts = (real: string): boolean => {
      if (libraries.has(real)) return true;
      const outside = tree.outside(real);
      const state = fileState(outside);
      const its = state && this.#dynamicOf(outside, state);
      if (its?.machine !== dynamic.machine) return false;
      libraries.set(real, { path: real, outside, state: state!, dynamic: its });
      return true;
    };
    const seen = new Set<string>();
    const waiting: LoadedObject[] = [program];
    for (let next = 0; next < waiting.length; next++) {
      const object = waiting[next]!;
      const first = object === program ? preloaded(request) : [];
      const needed = [...first, ...object.dynamic.needed].slice(0, NEEDED_MAX);
      const likelyFirst = new Set([...needed.filter(likely), ...needed]);
      for (const name of likelyFirst) {
        for (const real of search.find(name, object, libraryPath, accepts)) {
          if (seen.has(real)) continue;
          if (seen.size >= LIBRARIES_MAX) return;
          seen.add(real);
          const library = libraries.get(real)!;
          yield library;
          waiting.push({ path: real, dynamic: library.dynamic, neededBy: object });
        }
      }
    }
  }

  #treeOf({ root, rootId, rootIsOwn }: PredictionRequest): FileTree {
    const known = this.#trees.get(rootId);
    if (known !== undefined && known.untilNs > this.#now()) return known.tree.through(root);
    const tree = new FileTree(root, rootIsOwn);
    this.#trees.set(rootId, { untilNs: this.#now() + TRUSTED_NS, tree });
    return tree;
  }
}

function preloaded({ preload }: PredictionRequest): readonly string[] {
  return (preload?.split(/[: ]/) ?? []).filter((one) => one !== '');
}

function keyOf(request: PredictionRequest): string {
  const { device, inode, size, modifiedNs } = request.executable.state;
  const { rootId, path, libraryPath, preload } = request;
  const file = `${device}:${inode} ${size} ${modifiedNs}`;
  return JSON.stringify([file, rootId, path, libraryPath ?? '', preload ?? '']);
}
