// SPDX-License-Identifier: Apache-2.0
import type { BinaryRef } from '../plugin/index.js';
import type { BinaryStatus } from '../tracer/types.js';
import type { AllowedDirectories } from './allowed-directories.js';
import { BoundedMap } from './bounded-map.js';
import { Decisions, type NamedFile } from './decisions.js';
import { Failures } from './failures.js';
import { type OpenedFile, fileState, sameContent } from './opened-file.js';
import { SettlingFiles } from './settling-files.js';
import { isGone, systemReason } from './system-reason.js';
import type { ProbePlacer, WatchedSource } from './types.js';
import { Placement, WatchedFile } from './watched-file.js';

const DECLINED_KEPT = 8_192;
const NONE: readonly Placement[] = [];

/** What {@link WatchedFiles} is made with. */
export interface WatchedFilesOptions {
  readonly placer: ProbePlacer;
  readonly allowed: AllowedDirectories;
  readonly delayNs: number;
  readonly keepNs: number;
  /** Files that are held at once. */
  readonly filesMax: number;
  readonly now: () => number;
  /** What a process used in a file is over: its maps must be read again. */
  readonly lost: (pid: number) => void;
  /** What was placed in a file that the user named is over: it must be looked at again. */
  readonly lostNamed: () => void;
}

/** Files that sources want: found once under every name, probed while somebody uses them. */
export class WatchedFiles {
  readonly #options: WatchedFilesOptions;
  readonly #decisions = new Decisions();
  readonly #files = new Map<string, WatchedFile>();
  /** Files that a source had no use for once it had read them. */
  readonly #declined = new BoundedMap<string, true>(DECLINED_KEPT);
  readonly #failures = new Failures();
  readonly #waiting = new Set<Placement>();
  readonly #idle = new Set<Placement>();
  readonly #settling = new SettlingFiles();
  #sources: readonly WatchedSource[];

  constructor(options: WatchedFilesOptions, sources: readonly WatchedSource[]) {
    this.#options = options;
    this.#sources = sources;
  }

  /** What sources have in a file, or would have if somebody used it. Empty when none wants it. */
  look(named: NamedFile): readonly Placement[] {
    const now = this.#options.now();
    const known = this.#decisions.get(named, now);
    if (known !== undefined) return placementsOf(known.file);
    let opened: OpenedFile;
    try {
      opened = named.open();
    } catch (error) {
      if (!isGone(error)) this.#cannotOpen(named, systemReason(error));
      this.#decisions.set(named, now, undefined, undefined);
      return NONE;
    }
    const found = this.#fileFor(named, opened);
    const file = found === 'no room' ? undefined : found;
    if (file?.opened !== opened) opened.close();
    this.#decisions.set(named, now, found === 'no room' ? undefined : opened.state, file);
    return placementsOf(file);
  }

  /** Whether a source may want a library of that name, wherever it is. */
  isWantedByName(name: string): boolean {
    const binary = { path: `/usr/lib/${name}`, device: 0, inode: 0, isExecutable: false };
    return this.#sources.some((source) => this.#wants(source, binary));
  }

  /** A process uses a file: its probes are placed, if they are not yet. */
  use(placement: Placement, pid: number): void {
    placement.users.add(pid);
    this.#wanted(placement);
  }

  /** A file is probed whoever uses it. */
  keep(placement: Placement): void {
    placement.kept = true;
    this.#wanted(placement);
  }

  /** A process does not use a file any more. */
  release(placement: Placement, pid: number): void {
    placement.users.delete(pid);
    if (!placement.isIdle || placement.state === 'over') return;
    placement.idleSinceNs = this.#options.now();
    this.#idle.add(placement);
  }

  /** Says that a file cannot be probed that was named or is wanted by its path. */
  fail(path: string, source: string, reason: string): void {
    this.#failures.add(path, source, reason);
  }

  /** Compares every file with what it was when its probes were placed; takes them out of what was changed. */
  compareAll(): void {
    for (const file of this.#files.values()) this.#compare(file);
  }

  /** The same for one file, by a path that opens it in this process. */
  compareOne(path: string): void {
    const found = this.#files.size === 0 ? undefined : fileState(path);
    if (found === undefined) return;
    const { device, inode } = found;
    for (const file of this.#files.values()) {
      const { state } = file.opened;
      if (state.inode === inode && state.device === device) this.#compare(file);
    }
  }

  /** Places what has waited long enough, removes what nobody has used for long enough. */
  tick(nowNs: number): void {
    for (const placement of this.#waiting) {
      if (placement.dueNs <= nowNs && !placement.isIdle) this.#place(placement);
    }
    for (const placement of this.#idle) {
      if (!placement.isIdle) this.#idle.delete(placement);
      else if (nowNs - placement.idleSinceNs >= this.#options.keepNs) this.#remove(placement);
    }
  }

  /** When {@link tick} has something to place next; undefined when nothing waits. */
  nextDueNs(): number | undefined {
    let next: number | undefined;
    for (const { dueNs, isIdle } of this.#waiting) {
      if (!isIdle && (next === undefined || dueNs < next)) next = dueNs;
    }
    return next;
  }

  /** Replaces the sources. What one that stays has in files stays; every process must be looked at again. */
  setSources(sources: readonly WatchedSource[]): void {
    for (const { placements } of this.#files.values()) {
      for (const placement of placements.values()) {
        const { source } = placement;
        const before = this.#sources.find(({ name }) => name === source);
        if (before === undefined || !sources.includes(before)) this.#remove(placement);
      }
    }
    this.#sources = sources;
    this.#decisions.clear();
    this.#declined.clear();
    this.#failures.clear();
  }

  report(): readonly BinaryStatus[] {
    const placements = [...this.#files.values()].flatMap((file) => [...file.placements.values()]);
    return [...placements.flatMap((one) => one.status()), ...this.#failures.report()];
  }

  close(): void {
    for (const { placements } of this.#files.values()) {
      for (const placement of placements.values()) {
        placement.users.clear();
        this.#remove(placement);
      }
    }
    this.#decisions.clear();
  }

  #fileFor(named: NamedFile, opened: OpenedFile): WatchedFile | 'no room' | undefined {
    const binary: BinaryRef = {
      path: named.path,
      device: Number(opened.state.device),
      inode: Number(opened.state.inode),
      isExecutable: named.isExecutable,
    };
    const wanting = this.#sources.filter((source) => this.#wants(source, binary));
    if (wanting.length === 0) return undefined;
    const identity = opened.identity();
    const undecided = wanting.filter(
      ({ name }) => !this.#declined.get(declinedKey(identity, opened, name)),
    );
    if (undecided.length === 0) return undefined;
    const file = this.#heldFile(identity, opened) ?? this.#hold(identity, opened);
    for (const { name } of undecided) {
      if (file === 'no room') {
        this.fail(binary.path, name, `${this.#options.filesMax} files are probed already`);
      } else if (!file.placements.has(name)) {
        this.#newPlacement(file, name, binary);
      }
    }
    return file;
  }

  /** The file as it is known; one that was written to since is given up: its probes are at places of the old code. */
  #heldFile(identity: string, opened: OpenedFile): WatchedFile | undefined {
    const file = this.#files.get(identity);
    if (file === undefined || sameContent(file.opened.state, opened.state)) return file;
    // Another container's name for it: held by that name.
    if (file.opened.state.device !== opened.state.device) return file;
    this.#compare(file);
    return this.#files.get(identity);
  }

  /**
   * Probes are at places of the code that a file had. In code that was written over it since, they are in the middle of
   * instructions: they are taken out first of all.
   */
  #compare(file: WatchedFile): boolean {
    const found = file.opened.compare();
    if (found === 'unchanged') return true;
    const placements = [...file.placements.values()];
    const wasPlaced = placements.some(({ placed }) => placed !== undefined);
    for (const placement of placements) this.#remove(placement);
    const users = [...new Set(placements.flatMap((placement) => [...placement.users]))];
    // Who has mapped what was written over since is not looked at again before somebody maps what is there now.
    const waits = found === 'written' && wasPlaced;
    this.#settling.changed(file.opened.state, this.#options.now(), waits ? users : []);
    if (!waits) for (const pid of users) this.#options.lost(pid);
    if (placements.some(({ kept }) => kept)) this.#options.lostNamed();
    return false;
  }

  #hold(identity: string, opened: OpenedFile): WatchedFile | 'no room' {
    if (this.#files.size >= this.#options.filesMax) this.#removeLongestIdle();
    if (this.#files.size >= this.#options.filesMax) return 'no room';
    const { quietNs, users } = this.#settling.again(opened.state, this.#options.now());
    for (const pid of users) this.#options.lost(pid);
    const file = new WatchedFile(identity, opened, quietNs);
    this.#files.set(identity, file);
    return file;
  }

  #newPlacement(file: WatchedFile, source: string, binary: BinaryRef): void {
    const placement = new Placement(file, source, binary, this.#options.now());
    file.placements.set(source, placement);
    this.#idle.add(placement);
    const reason = this.#options.allowed.refusal(file.opened);
    if (reason === undefined) return;
    placement.state = 'refused';
    this.#failures.add(binary.path, source, reason, () => placement.users.size);
  }

  #wanted(placement: Placement): void {
    this.#idle.delete(placement);
    if (placement.state !== 'unused') return;
    placement.state = 'waiting';
    const now = this.#options.now();
    const delayNs = placement.kept ? 0 : this.#options.delayNs;
    placement.dueNs = Math.max(now + delayNs, placement.file.quietNs);
    if (placement.dueNs > now) this.#waiting.add(placement);
    else this.#place(placement);
  }

  #place(placement: Placement): void {
    const { file, source, binary } = placement;
    this.#waiting.delete(placement);
    file.opened.watch(() => this.#compare(file));
    if (!this.#compare(file)) return;
    try {
      placement.placed = this.#options.placer.place(binary, file.opened.openPath, source);
    } catch (error) {
      placement.state = 'refused';
      this.#failures.add(binary.path, source, systemReason(error), () => placement.users.size);
      return;
    }
    if (placement.placed === undefined) {
      this.#declined.set(declinedKey(file.identity, file.opened, source), true);
      this.#remove(placement);
    } else {
      placement.state = 'placed';
      placement.placedNs = this.#options.now();
      this.#failures.delete(binary.path, source);
      // It may have been written to while it was read.
      this.#compare(file);
    }
  }

  #remove(placement: Placement): void {
    const { file, source, placed } = placement;
    placement.state = 'over';
    placement.placed = undefined;
    this.#waiting.delete(placement);
    this.#idle.delete(placement);
    file.placements.delete(source);
    placed?.remove();
    if (placed !== undefined && placement.users.size > 0) this.#options.placer.interrupted(source);
    file.revision++;
    if (file.placements.size > 0) return;
    this.#files.delete(file.identity);
    file.opened.close();
  }

  #removeLongestIdle(): void {
    let longest: Placement | undefined;
    for (const placement of this.#idle) {
      if (longest === undefined || placement.idleSinceNs < longest.idleSinceNs) longest = placement;
    }
    if (longest !== undefined) this.#remove(longest);
  }

  #wants(source: WatchedSource, binary: BinaryRef): boolean {
    try {
      return source.wants(binary);
    } catch (error) {
      this.fail(binary.path, source.name, `the source failed: ${systemReason(error)}`);
      return false;
    }
  }

  #cannotOpen(named: NamedFile, reason: string): void {
    const { path, isExecutable } = named;
    for (const source of this.#sources) {
      if (this.#wants(source, { path, device: 0, inode: 0, isExecutable })) {
        this.fail(path, source.name, `it could not be opened: ${reason}`);
      }
    }
  }
}

function placementsOf(file: WatchedFile | undefined): readonly Placement[] {
  return file === undefined ? NONE : [...file.placements.values()];
}

function declinedKey(identity: string, { state }: OpenedFile, source: string): string {
  return `${identity} ${state.size} ${state.modifiedNs} ${state.changedNs} ${source}`;
}
