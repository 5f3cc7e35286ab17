// SPDX-License-Identifier: Apache-2.0
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { run } from '../run.js';
import { Bench, type FakeScript } from '../testing/fake-tracer.js';
import { sampleRecord, sampleStats } from '../testing/sample-records.js';

const written = {
  fileBytes: 12_345,
  connections: 3,
  segments: 1234,
  bytes: 10_000,
  droppedSegments: 0,
  droppedBytes: 0,
  droppedFrames: 0,
};

async function record(
  argv: readonly string[],
  script: FakeScript = {},
  prepare?: (bench: Bench) => void,
) {
  const bench = new Bench({ stats: { ...sampleStats(), recording: written }, ...script });
  prepare?.(bench);
  const status = await run(['record', ...argv], bench.dependencies());
  return { status, stdout: bench.stdout.text, stderr: bench.stderr, bench };
}

describe('libtrace record', () => {
  it('records the target and says what was written', async () => {
    const { status, stdout, stderr, bench } = await record(
      ['-o', 'calls.ltrec', '--pid', '12', '--port', '80', '-d', '20ms'],
      {
        onAttach: (tracer) => {
          tracer.emit('record', sampleRecord());
          tracer.emit('record', sampleRecord({ protocol: 'mysql', operation: 'SELECT' }));
          tracer.emit('record', sampleRecord());
        },
      },
    );
    expect(status).toBe(0);
    expect(stderr).toBe(
      'libtrace: ready — recording, and counting http of pid 12 and descendants, port 80 only\n',
    );
    expect(bench.tracer!.options).toMatchObject({
      target: { pids: [12], ports: [80] },
      recording: { to: 'calls.ltrec' },
    });
    expect(bench.tracer!.options.recording).not.toHaveProperty('command');
    expect(stdout).toMatch(/^\nRecorded [\d.]+ms: /);
    expect(stdout).toContain(
      '1,234 segments with 9.8K of 3 connections, 12K in calls.ltrec\n2 calls recognized: http 2\n',
    );
    expect(stdout).toContain('nothing lost\nread it with: libtrace read calls.ltrec\n');
    expect(bench.tracer!.state).toBe('closed');
  });

  it('records a command, names it, and ends with its status', async () => {
    const { status, bench } = await record(['-o', 'x.ltrec', '--', 'sh', '-c', 'exit 7']);
    expect(status).toBe(7);
    expect(bench.tracer!.options.recording).toEqual({
      to: 'x.ltrec',
      command: ['sh', '-c', 'exit 7'],
      // The gate at which the command waits.
      exceptSockets: [expect.any(Number)],
    });
  });

  it('says what was lost on the way and on the disk', async () => {
    const stats = sampleStats();
    const segmentsLost = { ...stats.kernel.segmentsLost, ring: 5 };
    const { stdout } = await record(['-o', 'x', '--all', '-d', '1ms'], {
      stats: {
        ...stats,
        kernel: { ...stats.kernel, segmentsLost },
        recording: { ...written, droppedSegments: 7, droppedBytes: 2048, droppedFrames: 1 },
      },
    });
    expect(stdout).toContain('lost: 5 segments found the ring full');
    expect(stdout).toContain('lost: 7 segments with 2.0K: the disk was too slow');
    expect(stdout).toContain('lost: 1 other event: the disk was too slow');
    expect(stdout).not.toContain('nothing lost');
  });

  it('writes to a pipe on request, and then talks on stderr only', async () => {
    const { status, stdout, stderr, bench } = await record(['-o', '-', '--all', '-d', '1ms']);
    expect(status).toBe(0);
    expect(stdout).toBe('');
    expect(stderr).toContain('Recorded');
    expect(stderr).not.toContain('read it with');
    expect(bench.tracer!.options.recording!.to).toBe(bench.dependencies().recordingToStdout);
  });

  it('refuses to write to a terminal', async () => {
    const { status, stderr, bench } = await record(
      ['-o', '-', '--all'],
      {},
      (b) => (b.columns = 80),
    );
    expect(status).toBe(2);
    expect(stderr).toContain('A recording is not written to a terminal.');
    expect(bench.tracers).toEqual([]);
  });

  it('ends with the error when the recording cannot be written any more', async () => {
    const failure = Object.assign(new Error('the recording cannot be written: ENOSPC'), {
      code: 'ERR_RECORDING_WRITE',
      remedy: 'make room',
    });
    const { status, stderr, bench } = await record(['-o', 'x', '--all'], {
      onAttach: async (tracer) => {
        await wait(5);
        tracer.emit('error', failure);
      },
    });
    expect(status).toBe(1);
    expect(stderr).toContain(
      'error ERR_RECORDING_WRITE: the recording cannot be written: ENOSPC\nremedy: make room\n',
    );
    expect(bench.tracer!.state).toBe('closed');
  });

  it('ends quietly when the reader of a pipe went away', async () => {
    const cause = Object.assign(new Error('broken pipe'), { code: 'EPIPE' });
    const failure = Object.assign(new Error('x', { cause }), { code: 'ERR_RECORDING_WRITE' });
    const { status, stderr } = await record(['-o', '-', '--all'], {
      onAttach: (tracer) => void tracer.emit('error', failure),
    });
    expect(status).toBe(0);
    expect(stderr).not.toContain('error');
  });

  it.each([
    [['--all'], 2, /required option '-o, --output <file>' not specified/],
    [
      ['-o', 'x'],
      2,
      /error ERR_TARGET_MISSING: Nothing was chosen to record[^]*libtrace record --pid/,
    ],
    [['-o', 'x', '--', 'no-such-command'], 127, /The command no-such-command was not found/],
    [['-o', 'x', '--all', '--show-values'], 2, /unknown option '--show-values'/],
  ])('refuses %j', async (argv, expected, message) => {
    const { status, stderr, bench } = await record(argv);
    expect(status).toBe(expected);
    expect(stderr).toMatch(message);
    expect(bench.tracers).toEqual([]);
  });

  it('looks into programs above TLS too, unless it is told not to', async () => {
    const stats = sampleStats();
    const script = {
      stats: {
        ...stats,
        recording: written,
        pipeline: { ...stats.pipeline, encryptedConnections: 1 },
      },
    };
    const prepare = (bench: Bench): void => void (bench.sources = ['openssl']);
    const argv = ['-o', 'x.ltrec', '--pid', '12', '-d', '1ms'];
    const { bench, stdout } = await record([...argv, '--tls-delay', '7'], script, prepare);
    expect(bench.tracer!.options.plugins.map(({ name }) => String(name))).toContain('openssl');
    expect(bench.tracer!.options.uprobes).toEqual({ delayMs: 7 });
    expect(stdout).toContain('1 connection stayed encrypted: openssl does not know their');
    const without = await record([...argv, '--no-tls'], script, prepare);
    expect(without.bench.tracer!.options).not.toHaveProperty('uprobes');
    expect(without.stdout).toContain('1 connection stayed encrypted: --no-tls turned off');
  });
});
