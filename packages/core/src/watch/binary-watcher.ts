// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path';
import type { BinaryStatus, UprobeOptions } from '../tracer/types.js';
import { AllowedDirectories } from './allowed-directories.js';
import { DueTimer } from './due-timer.js';
import { LibraryPrediction } from './library-prediction.js';
import { ProcessMatch } from './process-match.js';
import { Procfs, type ProcessNames } from './procfs.js';
import { ProgramFiles } from './program-files.js';
import { readDynamic } from './read-dynamic.js';
import { isGone, systemReason } from './system-reason.js';
import type { ProbePlacer, ReadDynamic, WatchClock, WatchedSource } from './types.js';
import { systemClock } from './watch-clock.js';
import type { Placement } from './watched-file.js';
import { WatchedFiles } from './watched-files.js';
import type { WatchedProcess } from './watched-process.js';
import { WatchedProcesses } from './watched-processes.js';

const KEEP_MS = 60_000;
const FILES_MAX = 1_024;
const PROCESSES_MAX = 65_536;
/** Maps of one process are read at most so often: a program that starts maps dozens of files. */
const SCAN_EVERY_NS = 5e6;
/** A library that was predicted counts as used for so long before the process has to have mapped it. */
const EXPECTED_NS = 2e9;
/** Processes looked for at each tick, of which the end may have been missed. */
const CHECKED_PER_TICK = 32;

/** What a {@link BinaryWatcher} is made with. */
export interface BinaryWatcherOptions extends UprobeOptions {
  /** Puts probes into files. */
  readonly placer: ProbePlacer;
  /** The sources of plaintext. */
  readonly sources: readonly WatchedSource[];
  /** The tracer: never looked into. */
  readonly ownPid: number;
  /** Where procfs is mounted. Default `/proc`. */
  readonly procfs?: string;
  /** Default: the system's. */
  readonly clock?: WatchClock;
  /** Default: by the ELF reader. */
  readonly readDynamic?: ReadDynamic;
  /** Files that are probed at once. Default 1,024. */
  readonly filesMax?: number;
  /** Processes that are known at once. Default 65,536. */
  readonly processesMax?: number;
}

/**
 * Finds the program files that traced processes use, and has the placer put probes into those that a source wants: once
 * per file, however many processes use it, from before its code first runs (where that can be foreseen) until some time
 * after the last process has gone.
 */
export class BinaryWatcher {
  readonly #options: BinaryWatcherOptions;
  readonly #clock: WatchClock;
  readonly #procfs: Procfs;
  readonly #files: WatchedFiles;
  readonly #prediction: LibraryPrediction;
  readonly #programs: ProgramFiles;
  readonly #processes: WatchedProcesses;
  /** Processes whose maps are to be read again. */
  readonly #stale = new Set<WatchedProcess>();
  /** Processes with predicted libraries that they have not mapped yet. */
  readonly #expecting = new Set<WatchedProcess>();
  #match: ProcessMatch;
  #sources: readonly WatchedSource[];
  #begun = false;
  #namedLost = false;
  #closed = false;
  readonly #timer: DueTimer;

  constructor(options: BinaryWatcherOptions) {
    this.#options = options;
    this.#sources = options.sources;
    this.#clock = options.clock ?? systemClock;
    const now = (): number => this.#clock.now();
    this.#processes = new WatchedProcesses(options.processesMax ?? PROCESSES_MAX, (process) =>
      this.#forgotten(process),
    );
    this.#procfs = new Procfs(options.procfs);
    this.#match = new ProcessMatch(options.match, names(options.sources));
    this.#prediction = new LibraryPrediction(options.readDynamic ?? readDynamic, now);
    this.#files = new WatchedFiles(
      {
        placer: options.placer,
        allowed: new AllowedDirectories(options.onlyBelow),
        delayNs: (options.delayMs ?? 0) * 1e6,
        keepNs: (options.keepMs ?? KEEP_MS) * 1e6,
        filesMax: options.filesMax ?? FILES_MAX,
        now,
        lost: (pid) => this.#lost(pid),
        lostNamed: () => (this.#namedLost = true),
      },
      options.sources,
    );
    this.#timer = new DueTimer(this.#clock, () => this.#doWhatIsDue(now()));
    this.#programs = new ProgramFiles(this.#procfs, this.#files, this.#prediction);
  }

  /** Looks at the files that were named (the first time), and at processes that run. May be called again with more. */
  begin(pids: Iterable<number>): void {
    if (!this.#begun) {
      this.#begun = true;
      this.#placeNamed();
      this.#programs.prepare();
    }
    for (const pid of pids) this.#scanIfSelected(this.#known(pid));
    this.#schedule();
  }

  /** A process became another program. `path` is what it asked for. */
  executed(pid: number, path: string): void {
    if (this.#closed) return;
    this.#files.compareOne(this.#procfs.path(pid, 'exe'));
    const parent = this.#processes.get(pid)?.parent ?? 0;
    const process = this.#add(pid, parent, path);
    if (process === undefined || process.sources.size === 0) return;
    const expectedUntil = this.#clock.now() + EXPECTED_NS;
    try {
      this.#programs.begun(
        pid,
        (placement) => this.#use(process, placement, 0),
        (placement) => this.#use(process, placement, expectedUntil),
      );
    } catch (error) {
      if (isGone(error)) this.#hasEnded(process, path);
      else this.#cannotLook(process, path, error);
    }
    this.#schedule();
  }

  /** A process was forked: it uses what its parent uses. */
  forked(pid: number, parent: number): void {
    const from = this.#processes.get(parent);
    const child = this.#add(pid, parent, undefined, from?.sources);
    if (child === undefined) return;
    if (from === undefined) this.#scanIfSelected(child);
    else for (const [placement, until] of from.uses) this.#use(child, placement, until);
    this.#schedule();
  }

  /** A process is traced. One that is not known (it was moved into a traced cgroup) is looked at. */
  met(pid: number): void {
    if (this.#closed || this.#processes.get(pid) !== undefined) return;
    this.#scanIfSelected(this.#known(pid));
    this.#schedule();
  }

  /** A process has mapped a file as code. */
  mapped(pid: number): void {
    if (this.#closed) return;
    const process = this.#known(pid);
    if (process === undefined || process.sources.size === 0) return;
    if (this.#clock.now() - process.scannedNs >= SCAN_EVERY_NS) this.#scan(process);
    else this.#stale.add(process);
    this.#schedule();
  }

  /** A process has ended. */
  exited(pid: number): void {
    this.#processes.forget(pid);
  }

  /** Time has passed. Ten times a second will do: what is more urgent has a timer of its own. */
  tick(nowNs: number): void {
    if (this.#closed) return;
    this.#files.compareAll();
    for (const process of this.#expecting) {
      if ([...process.uses.values()].some((until) => until > 0 && until <= nowNs)) {
        this.#scan(process);
      }
    }
    this.#processes.forgetEnded(CHECKED_PER_TICK, (pid) => this.#procfs.exists(pid));
    this.#doWhatIsDue(nowNs);
  }

  /** Whether a source looks into a process. A probe is in a file: it also runs for processes that do not match. */
  selects(pid: number, source: string): boolean {
    if (pid === this.#options.ownPid) return false;
    const sources = this.#known(pid)?.sources ?? this.#sourcesFor(pid);
    return sources.has(source);
  }

  /**
   * When the last probe was placed that a source needs in the files of a process; 0: not known. Until then some functions
   * were seen and others were not. A file that the process began to use later does not count: what it does with the others
   * is seen.
   */
  completeSince(pid: number, source: string): number {
    const process = this.#processes.get(pid);
    let first = Infinity;
    let since = 0;
    for (const placement of process?.uses.keys() ?? []) {
      const look = process?.foundBy.get(placement) ?? 0;
      if (placement.source !== source || look > first) continue;
      since = look < first ? placement.placedNs : Math.max(since, placement.placedNs);
      first = look;
    }
    return since;
  }

  /** Replaces the sources. Probes of one that stays are not touched. */
  setSources(sources: readonly WatchedSource[]): void {
    this.#sources = sources;
    this.#match = new ProcessMatch(this.#options.match, names(sources));
    this.#files.setSources(sources);
    this.#prediction.forget();
    if (this.#begun) this.#placeNamed();
    for (const process of this.#processes.all()) {
      process.sources = this.#match.sourcesFor(() => this.#procfs.names(process.pid));
      for (const placement of process.uses.keys()) {
        if (!process.sources.has(placement.source)) this.#drop(process, placement);
      }
      this.#scanIfSelected(process);
    }
    this.#schedule();
  }

  /** Every file that is probed, or was wanted and could not be, with the number of processes that use it now. */
  report(): readonly BinaryStatus[] {
    return this.#files.report();
  }

  /** Takes all probes out. Nothing is watched afterwards; what is known of processes stays, for events that are late. */
  stop(): void {
    this.#closed = true;
    this.#timer.cancel();
    this.#stale.clear();
    this.#expecting.clear();
    this.#files.close();
  }

  /** Takes all probes out and forgets. */
  close(): void {
    this.stop();
    this.#processes.clear();
  }

  #placeNamed(): void {
    const all = names(this.#sources).join(', ');
    for (const file of this.#options.files ?? []) {
      const path = resolve(file);
      let wanted = 0;
      try {
        this.#programs.named(path, (placement) => {
          wanted++;
          this.#files.keep(placement);
        });
        if (wanted === 0) this.#files.fail(path, all, 'no source wants it');
      } catch (error) {
        this.#files.fail(path, all, isGone(error) ? 'no such file' : systemReason(error));
      }
    }
  }

  #known(pid: number): WatchedProcess | undefined {
    return this.#processes.get(pid) ?? this.#add(pid, 0);
  }

  /** A process as it is from now on, whatever was known under its id. */
  #add(
    pid: number,
    parent: number,
    path?: string,
    sources?: ReadonlySet<string>,
  ): WatchedProcess | undefined {
    if (this.#closed || pid === this.#options.ownPid) return undefined;
    sources ??= this.#sourcesFor(pid, path);
    return this.#processes.add(pid, parent, sources);
  }

  #sourcesFor(pid: number, path?: string): ReadonlySet<string> {
    return this.#match.sourcesFor(() => namesOr(this.#procfs.names(pid), path));
  }

  #scanIfSelected(process: WatchedProcess | undefined): void {
    if (process !== undefined && process.sources.size > 0) this.#scan(process);
  }

  /** Reads what a process maps now. */
  #scan(process: WatchedProcess): void {
    const now = this.#clock.now();
    process.scannedNs = now;
    process.looks++;
    this.#stale.delete(process);
    const found = new Set<Placement>();
    try {
      this.#programs.mapped(process.pid, (placement) => {
        found.add(placement);
        this.#use(process, placement, 0);
      });
    } catch (error) {
      if (!isGone(error)) this.#cannotLook(process, this.#procfs.executable(process.pid), error);
    }
    for (const [placement, until] of process.uses) {
      if (!found.has(placement) && until <= now) this.#drop(process, placement);
    }
    if (![...process.uses.values()].some((until) => until > 0)) this.#expecting.delete(process);
  }

  /** `until`: as in {@link WatchedProcess.uses}. */
  #use(process: WatchedProcess, placement: Placement, until: number): void {
    if (placement.state === 'over' || !process.sources.has(placement.source)) return;
    if (until > 0) {
      if (process.uses.get(placement) === 0) return;
      this.#expecting.add(process);
    }
    process.uses.set(placement, until);
    if (!process.foundBy.has(placement)) process.foundBy.set(placement, process.looks);
    this.#files.use(placement, process.pid);
  }

  #drop(process: WatchedProcess, placement: Placement): void {
    process.uses.delete(placement);
    process.foundBy.delete(placement);
    this.#files.release(placement, process.pid);
  }

  /** A process was too short-lived: its files are probed for the next one. */
  #hasEnded(process: WatchedProcess, path: string): void {
    if (process.parent === 0) return;
    try {
      this.#programs.ended(process.parent, path, (placement) =>
        this.#use(process, placement, this.#clock.now()),
      );
    } catch (error) {
      if (!isGone(error)) this.#cannotLook(process, path, error);
    }
  }

  #cannotLook(process: WatchedProcess, path: string, error: unknown): void {
    const reason = `process ${process.pid} could not be looked into: ${systemReason(error)}`;
    for (const source of process.sources) {
      this.#files.fail(path || `/proc/${process.pid}/exe`, source, reason);
    }
  }

  #lost(pid: number): void {
    const process = this.#processes.get(pid);
    if (process !== undefined) this.#stale.add(process);
  }

  #forgotten(process: WatchedProcess): void {
    this.#stale.delete(process);
    this.#expecting.delete(process);
    for (const placement of process.uses.keys()) this.#drop(process, placement);
  }

  #doWhatIsDue(nowNs: number): void {
    if (this.#namedLost) {
      this.#namedLost = false;
      this.#placeNamed();
    }
    for (const process of this.#stale) {
      if (nowNs - process.scannedNs >= SCAN_EVERY_NS) this.#scan(process);
    }
    this.#files.tick(nowNs);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#closed) return;
    let dueNs = this.#files.nextDueNs() ?? Infinity;
    for (const { scannedNs } of this.#stale) dueNs = Math.min(dueNs, scannedNs + SCAN_EVERY_NS);
    this.#timer.by(dueNs);
  }
}

function names(sources: readonly WatchedSource[]): readonly string[] {
  return sources.map(({ name }) => name);
}

/** A process that is gone is known by the path that it executed. */
function namesOr(names: ProcessNames, path: string | undefined): ProcessNames {
  if (path === undefined || names.comm !== '') return names;
  return { comm: path.slice(path.lastIndexOf('/') + 1).slice(0, 15), exe: path, args: '' };
}
