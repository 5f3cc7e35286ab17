// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, realpathSync, rmSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BinaryRef } from '../plugin/index.js';
import { BinaryWatcher, type BinaryWatcherOptions } from './binary-watcher.js';
import type { ProbePlacer } from './types.js';

/** Path of the C library that a program uses, as the loader itself says; '' where there is none. */
function libraryOf(program: string): string {
  try {
    return (
      /=> (\/\S*\/libc\.so\S*)/.exec(execFileSync('ldd', [program], { encoding: 'utf8' }))?.[1] ??
      ''
    );
  } catch {
    return '';
  }
}

const sleep = '/bin/sleep';
const libc = process.platform === 'linux' ? libraryOf(sleep) : '';

/** Processes of this machine, started here; nothing is placed in any file. */
describe.runIf(libc !== '')('BinaryWatcher on real processes', () => {
  let directory: string;
  let program: string;
  let library: string;
  let children: ChildProcess[];
  let placed: { binary: BinaryRef; openPath: string }[];
  let watcher: BinaryWatcher;

  beforeEach(() => {
    directory = realpathSync(mkdtempSync(join(tmpdir(), 'libtrace-watch-')));
    program = join(directory, 'my sleep');
    mkdirSync(join(directory, 'lib'));
    library = join(directory, 'lib', basename(libc));
    copyFileSync(sleep, program);
    copyFileSync(libc, library);
    children = [];
    placed = [];
  });

  afterEach(() => {
    watcher.close();
    for (const child of children) child.kill('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  });

  function watch(options: Partial<BinaryWatcherOptions> = {}): void {
    const placer: ProbePlacer = {
      place: (binary, openPath) => {
        placed.push({ binary, openPath });
        return { status: () => [], remove: () => undefined };
      },
      interrupted: () => undefined,
    };
    const wants = ({ path }: BinaryRef): boolean => path.startsWith(directory);
    const ownPid = process.pid;
    watcher = new BinaryWatcher({ placer, sources: [{ name: 'all', wants }], ownPid, ...options });
  }

  async function start(): Promise<number> {
    const env = { LD_LIBRARY_PATH: join(directory, 'lib') };
    const child = spawn(program, ['60'], { env, stdio: 'ignore' });
    children.push(child);
    await new Promise((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    return child.pid!;
  }

  const paths = (): readonly string[] => placed.map(({ binary }) => binary.path);
  const running = (pid: number): void => {
    // The loader is done when the program sleeps.
    for (let i = 0; i < 200 && paths().length < 2; i++) {
      watcher.mapped(pid);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
    }
  };

  it('foresees the libraries of a program', async () => {
    watch();
    watcher.executed(await start(), program);
    expect(paths()).toEqual([program, library]);
    expect(placed.map(({ binary }) => binary.isExecutable)).toEqual([true, false]);
    for (const { binary, openPath } of placed) {
      // The same content is behind the path that was handed over.
      expect(() =>
        execFileSync('cmp', [openPath.replace('self', `${process.pid}`), binary.path]),
      ).not.toThrow();
    }
  });

  it('finds what a process maps, deleted or not', async () => {
    const pid = await start();
    watch();
    running(pid);
    expect([...paths()].sort()).toEqual([library, program].sort());
    watcher.close();
    unlinkSync(library);
    unlinkSync(program);
    placed = [];
    watch();
    watcher.begin([pid]);
    expect([...paths()].sort()).toEqual([library, program].sort());
  });

  it('names the libraries of a file that nothing runs', () => {
    watch({ files: [program] });
    watcher.begin([]);
    expect(paths()).toEqual([program]);
  });

  it('touches nothing outside of a directory', async () => {
    watch({ onlyBelow: [join(directory, 'lib')] });
    watcher.executed(await start(), program);
    expect(paths()).toEqual([library]);
    expect(watcher.report().map(({ path, attached }) => [path, attached])).toEqual([
      [program, false],
    ]);
  });

  it('places once for many', async () => {
    watch();
    const pids = [await start(), await start(), await start()];
    for (const pid of pids) watcher.executed(pid, program);
    expect(placed).toHaveLength(2);
    for (const pid of pids) watcher.exited(pid);
  });
});
