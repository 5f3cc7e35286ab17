// SPDX-License-Identifier: Apache-2.0
import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { CliError } from '../cli-error.js';
import { run } from '../run.js';
import { Bench } from '../testing/fake-tracer.js';
import type { FakeScript } from '../testing/fake-tracer.js';
import { sampleBinary, sampleRecord, sampleStats } from '../testing/sample-records.js';

describe('libtrace trace, above TLS', () => {
  const plugins = (bench: Bench): string[] =>
    bench.tracer!.options.plugins.map(({ name }) => String(name));

  function benchWith(script: FakeScript = {}): Bench {
    const bench = new Bench(script);
    bench.sources = ['openssl', 'go'];
    return bench;
  }

  it('looks into programs without being told', async () => {
    const bench = benchWith();
    expect(await run(['trace', '--pid', '12', '-d', '1ms'], bench.dependencies())).toBe(0);
    expect(plugins(bench)).toEqual(['http', 'openssl', 'go']);
    expect(bench.tracer!.options.uprobes).toEqual({});
    expect(bench.stderr).toBe(
      'libtrace: ready — tracing http, TLS (openssl, go) of pid 12 and descendants\n',
    );
  });

  it('does not with --no-tls, nor are the packages loaded', async () => {
    const bench = benchWith();
    bench.sourceProblems = [new Error('not installed')];
    expect(await run(['trace', '--all', '--no-tls', '-d', '1ms'], bench.dependencies())).toBe(0);
    expect(plugins(bench)).toEqual(['http']);
    expect(bench.tracer!.options).not.toHaveProperty('uprobes');
    expect(bench.sourceFiles).toBeUndefined();
    expect(bench.stderr).toBe('libtrace: ready — tracing http of every process\n');
  });

  it('hands --tls-match, --tls-file and --tls-delay on', async () => {
    const bench = benchWith();
    const file = fileURLToPath(import.meta.url);
    const match = ['--tls-match', 'go=^/srv/', '--tls-match', 'nginx'];
    const more = ['--tls-file', file, '--tls-delay', '250', '-d', '1ms'];
    expect(await run(['trace', '--all', ...match, ...more], bench.dependencies())).toBe(0);
    expect(bench.tracer!.options.uprobes).toEqual({
      match: { openssl: /nginx/, go: /(?:nginx)|(?:^\/srv\/)/ },
      files: [file],
      delayMs: 250,
    });
    expect(bench.sourceFiles).toEqual([file]);
  });

  it.each([
    [['--tls-match', '('], 'is not a regular expression'],
    [['--tls-match', 'gnutls=x'], 'There is no source "gnutls" here.'],
    [['--tls-delay', 'soon'], 'Give a whole number'],
    [['--no-tls', '--tls-match', 'x'], '--no-tls cannot be combined'],
  ])('refuses %j before anything is started; status 2', async (argv, message) => {
    const bench = benchWith();
    expect(await run(['trace', '--all', ...argv], bench.dependencies())).toBe(2);
    expect(bench.stderr).toContain(message);
    expect(bench.tracers).toEqual([]);
  });

  it('names the program of a command, so that it is seen from its first byte', async () => {
    const bench = benchWith();
    expect(await run(['trace', '--', 'sh', '-c', 'exit 0'], bench.dependencies())).toBe(0);
    const [file, ...others] = bench.tracer!.options.uprobes!.files!;
    expect(others).toEqual([]);
    expect(file).toMatch(/^\/.*sh$/);
    expect(file).toBe(realpathSync(file!));
  });

  it('goes on without a source that cannot be loaded, and says so on one line', async () => {
    const bench = benchWith({
      onAttach: (tracer) => {
        const cause = new Error('source openssl: the verifier refused it');
        const fields = { code: 'ERR_UPROBE_LOAD', plugin: 'openssl', remedy: 'update\nit' };
        tracer.emit('error', Object.assign(cause, fields));
        tracer.emit('record', sampleRecord());
      },
    });
    bench.sourceProblems = [
      new CliError('ERR_PACKAGE_MISSING', 'The package @libtrace/uprobe-go could not be loaded.', {
        cause: new Error('Cannot find it'),
        remedy: 'install it',
      }),
    ];
    expect(await run(['trace', '--all', '-d', '20ms'], bench.dependencies())).toBe(0);
    expect(bench.stderr.split('\n').slice(0, 3)).toEqual([
      'warning ERR_PACKAGE_MISSING: The package @libtrace/uprobe-go could not be loaded.; cause: Cannot find it; remedy: install it',
      'warning ERR_UPROBE_LOAD: source openssl: the verifier refused it; remedy: update',
      'libtrace: ready — tracing http, TLS (go) of every process',
    ]);
    expect(bench.stdout.text).toContain('1 call in');
  });

  it('marks what came above TLS, in a column wide enough', async () => {
    const bench = benchWith({
      onAttach: (tracer) => {
        tracer.emit('record', sampleRecord());
        tracer.emit('record', sampleRecord({ connection: { transport: 'tls' } }));
      },
    });
    expect(await run(['trace', '--all', '-d', '20ms'], bench.dependencies())).toBe(0);
    expect(bench.stdout.text).toContain(' http      GET /products/3');
    expect(bench.stdout.text).toContain(' http+tls  GET /products/3');
  });

  it('says of connections that stayed encrypted why, with what was known before the end', async () => {
    const reason = 'no symbol SSL_read';
    const stats = sampleStats();
    const bench = benchWith({
      stats: { ...stats, pipeline: { ...stats.pipeline, encryptedConnections: 3 } },
      binaries: [{ ...sampleBinary(), path: '/usr/bin/odd', attached: false, reason }],
    });
    expect(await run(['trace', '--all', '-d', '1ms'], bench.dependencies())).toBe(0);
    expect(bench.stdout.text).toContain(
      '3 connections stayed encrypted: /usr/bin/odd (openssl): no symbol SSL_read; see libtrace doctor',
    );
  });
});
