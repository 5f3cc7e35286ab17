// SPDX-License-Identifier: Apache-2.0
import {
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { readFileSync } from 'node:fs';
import type { BinaryRef } from '../plugin/index.js';
import type { DynamicInfo, PlacedBinary, ProbePlacer, WatchClock } from './types.js';

/** A process as the fake procfs shows it. */
export interface FakeProcess {
  /** Paths in its file tree; the first is the executable. Mapped as code, each. */
  readonly maps?: readonly string[];
  readonly comm?: string;
  readonly args?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Device of every mapping, when it is not that of `stat`. */
  readonly device?: string;
  /** The last part of a mapping's line is written so. */
  readonly nameOf?: (path: string) => string;
}

/** A directory that looks like /proc, and a directory that looks like a root. */
export class FakeMachine implements Disposable {
  readonly directory = realpathSync(mkdtempSync(join(tmpdir(), 'libtrace-watch-')));
  readonly procfs = join(this.directory, 'proc');
  readonly root = join(this.directory, 'root');

  constructor() {
    mkdirSync(this.procfs);
    mkdirSync(this.root);
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** Writes a file below the root. Its text is what {@link readFakeDynamic} reads, when it is JSON. */
  file(path: string, content: string | Partial<DynamicInfo> = '', root = this.root): string {
    const outside = join(root, path);
    mkdirSync(dirname(outside), { recursive: true });
    writeFileSync(outside, typeof content === 'string' ? content : JSON.stringify(content));
    return outside;
  }

  link(path: string, target: string): void {
    mkdirSync(dirname(join(this.root, path)), { recursive: true });
    symlinkSync(target, join(this.root, path));
  }

  /** Starts a process, or changes what it is. */
  process(pid: number, fake: FakeProcess = {}, root = this.root): void {
    const directory = join(this.procfs, `${pid}`);
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(join(directory, 'map_files'), { recursive: true });
    symlinkSync(root, join(directory, 'root'));
    const { maps = [], comm = 'prog', args = [], environment = {} } = fake;
    const [executable] = maps;
    if (executable !== undefined) symlinkSync(join(root, executable), join(directory, 'exe'));
    const zeroEnded = (texts: readonly string[]): string => texts.map((one) => `${one}\0`).join('');
    writeFileSync(join(directory, 'comm'), `${comm}\n`);
    writeFileSync(join(directory, 'cmdline'), zeroEnded(args));
    writeFileSync(
      join(directory, 'environ'),
      zeroEnded(Object.entries(environment).map(([name, value]) => `${name}=${value}`)),
    );
    this.maps(pid, maps, fake, root);
  }

  /** What a process maps from now on. */
  maps(pid: number, paths: readonly string[], fake: FakeProcess = {}, root = this.root): void {
    const directory = join(this.procfs, `${pid}`);
    const lines = paths.map((path, i) => {
      const range = `${(0x7f00_0000_0000 + i * 0x10000).toString(16)}-${(0x7f00_0000_8000 + i * 0x10000).toString(16)}`;
      const outside = join(root, path);
      const { ino, dev } = statSync(outside);
      const device = fake.device ?? `${(dev >> 8).toString(16)}:${(dev & 0xff).toString(16)}`;
      rmSync(join(directory, 'map_files', range), { force: true });
      symlinkSync(outside, join(directory, 'map_files', range));
      // The executable's link shows the path as this process sees it.
      const name = fake.nameOf?.(path) ?? (i === 0 ? outside : path);
      return `${range} r-xp 00001000 ${device} ${ino}${' '.repeat(10)}${name}\n`;
    });
    writeFileSync(
      join(directory, 'maps'),
      `${lines.join('')}7ffd0000-7ffd2000 r-xp 00000000 00:00 0   [vdso]\n`,
    );
  }

  /** A process is gone. */
  end(pid: number): void {
    rmSync(join(this.procfs, `${pid}`), { recursive: true, force: true });
  }

  remove(path: string): void {
    unlinkSync(join(this.root, path));
  }
}

/** Reads what {@link FakeMachine.file} has written. */
export function readFakeDynamic(openPath: string): DynamicInfo | undefined {
  try {
    if (statSync(openPath).size > 65_536) return undefined;
    const info = JSON.parse(readFileSync(openPath, 'utf8')) as Partial<DynamicInfo>;
    const none = { machine: 'x86_64', interpreter: undefined, needed: [], rpath: [], runpath: [] };
    return { ...none, ...info };
  } catch {
    return undefined;
  }
}

/** What a {@link FakePlacer} was asked to do. */
export interface FakePlacement {
  readonly binary: BinaryRef;
  readonly source: string;
  /** What the file held when it was opened by the path that was given. */
  readonly content: string;
  removed: boolean;
}

/** Places nothing and remembers everything. */
export class FakePlacer implements ProbePlacer {
  readonly calls: FakePlacement[] = [];
  /** Files that a source has no use for once it has read them. */
  declines: (binary: BinaryRef) => boolean = () => false;
  onPlace: (() => void) | undefined;
  /** Sources whose calls were not seen for a moment. */
  readonly interruptions: string[] = [];

  interrupted(source: string): void {
    this.interruptions.push(source);
  }

  place(binary: BinaryRef, openPath: string, source: string): PlacedBinary | undefined {
    const call = { binary, source, content: readFileSync(openPath, 'utf8'), removed: false };
    this.calls.push(call);
    call.removed = true;
    this.onPlace?.();
    if (this.declines(binary)) return undefined;
    call.removed = false;
    return {
      status: () => [
        {
          path: binary.path,
          source,
          summary: 'found',
          details: [],
          attached: true,
          probes: [],
          processes: 0,
        },
      ],
      remove: () => {
        if (call.removed) throw new Error('removed twice');
        call.removed = true;
      },
    };
  }

  /** Paths of files that have probes now. */
  get paths(): readonly string[] {
    return this.calls.filter(({ removed }) => !removed).map(({ binary }) => binary.path);
  }
}

/** Time that passes when it is told to. */
export class FakeClock implements WatchClock {
  #ns = 1e9;
  readonly #timers = new Set<{ readonly dueNs: number; readonly run: () => void }>();

  now(): number {
    return this.#ns;
  }

  after(delayMs: number, run: () => void): () => void {
    const timer = { dueNs: this.#ns + delayMs * 1e6, run };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Timers that wait. */
  get waiting(): number {
    return this.#timers.size;
  }

  pass(ms: number): number {
    this.#ns += ms * 1e6;
    for (const timer of this.#timers) {
      if (timer.dueNs > this.#ns) continue;
      this.#timers.delete(timer);
      timer.run();
    }
    return this.#ns;
  }
}
