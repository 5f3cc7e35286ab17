// SPDX-License-Identifier: Apache-2.0
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { run } from '../run.js';
import { Bench } from '../testing/fake-tracer.js';
import type { FakeTracer } from '../testing/fake-tracer.js';
import { sampleRecord } from '../testing/sample-records.js';

function emits(count: number) {
  return (tracer: FakeTracer): void => {
    for (let index = 0; index < count; index++) tracer.emit('record', sampleRecord());
  };
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 5000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error('waited in vain');
    await wait(5);
  }
}

describe('libtrace trace', () => {
  it('shows records, then the summary, until SIGINT; status 0', async () => {
    const bench = new Bench({ onDetach: emits(1) });
    const done = run(['trace', '--pid', '12', '--port', '80,81'], bench.dependencies());
    await until(() => bench.stderr.includes('ready'));
    expect(bench.stderr).toBe(
      'libtrace: ready — tracing http of pid 12 and descendants, port 80, 81 only\n',
    );
    expect(bench.tracer!.options.target).toEqual({ pids: [12], ports: [80, 81] });
    bench.tracer!.emit('record', sampleRecord());
    await until(() => bench.stdout.text.includes('GET /products/3'));
    bench.signals.emit('SIGINT');
    expect(await done).toBe(0);
    expect(bench.stdout.text.match(/GET \/products/g)).toHaveLength(2);
    expect(bench.stdout.text).toMatch(/2 calls in .*no errors/);
    expect(bench.stdout.text).toContain('nothing lost');
    expect(bench.tracer!.state).toBe('closed');
    expect(bench.signals.eventNames()).toEqual([]);
  });

  it('leaves at once with 130 at a second SIGINT', async () => {
    const bench = new Bench({ onDetach: () => new Promise(() => undefined) });
    const done = run(['trace', '--pid', '12'], bench.dependencies());
    await until(() => bench.stderr.includes('ready'));
    bench.signals.emit('SIGINT');
    await wait(20);
    bench.signals.emit('SIGINT');
    expect(await done).toBe(130);
  });

  it('ends with --duration and with --max-records', async () => {
    const timed = new Bench();
    expect(await run(['trace', '--all', '-d', '50ms'], timed.dependencies())).toBe(0);
    const counted = new Bench({ onAttach: emits(5) });
    expect(await run(['trace', '--all', '-n', '3'], counted.dependencies())).toBe(0);
    expect(counted.stdout.text.match(/GET \/products/g)).toHaveLength(3);
    expect(counted.stdout.text).toContain('3 calls in');
  });

  it('names the columns once, and only on a terminal', async () => {
    const bench = new Bench({ onAttach: emits(2) });
    bench.columns = 120;
    expect(await run(['trace', '--all', '-d', '20ms'], bench.dependencies())).toBe(0);
    expect(bench.stdout.text.match(/^.*TIME +PROCESS.*PEER/gm)).toHaveLength(1);
    expect(bench.stdout.text.indexOf('TIME')).toBeLessThan(bench.stdout.text.indexOf('GET'));
  });

  it('keeps stdout pure JSON and puts the summary on stderr', async () => {
    const bench = new Bench({ onAttach: emits(2) });
    const argv = ['trace', '--all', '--format', 'json', '-d', '20ms'];
    expect(await run(argv, bench.dependencies())).toBe(0);
    const lines = bench.stdout.text.trimEnd().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as { operation: string }).operation)).toEqual([
      'GET',
      'GET',
    ]);
    expect(bench.stderr).toContain('2 calls in');
  });

  it('writes records to --output and the summary to stderr', async () => {
    const bench = new Bench({ onAttach: emits(2) });
    const argv = ['trace', '--all', '--output', 'calls.txt', '-d', '20ms'];
    expect(await run(argv, bench.dependencies())).toBe(0);
    expect(bench.files.get('calls.txt')!.text.match(/GET/g)).toHaveLength(2);
    expect(bench.stdout.text).toBe('');
    expect(bench.stderr).toContain('2 calls in');
  });

  it('ends quietly when the reader of stdout went away', async () => {
    const bench = new Bench();
    bench.stdout.error = Object.assign(new Error('broken pipe'), { code: 'EPIPE' });
    const done = run(['trace', '--all'], bench.dependencies());
    await until(() => bench.stderr.includes('ready'));
    bench.tracer!.emit('record', sampleRecord());
    expect(await done).toBe(0);
    expect(bench.stderr.split('\n')).toHaveLength(2);
    expect(bench.tracer!.state).toBe('closed');
  });

  it('says when the output cannot be written', async () => {
    const bench = new Bench({ onAttach: emits(1) });
    bench.stdout.error = Object.assign(new Error('no space left'), { code: 'ENOSPC' });
    expect(await run(['trace', '--all'], bench.dependencies())).toBe(1);
    expect(bench.stderr).toContain('error ENOSPC: Writing the output failed: no space left');
  });

  it('passes options on', async () => {
    const bench = new Bench();
    const argv = ['trace', '--comm', 'a-name-longer-than-fifteen', '--cgroup', '/sys/fs/cgroup/x'];
    const more = ['--ring-size', '64K', '--capture-bytes', '1024', '--show-secrets', '-d', '1ms'];
    const headers = ['--headers', 'Accept', 'X-Id'];
    expect(await run([...argv, ...more, ...headers], bench.dependencies())).toBe(0);
    expect(bench.tracer!.options).toMatchObject({
      target: { comms: ['a-name-longer-t'], cgroups: ['/sys/fs/cgroup/x'] },
      ringBytes: 65_536,
      captureBytes: 1024,
    });
    expect(bench.pluginFlags).toMatchObject({ headers: ['accept', 'x-id'], showSecrets: true });
  });

  it('refuses a process that does not exist', async () => {
    const bench = new Bench();
    bench.deadPids = [12];
    expect(await run(['trace', '--pid', '12', '1'], bench.dependencies())).toBe(1);
    expect(bench.stderr).toContain('error ERR_TARGET_NOT_FOUND: There is no process 12.');
  });

  it('takes a port alone for the whole machine', async () => {
    const bench = new Bench();
    expect(await run(['trace', '--port', '80', '-d', '1ms'], bench.dependencies())).toBe(0);
    expect(bench.tracer!.options.target).toEqual({ all: true, ports: [80] });
  });

  it('shows errors of the running tracer as warnings, and not for ever', async () => {
    const bench = new Bench({
      onAttach: (tracer) => {
        for (let index = 0; index < 20; index++) tracer.emit('error', new Error('odd\u001b[1m'));
      },
    });
    expect(await run(['trace', '--all', '-d', '1ms'], bench.dependencies())).toBe(0);
    expect(bench.stderr.match(/^warning: odd\\x1b\[1m$/gm)).toHaveLength(5);
    expect(bench.stderr).toContain('further warnings are not shown');
  });
});

describe('libtrace trace -- COMMAND', () => {
  it('traces the process of the command and ends with it and its status', async () => {
    const bench = new Bench();
    const argv = ['trace', '--pid', '1', '--', 'sh', '-c', 'exit 7'];
    expect(await run(argv, bench.dependencies())).toBe(7);
    const pids = bench.tracer!.options.target.pids!;
    expect(pids).toHaveLength(2);
    expect(bench.stderr).toContain(
      `tracing http of the command (pid ${pids[1]!}) and pid 1 and descend`,
    );
    expect(bench.tracer!.state).toBe('closed');
  });

  it('starts the command after everything is attached', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'libtrace-trace-'));
    const mark = join(folder, 'attached');
    const bench = new Bench({
      onAttach: async () => {
        await wait(150);
        writeFileSync(mark, '');
      },
    });
    try {
      expect(await run(['trace', '--', 'test', '-e', mark], bench.dependencies())).toBe(0);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('understands a command without --, options of its own included', async () => {
    const bench = new Bench();
    expect(await run(['trace', 'sh', '-c', 'exit 3'], bench.dependencies())).toBe(3);
  });

  it('reports a signal as 128 + n', async () => {
    const bench = new Bench();
    const argv = ['trace', '--', 'sh', '-c', 'kill -KILL $$'];
    expect(await run(argv, bench.dependencies())).toBe(137);
  });

  it('hands signals on and waits for the command', async () => {
    const bench = new Bench();
    const script = 'trap "exit 5" TERM; while :; do sleep 0.05; done';
    const done = run(['trace', '--', 'sh', '-c', script], bench.dependencies());
    await until(() => bench.stderr.includes('ready'));
    await wait(200);
    bench.signals.emit('SIGTERM');
    expect(await done).toBe(5);
  });

  it('ends the command when the trace ends first, and waits for its end', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'libtrace-trace-'));
    const mark = join(folder, 'ended');
    const script = `trap 'sleep 0.2; echo > "$0"; exit' TERM; while :; do sleep 0.05; done`;
    const bench = new Bench();
    try {
      const argv = ['trace', '-d', '200ms', '--', 'sh', '-c', script, mark];
      expect(await run(argv, bench.dependencies())).toBe(0);
      expect(existsSync(mark)).toBe(true);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('does not start the command when attaching fails', async () => {
    const bench = new Bench({
      onAttach: () => {
        throw Object.assign(new Error('refused'), { code: 'ERR_KERNEL_ATTACH', remedy: 'try' });
      },
    });
    const argv = ['trace', '--', 'sh', '-c', 'echo must not run >&2; exit 9'];
    expect(await run(argv, bench.dependencies())).toBe(1);
    expect(bench.stderr).toBe('error ERR_KERNEL_ATTACH: refused\nremedy: try\n');
  });

  it('refuses a command that does not exist before it loads anything', async () => {
    const bench = new Bench();
    expect(await run(['trace', '--', 'no-such-command'], bench.dependencies())).toBe(127);
    expect(await run(['trace', '--', '/etc/passwd'], bench.dependencies())).toBe(126);
    expect(bench.stderr).toContain('error ENOENT: The command no-such-command was not found.');
    expect(bench.stderr).toContain('error EACCES: The command /etc/passwd is not executable.');
    expect(bench.tracers).toEqual([]);
  });
});
