// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { listProcesses, runningDescendants, withDescendants } from './processes-on-this-machine.js';

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
