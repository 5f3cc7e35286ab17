// SPDX-License-Identifier: Apache-2.0
// Files that are written to while probes are in them.
import {
  appendFileSync,
  chmodSync,
  linkSync,
  readFileSync,
  renameSync,
  statSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { BinaryWatcher, type BinaryWatcherOptions } from './binary-watcher.js';
import { FakeClock, FakeMachine, FakePlacer, readFakeDynamic } from './fakes.test-support.js';

const APP = '/opt/app';
const SSL = '/usr/lib/libssl.so.3';

const system = vi.hoisted(() => ({ watchFails: false, asked: 0 }));
vi.mock(import('node:fs'), async (original) => {
  const fs = await original();
  const watch = ((...args: Parameters<typeof fs.watch>) => {
    if (!system.watchFails) return fs.watch(...args);
    system.asked++;
    throw Object.assign(new Error('no watch'), { code: 'ENOSPC' });
  }) as typeof fs.watch;
  return { ...fs, watch, default: { ...fs, watch } };
});

/** As where the limits of inotify are reached. */
function noWatches(): Disposable & { readonly asked: number } {
  Object.assign(system, { watchFails: true, asked: 0 });
  return {
    get asked() {
      return system.asked;
    },
    [Symbol.dispose]: () => void (system.watchFails = false),
  };
}

describe.runIf(process.platform === 'linux')('files that change', () => {
  let machine: FakeMachine;
  let placer: FakePlacer;
  let clock: FakeClock;
  let watchers: BinaryWatcher[];
  let library: string;

  beforeEach(() => {
    machine = new FakeMachine();
    placer = new FakePlacer();
    clock = new FakeClock();
    watchers = [];
    machine.file(APP, { needed: [] });
    library = machine.file(SSL, 'version 1');
    for (const pid of [1, 2]) machine.process(pid, { maps: [APP, SSL] });
  });

  afterEach(() => {
    for (const watcher of watchers) watcher.close();
    expect(placer.paths).toEqual([]);
    machine[Symbol.dispose]();
  });

  function watch(options: Partial<BinaryWatcherOptions> = {}): BinaryWatcher {
    const watcher = new BinaryWatcher({
      placer,
      sources: [{ name: 'openssl', wants: ({ path }) => /libssl|app/.test(path) }],
      ownPid: 99,
      procfs: machine.procfs,
      clock,
      readDynamic: readFakeDynamic,
      ...options,
    });
    watchers.push(watcher);
    return watcher;
  }

  const pass = (watcher: BinaryWatcher, ms: number): void => {
    for (let left = ms; left > 0; left -= 100) watcher.tick(clock.pass(Math.min(left, 100)));
  };
  const calls = (path = SSL): readonly (readonly [string, boolean])[] =>
    placer.calls
      .filter(({ binary }) => binary.path.endsWith(path))
      .map(({ content, removed }) => [content, removed]);
  /** As rsync does: the same size, and the modification time is set back. */
  const rewrite = (path: string, content: string): void => {
    const { atime, mtime } = statSync(path);
    writeFileSync(path, content);
    utimesSync(path, atime, mtime);
  };
  /** A file of which the times can be set back exactly. */
  const setWholeSeconds = (path: string): void => utimesSync(path, 1_000, 1_000);

  it.each([
    ['written to', () => appendFileSync(library, '.')],
    ['rewritten with its size and time kept', () => rewrite(library, 'version 2')],
  ])('loses its probes at the next tick when it was %s', (_, change) => {
    setWholeSeconds(library);
    const watcher = watch();
    watcher.begin([1, 2]);
    const { size, mtimeMs } = statSync(library);
    change();
    if (_.startsWith('re')) expect(statSync(library)).toMatchObject({ size, mtimeMs });
    watcher.tick(clock.pass(1));
    expect(calls()).toEqual([['version 1', true]]);
  });

  it.each([
    ['written to', () => appendFileSync(library, '.')],
    ['rewritten with its size and time kept', () => rewrite(library, 'version 2')],
  ])('loses its probes without a tick when it was %s', async (_, change) => {
    setWholeSeconds(library);
    watch().begin([1, 2]);
    change();
    for (let i = 0; i < 100 && !calls()[0]![1]; i++) await sleep(10);
    expect(calls()).toEqual([['version 1', true]]);
  });

  it('is watched under whatever name, and not what has its name later', async () => {
    watch().begin([1]);
    renameSync(library, `${library}.old`);
    linkSync(`${library}.old`, `${library}.older`);
    await sleep(50);
    const before = calls().length;
    writeFileSync(library, 'another');
    await sleep(50);
    expect(calls()).toHaveLength(before);
    appendFileSync(`${library}.older`, '.');
    for (let i = 0; i < 100 && !calls().at(-1)![1]; i++) await sleep(10);
    expect(calls().every(([, removed]) => removed)).toBe(true);
  });

  it('loses its probes before anything else when it is executed', () => {
    const watcher = watch();
    watcher.executed(1, APP);
    expect(calls(APP)).toHaveLength(1);
    rewrite(join(machine.root, APP), readFileSync(join(machine.root, APP), 'utf8'));
    watcher.forked(3, 2);
    machine.process(3, { maps: [APP] });
    watcher.executed(3, APP);
    expect(calls(APP).map(([, removed]) => removed)).toEqual([true]);
    // Its writer may not be done.
    pass(watcher, 100);
    expect(calls(APP)).toHaveLength(1);
    pass(watcher, 200);
    expect(calls(APP).map(([, removed]) => removed)).toEqual([true, false]);
  });

  it('loses its probes also when a process executes it that is not looked into', () => {
    const watcher = watch({ match: /^prog$/ });
    watcher.executed(1, APP);
    appendFileSync(join(machine.root, APP), ' ');
    machine.process(3, { maps: [APP], comm: 'another' });
    watcher.executed(3, APP);
    expect(calls(APP).map(([, removed]) => removed)).toEqual([true]);
  });

  it('is probed again when somebody maps it and it has been quiet, for all its users', () => {
    const watcher = watch();
    watcher.begin([1, 2]);
    appendFileSync(library, ' half');
    pass(watcher, 1_000);
    // Nobody has mapped what is in it now.
    expect(calls()).toHaveLength(1);
    appendFileSync(library, ' more');
    watcher.mapped(1);
    for (const part of ['a', 'b', 'c']) {
      pass(watcher, 100);
      appendFileSync(library, part);
    }
    pass(watcher, 200);
    expect(calls()).toHaveLength(1);
    pass(watcher, 200);
    expect(calls()).toEqual([
      ['version 1', true],
      ['version 1 half moreabc', false],
    ]);
    expect(watcher.report().find(({ path }) => path === SSL)?.processes).toBe(2);
  });

  it('is probed again without anybody mapping it when only its rights change', () => {
    const watcher = watch();
    watcher.begin([1]);
    chmodSync(library, 0o600);
    watcher.tick(clock.pass(1));
    expect(calls().map(([, removed]) => removed)).toEqual([true]);
    pass(watcher, 400);
    expect(calls().map(([, removed]) => removed)).toEqual([true, false]);
  });

  it('keeps its probes when it gets another name, or another file gets its name', async () => {
    const watcher = watch();
    watcher.begin([1]);
    linkSync(library, `${library}.backup`);
    await sleep(30);
    pass(watcher, 300);
    machine.file('/usr/lib/new', 'version 2');
    renameSync(join(machine.root, '/usr/lib/new'), library);
    await sleep(30);
    pass(watcher, 300);
    unlinkSync(`${library}.backup`);
    await sleep(30);
    pass(watcher, 300);
    expect(calls()).toEqual([['version 1', false]]);
  });

  it('is probed again when it was named, and stays so', () => {
    const watcher = watch({ files: [library] });
    watcher.begin([]);
    appendFileSync(library, '.');
    pass(watcher, 100);
    expect(calls().map(([, removed]) => removed)).toEqual([true]);
    pass(watcher, 20_000);
    expect(calls().map(([, removed]) => removed)).toEqual([true, false]);
  });

  it('loses its probes when it was written to while they were placed', () => {
    const watcher = watch();
    placer.onPlace = () => {
      if (placer.calls.at(-1)?.binary.path === SSL) appendFileSync(library, '.');
    };
    watcher.begin([1]);
    expect(calls()).toEqual([['version 1', true]]);
  });

  it('is compared where no watch is to be had', async () => {
    using limit = noWatches();
    const watcher = watch();
    watcher.begin([1]);
    expect(limit.asked).toBeGreaterThan(0);
    expect(watcher.report().every(({ reason }) => reason === undefined)).toBe(true);
    appendFileSync(library, '.');
    await sleep(50);
    expect(calls()).toEqual([['version 1', false]]);
    watcher.tick(clock.pass(100));
    expect(calls()).toEqual([['version 1', true]]);
  });

  it('that could not be probed for want of descriptors is reported with a remedy, and others are probed', () => {
    const watcher = watch({
      placer: {
        place: (binary, openPath, source) => {
          if (binary.path !== SSL) return placer.place(binary, openPath, source);
          if (source === 'throws') throw Object.assign(new Error('no'), { code: 'EMFILE' });
          const reason = 'SSL_read: attach uprobe: EMFILE (too many open files)';
          const why = { attached: false, reason };
          const probe = { program: 'p', place: 'SSL_read', fileOffset: 1, kind: 'entry' as const };
          const isPart = source === 'partly';
          const told = isPart ? { attached: true, probes: [{ ...probe, ...why }] } : why;
          const status = { path: SSL, source, summary: '', details: [], probes: [], processes: 0 };
          return {
            status: () => [{ ...status, ...told }],
            remove: () => undefined,
          };
        },
        interrupted: () => undefined,
      },
      sources: ['throws', 'reports', 'partly'].map((name) => ({ name, wants: () => true })),
    });
    watcher.begin([1, 2]);
    const failed = watcher.report().filter(({ path }) => path === SSL);
    expect(failed.map(({ source }) => source).sort()).toEqual(['partly', 'reports', 'throws']);
    for (const { source, attached, reason, remedy, processes } of failed) {
      expect({ attached, processes }).toEqual({ attached: source === 'partly', processes: 2 });
      expect(reason).toMatch(/too many open files/);
      expect(remedy).toMatch(/ulimit -Hn/);
    }
    expect(calls(APP).map(([, removed]) => removed)).toEqual([false, false, false]);
    pass(watcher, 500);
  });

  it('removes probes a minute after the last user', () => {
    const watcher = watch();
    watcher.begin([1]);
    watcher.exited(1);
    pass(watcher, 59_900);
    expect(calls().map(([, removed]) => removed)).toEqual([false]);
    pass(watcher, 200);
    expect(calls().map(([, removed]) => removed)).toEqual([true]);
  });
});
