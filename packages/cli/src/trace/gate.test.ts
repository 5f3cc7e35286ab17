// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { gateArguments, startGated, statusOfEnd } from './gate.js';

const folder = mkdtempSync(join(tmpdir(), 'libtrace-gate-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const env = { PATH: process.env['PATH'] };

describe('the gate', () => {
  it('starts the command with the process id that was announced, and only when released', async () => {
    const file = join(folder, 'pid');
    const script = 'echo "$$ $*" > "$0"';
    const command = ['sh', '-c', script, file, 'two words', '$HOME', "it's"];
    const gate = await startGated(command, { env, output: 'stdout', spawn });
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(() => readFileSync(file)).toThrow();
    gate.release();
    expect(statusOfEnd(await gate.ended)).toBe(0);
    expect(readFileSync(file, 'utf8')).toBe(`${gate.pid} two words $HOME it's\n`);
  });

  it('never starts the command when it is abandoned', async () => {
    const file = join(folder, 'never');
    const gate = await startGated(['touch', file], { env, output: 'stdout', spawn });
    gate.abandon();
    expect((await gate.ended).code).toBe(125);
    expect(() => readFileSync(file)).toThrow();
  });

  it.runIf(process.platform === 'linux')(
    'knows the socket on which the command waits',
    async () => {
      const gate = await startGated(['true'], { env, output: 'stdout', spawn });
      const sockets = readFileSync('/proc/net/unix', 'utf8')
        .split('\n')
        .map((row) => Number(row.trim().split(/\s+/)[6]));
      expect(sockets).toContain(gate.socket);
      gate.abandon();
      await gate.ended;
    },
  );

  it('leaves no descriptor of its own to the command', async () => {
    const file = join(folder, 'descriptors');
    const command = ['sh', '-c', 'ls /proc/$$/fd > "$0"', file];
    const gate = await startGated(command, { env, output: 'stdout', spawn });
    gate.release();
    await gate.ended;
    const names = readFileSync(file, 'utf8').trim().split('\n').map(Number);
    expect(names.filter((descriptor) => descriptor > 2 && descriptor < 10)).toEqual([]);
  });

  it('hands the whole environment over, names that shells refuse included', async () => {
    const file = join(folder, 'env');
    const odd = { ...env, 'with.dot': 'a=b c', PLAIN: 'x', EMPTY: '' };
    const gate = await startGated(['cp', '/proc/self/environ', file], {
      env: odd,
      output: 'stdout',
      spawn,
    });
    gate.release();
    await gate.ended;
    const lines = readFileSync(file, 'utf8').split('\0');
    expect(lines).toContain('with.dot=a=b c');
    expect(lines).toContain('PLAIN=x');
    expect(lines).toContain('EMPTY=');
    expect(gateArguments(['cmd'], odd).slice(-4)).toEqual(['env', '--', 'with.dot=a=b c', 'cmd']);
  });

  it('sends the output of the command to stderr when asked', () => {
    const calls: unknown[] = [];
    const fake = ((_file: string, _args: string[], options: { stdio: unknown }) => {
      calls.push(options.stdio);
      return spawn('true', { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] });
    }) as typeof spawn;
    void startGated(['x'], { env, output: 'stderr', spawn: fake });
    void startGated(['x'], { env, output: 'stdout', spawn: fake });
    expect(calls).toEqual([
      ['inherit', 2, 'inherit', 'pipe'],
      ['inherit', 'inherit', 'inherit', 'pipe'],
    ]);
  });

  it('gives the status a shell would give', () => {
    expect(statusOfEnd({ code: 3, signal: null })).toBe(3);
    expect(statusOfEnd({ code: null, signal: 'SIGKILL' })).toBe(137);
    expect(statusOfEnd({ code: null, signal: 'SIGINT' })).toBe(130);
  });
});
