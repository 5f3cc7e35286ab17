// SPDX-License-Identifier: Apache-2.0
import { appendFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BinaryRef } from '../plugin/index.js';
import { BinaryWatcher, type BinaryWatcherOptions } from './binary-watcher.js';
import { FakeClock, FakeMachine, FakePlacer, readFakeDynamic } from './fakes.test-support.js';
import type { WatchedSource } from './types.js';

const CURL = '/usr/bin/curl';
const SSL = '/usr/lib/libssl.so.3';
const LIBC = '/usr/lib/libc.so.6';

class FakeSource implements WatchedSource {
  readonly name: string;
  readonly asked: BinaryRef[] = [];
  readonly #pattern: RegExp;

  constructor(name: string, pattern: RegExp) {
    this.name = name;
    this.#pattern = pattern;
  }

  wants(binary: BinaryRef): boolean {
    this.asked.push(binary);
    return this.#pattern.test(binary.path);
  }
}

describe('BinaryWatcher', () => {
  let machine: FakeMachine;
  let placer: FakePlacer;
  let clock: FakeClock;
  let openssl: FakeSource;
  let watchers: BinaryWatcher[];

  beforeEach(() => {
    machine = new FakeMachine();
    placer = new FakePlacer();
    clock = new FakeClock();
    openssl = new FakeSource('openssl', /libssl/);
    watchers = [];
    machine.file(CURL, { needed: ['libcurl.so.4', 'libc.so.6'] });
    machine.file('/usr/lib/libcurl.so.4.8', { needed: ['libssl.so.3', 'libc.so.6'] });
    machine.link('/usr/lib/libcurl.so.4', 'libcurl.so.4.8');
    machine.file(SSL, { needed: ['libc.so.6'] });
    machine.file(LIBC, {});
  });

  afterEach(() => {
    for (const watcher of watchers) watcher.close();
    expect(placer.paths).toEqual([]);
    machine[Symbol.dispose]();
  });

  function watch(options: Partial<BinaryWatcherOptions> = {}): BinaryWatcher {
    const watcher = new BinaryWatcher({
      placer,
      sources: [openssl],
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
  const processesOf = (watcher: BinaryWatcher, path = SSL): number | undefined =>
    watcher.report().find((status) => status.path === path)?.processes;

  describe('processes that run', () => {
    it('places once in a file that many use, and asks once about every file', () => {
      for (let pid = 1; pid <= 50; pid++) machine.process(pid, { maps: [CURL, SSL, LIBC] });
      const watcher = watch();
      watcher.begin(Array.from({ length: 50 }, (_, i) => i + 1));
      expect(placer.paths).toEqual([SSL]);
      expect(openssl.asked.map(({ path }) => path)).toEqual([join(machine.root, CURL), SSL, LIBC]);
      expect(openssl.asked.map(({ isExecutable }) => isExecutable)).toEqual([true, false, false]);
      expect(watcher.report()).toMatchObject([{ path: SSL, source: 'openssl', processes: 50 }]);
      expect(placer.calls[0]!.content).toContain('libc.so.6');
    });

    it('knows since when all probes of a process are there', () => {
      machine.process(1, { maps: [CURL, SSL, LIBC] });
      machine.process(2, { maps: [CURL, LIBC] });
      const watcher = watch();
      clock.pass(10);
      watcher.begin([1, 2]);
      const first = clock.now();
      expect(watcher.completeSince(1, 'openssl')).toBe(first);
      expect(watcher.completeSince(1, 'go')).toBe(0);
      expect(watcher.completeSince(2, 'openssl')).toBe(0);
      expect(watcher.completeSince(3, 'openssl')).toBe(0);

      const other = '/opt/libssl.so.1.1';
      machine.file(other, {});
      machine.maps(2, [CURL, SSL, LIBC]);
      machine.maps(1, [CURL, SSL, other]);
      pass(watcher, 100);
      watcher.mapped(1);
      watcher.mapped(2);
      expect(placer.paths).toEqual([SSL, other]);
      expect(watcher.completeSince(1, 'openssl'), 'what it used before is seen').toBe(first);
      expect(watcher.completeSince(2, 'openssl')).toBe(first);
    });

    it('looks at a process that it meets later, once', () => {
      machine.process(1, { maps: [CURL, LIBC] });
      machine.process(2, { maps: [CURL, SSL, LIBC] });
      const watcher = watch();
      watcher.begin([1]);
      expect(placer.paths).toEqual([]);
      watcher.met(2);
      expect(placer.paths).toEqual([SSL]);
      const asked = openssl.asked.length;
      watcher.met(2);
      expect(openssl.asked).toHaveLength(asked);
    });

    it('says when what processes do is not seen for a moment, and not when nobody is left', () => {
      machine.process(1, { maps: [CURL, SSL, LIBC] });
      const watcher = watch();
      watcher.begin([1]);
      watcher.setSources([]);
      expect(placer.interruptions).toEqual(['openssl']);
      watcher.setSources([openssl]);
      expect(placer.paths).toEqual([SSL]);
      watcher.exited(1);
      pass(watcher, 61_000);
      expect(placer.paths).toEqual([]);
      expect(placer.interruptions).toEqual(['openssl']);
    });

    it('still knows after it has stopped which processes a source looks into', () => {
      machine.process(1, { maps: [CURL, SSL], comm: 'curl' });
      machine.process(2, { maps: [CURL, SSL], comm: 'other' });
      machine.process(3, { maps: [CURL, SSL], comm: 'curl' });
      const watcher = watch({ match: { openssl: /^curl$/ } });
      watcher.begin([1, 2]);
      watcher.stop();
      expect(placer.paths).toEqual([]);
      expect([1, 2, 3, 99].map((pid) => watcher.selects(pid, 'openssl'))).toEqual([
        ...[true, false, true, false],
      ]);
      watcher.mapped(1);
      watcher.executed(3, CURL);
      watcher.met(3);
      expect(placer.paths).toEqual([]);
    });

    it('identifies files as stat does, not as maps do', () => {
      machine.process(1, { maps: [CURL, SSL], device: '0:1f' });
      machine.process(2, { maps: [CURL, SSL], device: '0:2f' });
      const watcher = watch();
      watcher.begin([1, 2]);
      expect(placer.calls).toHaveLength(1);
      expect(processesOf(watcher)).toBe(2);
    });

    it('looks through the root of a container, and at each container’s own file', () => {
      const other = join(machine.directory, 'other');
      machine.file(CURL, '', other);
      machine.file(SSL, 'the other', other);
      machine.process(1, { maps: [CURL, SSL] });
      machine.process(2, { maps: [CURL, SSL] }, other);
      const watcher = watch();
      watcher.begin([1, 2]);
      expect(placer.paths).toEqual([SSL, SSL]);
      expect(placer.calls[1]!.content).toBe('the other');
    });

    it('finds deleted files, and names with spaces and newlines', () => {
      machine.file('/lib/old libssl\n.so', 'old');
      machine.process(1, {
        maps: [CURL, '/lib/old libssl\n.so'],
        nameOf: (path) => `${path.replace('\n', '\\012')} (deleted)`,
      });
      watch().begin([1]);
      expect(placer.calls).toMatchObject([
        { binary: { path: '/lib/old libssl\n.so' }, content: 'old' },
      ]);
    });

    it('falls back to the path where the links of map_files cannot be used, if it is the same file', () => {
      machine.process(1, { maps: [CURL, SSL] });
      machine.process(2, { maps: [CURL, '/usr/lib/libcurl.so.4.8'] });
      for (const pid of [1, 2]) {
        renameSync(join(machine.procfs, `${pid}/map_files`), join(machine.procfs, `${pid}/gone`));
      }
      const watcher = watch({ sources: [new FakeSource('any', /lib/)] });
      machine.file('/usr/lib/new', 'new');
      renameSync(join(machine.root, '/usr/lib/new'), join(machine.root, '/usr/lib/libcurl.so.4.8'));
      watcher.begin([1, 2]);
      expect(placer.paths).toEqual([SSL]);
    });

    it('leaves out the tracer, kernel threads, and processes that are gone or say nonsense', () => {
      machine.process(99, { maps: [CURL, SSL] });
      machine.process(2, {});
      machine.process(3, {});
      writeFileSync(join(machine.procfs, '3/maps'), '\0\n-\n7f-8f r-xp / / / /libssl\n'.repeat(99));
      const watcher = watch();
      watcher.begin([99, 2, 3, 12345]);
      for (const pid of [99, 2, 3, 12345]) {
        watcher.mapped(pid);
        watcher.exited(pid);
        watcher.exited(pid);
        watcher.forked(pid + 1, pid);
        watcher.executed(pid, '/nothing');
      }
      expect(placer.calls).toEqual([]);
      expect(watcher.report()).toEqual([]);
    });

    it('says so when a process may not be looked into', () => {
      machine.process(1, { maps: [CURL, SSL] });
      // Stands for a refusal: a file that cannot be read, for root neither.
      const maps = join(machine.procfs, '1/maps');
      renameSync(maps, `${maps}.gone`);
      symlinkSync('maps', maps);
      const watcher = watch();
      watcher.begin([1]);
      watcher.mapped(1);
      expect(watcher.report()).toMatchObject([
        {
          source: 'openssl',
          attached: false,
          reason: 'process 1 could not be looked into: too many symbolic links',
        },
      ]);
    });
  });

  describe('users', () => {
    it('keeps probes for a while after the last user, then removes them', () => {
      machine.process(1, { maps: [CURL, SSL] });
      const watcher = watch({ keepMs: 10_000 });
      watcher.begin([1]);
      watcher.exited(1);
      pass(watcher, 9_900);
      expect(processesOf(watcher)).toBe(0);
      pass(watcher, 200);
      expect(placer.paths).toEqual([]);
      expect(watcher.report()).toEqual([]);
      watcher.begin([1]);
      expect(placer.calls).toHaveLength(2);
      expect(placer.paths).toEqual([SSL]);
    });

    it('places once for a hundred short-lived processes', () => {
      const watcher = watch();
      for (let pid = 1000; pid < 1100; pid++) {
        machine.process(pid, { maps: [CURL, SSL, LIBC] });
        watcher.forked(pid, 1);
        watcher.executed(pid, CURL);
        watcher.mapped(pid);
        expect(processesOf(watcher)).toBe(1);
        watcher.exited(pid);
        machine.end(pid);
        pass(watcher, 1000);
      }
      expect(placer.calls).toHaveLength(1);
      const askedAbout = openssl.asked.filter(({ inode }) => inode > 0);
      expect(askedAbout.length).toBeLessThan(12);
    });

    it('has a child use what its parent uses, until it becomes another program', () => {
      machine.process(1, { maps: [CURL, SSL] });
      machine.process(2, { maps: ['/usr/lib/libcurl.so.4.8'] });
      const watcher = watch();
      watcher.begin([1]);
      watcher.forked(2, 1);
      expect(processesOf(watcher)).toBe(2);
      watcher.exited(1);
      expect(processesOf(watcher)).toBe(1);
      machine.file('/bin/true', {});
      machine.process(2, { maps: ['/bin/true'] });
      watcher.executed(2, '/bin/true');
      expect(processesOf(watcher)).toBe(0);
    });

    it('drops what is no longer mapped', () => {
      machine.process(1, { maps: [CURL, SSL] });
      const watcher = watch();
      watcher.begin([1]);
      machine.maps(1, [CURL]);
      pass(watcher, 100);
      watcher.mapped(1);
      expect(processesOf(watcher)).toBe(0);
    });

    it('notices processes whose end was not told', () => {
      for (let pid = 1; pid <= 100; pid++) machine.process(pid, { maps: [CURL, SSL] });
      const watcher = watch();
      watcher.begin(Array.from({ length: 100 }, (_, i) => i + 1));
      for (let pid = 1; pid <= 99; pid++) machine.end(pid);
      pass(watcher, 1000);
      expect(processesOf(watcher)).toBe(1);
    });
  });

  describe('programs that start', () => {
    it('places in a library before it is mapped', () => {
      machine.process(1, { maps: [CURL] });
      const watcher = watch();
      watcher.executed(1, CURL);
      expect(placer.paths).toEqual([SSL]);
      expect(processesOf(watcher)).toBe(1);
      machine.maps(1, [CURL, SSL]);
      watcher.mapped(1);
      expect(placer.calls).toHaveLength(1);
      pass(watcher, 5_000);
      expect(processesOf(watcher)).toBe(1);
    });

    it('does not count for ever what was predicted and never mapped', () => {
      machine.process(1, { maps: [CURL] });
      const watcher = watch();
      watcher.executed(1, CURL);
      watcher.mapped(1);
      expect(processesOf(watcher)).toBe(1);
      pass(watcher, 2_200);
      expect(processesOf(watcher)).toBe(0);
    });

    it('follows LD_LIBRARY_PATH and LD_PRELOAD of the process', () => {
      machine.file('/opt/private/libssl.so.3', {});
      machine.file('/opt/libssl-spy.so', {});
      const environment = { LD_LIBRARY_PATH: '/opt/private', LD_PRELOAD: '/opt/libssl-spy.so' };
      machine.process(1, { maps: [CURL], environment });
      watch().executed(1, CURL);
      expect(placer.paths).toEqual(['/opt/libssl-spy.so', '/opt/private/libssl.so.3']);
    });

    it('sees a library that was replaced between two runs', () => {
      const watcher = watch();
      machine.process(1, { maps: [CURL] });
      watcher.executed(1, CURL);
      watcher.exited(1);
      machine.file('/usr/lib/new', 'new');
      renameSync(join(machine.root, '/usr/lib/new'), join(machine.root, SSL));
      watcher.executed(1, CURL);
      expect(placer.calls.map(({ content }) => content)).toEqual([
        expect.stringContaining('needed') as string,
        'new',
      ]);
    });

    it('reads no more than it has to before it places in what is wanted', () => {
      const needed = ['liba.so', 'libb.so', 'libssl.so.3'];
      machine.file(CURL, { needed });
      for (const name of needed.slice(0, 2)) machine.file(`/usr/lib/${name}`, {});
      machine.process(1, { maps: [CURL] });
      let read = 0;
      placer.onPlace = () => expect(read).toBe(2);
      const watcher = watch({
        readDynamic: (path) => {
          read++;
          return readFakeDynamic(path);
        },
      });
      watcher.executed(1, CURL);
      expect(placer.paths).toEqual([SSL]);
      expect(read).toBe(5);
      watcher.executed(1, CURL);
      expect(read).toBe(5);
    });

    it('ends on libraries that need each other', () => {
      machine.file(LIBC, { needed: ['libssl.so.3', 'libc.so.6', 'libnone.so'] });
      machine.process(1, { maps: [CURL] });
      watch().executed(1, CURL);
      expect(placer.paths).toEqual([SSL]);
    });

    it('gives up on a program that is made to keep it busy', () => {
      const many = Array.from({ length: 5_000 }, (_, i) => `d${i}`);
      for (const name of many.slice(0, 300)) {
        machine.file(`/lib/${name}`, { needed: many, runpath: many.map((one) => `/${one}`) });
      }
      machine.file('/lib/libssl-last.so', {});
      machine.file(CURL, { needed: [...many, 'libssl-last.so'] });
      const environment = { LD_LIBRARY_PATH: many.map((one) => `/${one}`).join(':') };
      machine.process(1, { maps: [CURL], environment });
      const watcher = watch();
      watcher.executed(1, CURL);
      expect(placer.paths).toEqual([]);
      machine.maps(1, [CURL, '/lib/libssl-last.so']);
      watcher.mapped(1);
      expect(placer.paths).toEqual(['/lib/libssl-last.so']);
    });

    it('looks at what has ended already through its parent, for the next one', () => {
      machine.process(1, { maps: ['/usr/lib/libcurl.so.4.8'] });
      const watcher = watch();
      watcher.begin([1]);
      watcher.forked(2, 1);
      watcher.executed(2, CURL);
      expect(placer.paths).toEqual([SSL]);
      watcher.exited(2);
      expect(processesOf(watcher)).toBe(0);
    });

    it('reads maps at once, and then at most every few milliseconds', () => {
      machine.process(1, { maps: [CURL] });
      machine.file(CURL, {});
      const watcher = watch();
      watcher.executed(1, CURL);
      watcher.mapped(1);
      machine.maps(1, [CURL, SSL]);
      for (let i = 0; i < 20; i++) watcher.mapped(1);
      expect(placer.paths).toEqual([]);
      expect(clock.waiting).toBe(1);
      clock.pass(6);
      expect(placer.paths).toEqual([SSL]);
      expect(clock.waiting).toBe(0);
    });
  });

  describe('files', () => {
    it('places in named files and their libraries before anything runs, and keeps them', () => {
      machine.file('/app/program', { needed: ['libssl-app.so'], rpath: ['$ORIGIN/lib'] });
      machine.file('/app/lib/libssl-app.so', {});
      const library = join(machine.root, '/app/lib/libssl-app.so');
      const watcher = watch({
        files: [join(machine.root, '/app/program'), join(machine.root, SSL)],
        keepMs: 1,
        delayMs: 5_000,
      });
      watcher.begin([]);
      watcher.begin([]);
      expect(placer.paths).toEqual([library, join(machine.root, SSL)]);
      pass(watcher, 1_000);
      expect(placer.paths).toHaveLength(2);
      expect(processesOf(watcher, library)).toBe(0);
    });

    it('says what is wrong with a named file', () => {
      const files = ['/not/there', join(machine.root, LIBC), machine.root];
      const watcher = watch({ files });
      watcher.begin([]);
      expect(watcher.report().map(({ path, reason }) => [path, reason])).toEqual([
        ['/not/there', 'no such file'],
        [join(machine.root, LIBC), 'no source wants it'],
        [machine.root, 'not a regular file'],
      ]);
    });

    it('does not touch files outside of the directories, and says so once', () => {
      for (const pid of [1, 2]) machine.process(pid, { maps: [CURL, SSL] });
      const watcher = watch({ onlyBelow: [join(machine.root, 'opt')] });
      watcher.begin([1, 2]);
      pass(watcher, 3_000);
      watcher.mapped(1);
      expect(placer.calls).toEqual([]);
      const [status, ...others] = watcher.report();
      expect(status).toMatchObject({ path: SSL, attached: false, processes: 2 });
      expect(status!.reason).toMatch(/^it is outside/);
      expect(others).toEqual([]);
    });

    it('asks a source no more about a file that it had no use for', () => {
      placer.declines = () => true;
      machine.process(1, { maps: [CURL, SSL] });
      const watcher = watch();
      watcher.begin([1]);
      pass(watcher, 100_000);
      watcher.mapped(1);
      watcher.executed(1, CURL);
      expect(placer.calls).toHaveLength(1);
      expect(watcher.report()).toEqual([]);
    });

    it('places anew in a file that was written to, for all its users', () => {
      for (const pid of [1, 2]) machine.process(pid, { maps: [CURL, SSL] });
      const watcher = watch();
      watcher.begin([1, 2]);
      appendFileSync(join(machine.root, SSL), ' ');
      pass(watcher, 1_100);
      watcher.mapped(1);
      pass(watcher, 100);
      expect(placer.calls.map(({ removed }) => removed)).toEqual([true, false]);
      expect(processesOf(watcher)).toBe(2);
    });

    it('waits before it places, and does not for what is gone then', () => {
      machine.file('/opt/libssl-short.so');
      machine.process(1, { maps: [CURL, SSL] });
      machine.process(2, { maps: [CURL, '/opt/libssl-short.so'] });
      const watcher = watch({ delayMs: 500 });
      watcher.begin([1, 2]);
      clock.pass(400);
      watcher.exited(2);
      expect(placer.calls).toEqual([]);
      clock.pass(150);
      expect(placer.paths).toEqual([SSL]);
      pass(watcher, 1_000);
      expect(clock.waiting).toBe(0);
    });

    it('says that a placer failed, and goes on', () => {
      machine.process(1, { maps: [CURL, SSL] });
      placer.onPlace = () => {
        throw new Error('broken');
      };
      const watcher = watch();
      watcher.begin([1]);
      expect(watcher.report()).toMatchObject([{ path: SSL, attached: false, reason: 'broken' }]);
    });
  });

  describe('sources', () => {
    it('looks into a process for those only whose expression matches', () => {
      const go = new FakeSource('go', /libssl|libc/);
      machine.process(1, { maps: [CURL, SSL], comm: 'curl' });
      machine.process(2, { maps: [CURL, LIBC], comm: 'wget' });
      const watcher = watch({ sources: [openssl, go], match: { openssl: /curl/, go: /wget/ } });
      watcher.begin([1, 2]);
      expect(placer.calls.map(({ binary, source }) => [binary.path, source])).toEqual([
        [SSL, 'openssl'],
        [LIBC, 'go'],
      ]);
      expect(watcher.selects(1, 'openssl')).toBe(true);
      expect(watcher.selects(1, 'go')).toBe(false);
      expect(watcher.selects(2, 'go')).toBe(true);
    });

    it('asks both about one file', () => {
      const other = new FakeSource('other', /libssl/);
      machine.process(1, { maps: [CURL, SSL] });
      const watcher = watch({ sources: [openssl, other] });
      watcher.begin([1]);
      expect(placer.calls.map(({ source }) => source)).toEqual(['openssl', 'other']);
      expect(watcher.report()).toHaveLength(2);
    });

    it('removes what one of them has in a file, and places it again when it is needed', () => {
      const other = new FakeSource('other', /libssl/);
      machine.process(1, { maps: [CURL, SSL], comm: 'curl' });
      machine.process(2, { maps: [CURL, SSL], comm: 'wget' });
      const match = { openssl: /^curl$/, other: /^wget$/ };
      const watcher = watch({ sources: [openssl, other], match, keepMs: 1_000 });
      watcher.begin([1, 2]);
      watcher.exited(1);
      pass(watcher, 1_100);
      expect(placer.calls.map(({ removed }) => removed)).toEqual([true, false]);
      watcher.begin([1]);
      expect(placer.calls.map(({ source }) => source)).toEqual(['openssl', 'other', 'openssl']);
      expect(watcher.report().map(({ processes }) => processes)).toEqual([1, 1]);
    });

    it('compares a process that has ended by its path', () => {
      machine.process(1, { maps: [LIBC] });
      const watcher = watch({ match: /\/curl$/ });
      watcher.forked(2, 1);
      watcher.executed(2, CURL);
      expect(placer.paths).toEqual([SSL]);
      watcher.forked(3, 1);
      watcher.executed(3, '/usr/bin/other');
      expect(placer.calls).toHaveLength(1);
    });

    it('replaces them, and leaves alone what stays', () => {
      const go = new FakeSource('go', /libc\.so/);
      machine.process(1, { maps: [CURL, SSL, LIBC] });
      const watcher = watch({ sources: [openssl, go] });
      watcher.begin([1]);
      const third = new FakeSource('third', /curl/);
      watcher.setSources([third, openssl]);
      expect(placer.calls.map(({ source, removed }) => [source, removed])).toEqual([
        ['openssl', false],
        ['go', true],
        ['third', false],
      ]);
      expect(processesOf(watcher)).toBe(1);
      watcher.exited(1);
      expect(watcher.report().map(({ processes }) => processes)).toEqual([0, 0]);
      // The same name, but another one.
      watcher.begin([1]);
      watcher.setSources([new FakeSource('openssl', /libssl/)]);
      expect(placer.calls.map(({ removed }) => removed)).toEqual([true, true, true, false]);
    });

    it('survives one that throws', () => {
      const broken: WatchedSource = {
        name: 'broken',
        wants: () => {
          throw new Error('oops');
        },
      };
      machine.process(1, { maps: [CURL, SSL] });
      const watcher = watch({ sources: [broken, openssl] });
      watcher.begin([1]);
      expect(placer.paths).toEqual([SSL]);
      expect(watcher.report().some(({ reason }) => reason?.includes('oops'))).toBe(true);
    });
  });

  it('does not grow without bound', () => {
    const any = new FakeSource('any', /./);
    const watcher = watch({ sources: [any], filesMax: 10, processesMax: 20 });
    const paths = Array.from({ length: 300 }, (_, i) => `/many/${i}.so`);
    for (const path of paths) machine.file(path);
    machine.process(1, { maps: paths });
    watcher.begin([1]);
    expect(placer.calls).toHaveLength(10);
    expect(watcher.report()).toHaveLength(10 + 256);
    expect(watcher.report().at(-1)!.reason).toBe('10 files are probed already');
    machine.process(2, { maps: [CURL, SSL] });
    watcher.begin([2]);
    expect(placer.calls).toHaveLength(10);
    // What nobody uses makes room.
    watcher.exited(1);
    watcher.begin([2]);
    pass(watcher, 1_100);
    watcher.mapped(2);
    expect(placer.paths.slice(-2)).toEqual([join(machine.root, CURL), SSL]);
    expect(placer.paths).toHaveLength(10);
    for (let pid = 100; pid < 200; pid++) watcher.forked(pid, pid === 100 ? 2 : pid - 1);
    expect(processesOf(watcher)).toBe(20);
  });

  it('takes everything out when it is closed, and does nothing afterwards', () => {
    machine.process(1, { maps: [CURL, SSL] });
    const watcher = watch();
    watcher.begin([1]);
    watcher.close();
    expect(placer.paths).toEqual([]);
    watcher.mapped(1);
    watcher.executed(1, CURL);
    watcher.forked(2, 1);
    watcher.tick(clock.pass(1_000));
    expect(placer.calls).toHaveLength(1);
    expect(clock.waiting).toBe(0);
  });
});
