// SPDX-License-Identifier: Apache-2.0
import type { BinaryRef } from '../plugin/index.js';
import type { BinaryStatus } from '../tracer/types.js';

/** The part of a source of plaintext that the watcher asks; a `UprobePlugin` is one. */
export interface WatchedSource {
  /** Unique among active sources. */
  readonly name: string;
  /** Cheap, by the path alone: whether the file is worth a look. */
  wants(binary: BinaryRef): boolean;
}

/** Probes of one source in one file. */
export interface PlacedBinary {
  /** What was found in the file and placed there. The watcher fills in `processes`. */
  status(): readonly BinaryStatus[];
  /** Takes the probes out of the file. Called once. Never throws. */
  remove(): void;
}

/** Puts probes into files. */
export interface ProbePlacer {
  /**
   * Inspects a file and places what one source wants there. Called once per file and source, however many processes use
   * the file; again only after the placement was removed, or when the file was written to. Never throws.
   *
   * @param binary The file. Its path is that of the process that was seen first with it.
   * @param openPath Opens the same file in this process (`/proc/self/fd/N`), also when it has been deleted, when it is in
   * a container, or when the process is gone. Valid until after {@link PlacedBinary.remove}; right away when nothing is
   * returned.
   * @param source Name of the source.
   * @returns Undefined when the source has no use for the file. A file that it wanted and that cannot be probed is a
   * placement too, whose status says why.
   */
  place(binary: BinaryRef, openPath: string, source: string): PlacedBinary | undefined;

  /**
   * A source's probes were taken out of a file that processes use: what they do until its probes are placed again is not
   * seen.
   */
  interrupted(source: string): void;
}

/** What the dynamic loader reads of a file. */
export interface DynamicInfo {
  /** Instruction set; the loader takes libraries of the same one only. */
  readonly machine: string;
  /** Path of the dynamic loader (`PT_INTERP`); undefined for libraries and static executables. */
  readonly interpreter: string | undefined;
  /** `DT_NEEDED`, in order. */
  readonly needed: readonly string[];
  /** Directories of `DT_RPATH`, in order, not expanded. */
  readonly rpath: readonly string[];
  /** Directories of `DT_RUNPATH`, in order, not expanded. */
  readonly runpath: readonly string[];
}

/** Reads what the dynamic loader reads of a file; undefined when it is none that can be read. Never throws. */
export type ReadDynamic = (openPath: string) => DynamicInfo | undefined;

/** Time, as the watcher sees it. */
export interface WatchClock {
  /** Nanoseconds of CLOCK_MONOTONIC. */
  now(): number;
  /** Runs something later; the result cancels it. */
  after(delayMs: number, run: () => void): () => void;
}
