// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import {
  listProcesses,
  processesIn,
  runningDescendants,
  withDescendants,
} from './processes-on-this-machine.js';

describe('withDescendants', () => {
  it('finds children of children, and nobody else', () => {
    const rows = [
      { pid: 1, ppid: 0, comm: 'init' },
      { pid: 5, ppid: 1, comm: 'a' },
      { pid: 6, ppid: 5, comm: 'b' },
      { pid: 7, ppid: 6, comm: 'c' },
      { pid: 8, ppid: 1, comm: 'd' },
    ];
    expect([...withDescendants([5], rows)].sort()).toEqual([5, 6, 7]);
  });

  it('ends on rows that make a circle', () => {
    const rows = [
      { pid: 2, ppid: 3, comm: '' },
      { pid: 3, ppid: 2, comm: '' },
    ];
    expect(withDescendants([2], rows).size).toBe(2);
  });
});

describe('processesIn', () => {
  const directory = mkdtempSync(join(tmpdir(), 'libtrace-cgroups-'));
  afterAll(() => rmSync(directory, { recursive: true }));

  it('finds those of a cgroup and below, and nothing where there is none', () => {
    mkdirSync(join(directory, 'inner', 'innermost'), { recursive: true });
    writeFileSync(join(directory, 'cgroup.procs'), '1\n22\n');
    writeFileSync(join(directory, 'inner', 'innermost', 'cgroup.procs'), '333\n');
    writeFileSync(join(directory, 'inner', 'cgroup.procs'), '');
    expect([...processesIn([directory])].sort()).toEqual([1, 22, 333]);
    expect(processesIn([join(directory, 'none')])).toEqual(new Set());
  });
});

describe.runIf(process.platform === 'linux')('processes of this machine', () => {
  it('lists this process, and a child as its descendant', async () => {
    const child = spawn('sleep', ['5']);
    await new Promise((resolve) => child.once('spawn', resolve));
    try {
      expect(listProcesses()).toContainEqual(
        expect.objectContaining({ pid: process.pid, ppid: process.ppid }),
      );
      expect(runningDescendants([process.pid])).toContain(child.pid);
      expect(runningDescendants([child.pid!])).toEqual(new Set([child.pid]));
    } finally {
      child.kill();
    }
  });

  it('keeps an id that does not run', () => {
    expect(runningDescendants([5_000_000])).toEqual(new Set([5_000_000]));
  });
});
