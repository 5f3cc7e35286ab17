// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { CgroupPaths } from './cgroup-paths.js';
import { parseArguments } from './process-args.js';
import { ProcessTable } from './process-table.js';

/** Above every process id that a kernel gives out (PID_MAX_LIMIT), so that /proc has none of these. */
const GONE = 5_000_000;
const id = 'ab'.repeat(32);

function tableWith(cgroup: string): ProcessTable {
  const cgroups = new CgroupPaths();
  cgroups.path = () => cgroup;
  return new ProcessTable(cgroups);
}

describe('parseArguments', () => {
  it.each([
    ['', undefined],
    ['curl\0', ['curl']],
    ['curl\0-d\0\0x y\0', ['curl', '-d', '', 'x y']],
    ['curl\0cut of', ['curl', 'cut of']],
  ])('reads %j', (text, args) => {
    expect(parseArguments(Buffer.from(text))).toEqual(args);
  });

  it('keeps 64 arguments and 4 KiB', () => {
    expect(parseArguments(Buffer.from('a\0'.repeat(100)))).toHaveLength(64);
    const long = parseArguments(Buffer.from(`a\0${'b'.repeat(10_000)}\0`))!;
    expect(long.map(({ length }) => length)).toEqual([1, 4094]);
  });
});

describe('ProcessTable', () => {
  it('has arguments and container of a program that is gone already', () => {
    const table = tableWith(`/system.slice/docker-${id}.scope`);
    table.executed(GONE, 1, 'curl', '/usr/bin/curl', 7, Buffer.from('curl\0https://x\0'));
    table.exited(GONE);
    expect(table.get(GONE)).toEqual({
      pid: GONE,
      ppid: 1,
      comm: 'curl',
      exe: '/usr/bin/curl',
      cgroup: `/system.slice/docker-${id}.scope`,
      args: ['curl', 'https://x'],
      container: id,
    });
  });

  it('gives them to a child until it calls exec', () => {
    const table = tableWith(`/docker/${id}`);
    table.executed(GONE, 1, 'sh', '/bin/sh', 7, Buffer.from('sh\0-c\0true\0'));
    table.forked(GONE + 1, GONE);
    expect(table.get(GONE + 1)).toMatchObject({ args: ['sh', '-c', 'true'], container: id });
    table.executed(GONE + 1, GONE, 'true', '/bin/true', 7, Buffer.from('true\0'));
    expect(table.get(GONE + 1).args).toEqual(['true']);
  });

  it('leaves out what it cannot learn', () => {
    const table = tableWith('');
    table.executed(GONE, 1, 'curl', '/usr/bin/curl', 7);
    expect(Object.keys(table.get(GONE))).toEqual(['pid', 'ppid', 'comm', 'exe', 'cgroup']);
  });

  it.runIf(process.platform === 'linux')('reads a running process', async () => {
    const child = spawn('sleep', ['5']);
    await new Promise((resolve) => child.once('spawn', resolve));
    try {
      const identity = tableWith('').get(child.pid!);
      expect(identity).toMatchObject({ ppid: process.pid, comm: 'sleep', args: ['sleep', '5'] });
    } finally {
      child.kill();
    }
  });
});
