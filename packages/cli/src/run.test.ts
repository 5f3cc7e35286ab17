// SPDX-License-Identifier: Apache-2.0
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { packageVersion } from './package-files.js';
import { run } from './run.js';
import { Bench } from './testing/fake-tracer.js';

async function outcome(argv: readonly string[], prepare?: (bench: Bench) => void) {
  const bench = new Bench();
  prepare?.(bench);
  const status = await run(argv, bench.dependencies());
  return { status, stdout: bench.stdout.text, stderr: bench.stderr };
}

describe('the command line', () => {
  it('says how to choose a target when there is none', async () => {
    const { status, stderr } = await outcome(['trace']);
    expect(status).toBe(2);
    expect(stderr).toContain('error ERR_TARGET_MISSING: Nothing was chosen to trace.\nremedy:');
    expect(stderr).toContain('libtrace trace --pid 1234');
  });

  it.each([
    [['trace', '--pid', 'abc'], /option '-p, --pid <pid\.\.\.>' argument 'abc' is invalid/],
    [['trace', '--pid', '0'], /Give a whole number between 1 and 4194304/],
    [['trace', '--port', '70000'], /whole number between 1 and 65535/],
    [['trace', '--duration', 'soon'], /Give seconds/],
    [['trace', '--duration', '0'], /Give seconds/],
    [['trace', '--ring-size', '1x'], /Give a size/],
    [['trace', '--headers', 'a b'], /not a header field name/],
    [['trace', '--comm', ''], /It is empty/],
    [['trace', '--format', 'xml', '--all'], /Allowed choices are pretty, json/],
    [['trace', '--formt', 'json'], /unknown option '--formt' \(Did you mean --format\?\)/],
    [['trace', '--pid'], /argument missing/],
    [['trace', '--all', '--pid', '1'], /--all cannot be combined/],
    [['doctr'], /unknown command 'doctr' \(Did you mean doctor\?\)/],
  ])('refuses %j', async (argv, message) => {
    const { status, stderr, stdout } = await outcome(argv);
    expect(status).toBe(2);
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/^error ERR_OPTION_INVALID: [^\n]+\nremedy: [^\n]+\n$/);
    expect(stdout).toBe('');
  });

  it('makes a plugin, and refuses a name that none can have', async () => {
    const folder = join(mkdtempSync(join(tmpdir(), 'libtrace-cli-')), 'made');
    onTestFinished(() => rmSync(dirname(folder), { recursive: true }));
    const { status, stdout } = await outcome(['create-plugin', 'tally', '--folder', folder]);
    expect(status).toBe(0);
    expect(stdout).toContain('made libtrace-plugin-tally in ');
    expect(existsSync(join(folder, 'package.json'))).toBe(true);
    const again = await outcome(['create-plugin', 'tally', '--folder', folder]);
    expect(again).toMatchObject({ status: 1, stdout: '' });
    expect(again.stderr).toMatch(/^error ERR_FOLDER_NOT_EMPTY: /);
    const refused = await outcome(['create-plugin', 'No name']);
    expect(refused).toMatchObject({ status: 2, stdout: '' });
    expect(refused.stderr).toMatch(/^error ERR_PLUGIN_NAME: .*\nremedy: /);
  });

  it('says where FILE goes when an option took it', async () => {
    const { status, stderr } = await outcome(['read', '--protocol', 'http', 'calls.ltrec']);
    expect(status).toBe(2);
    expect(stderr).toContain('remedy: put FILE before the options: libtrace read FILE');
  });

  it('prints help and version', async () => {
    const help = await outcome(['--help']);
    expect(help.status).toBe(0);
    expect(help.stdout).toContain('Examples:');
    const trace = await outcome(['trace', '--help']);
    expect(trace.stdout).toContain('libtrace trace [options] [-- COMMAND ...]');
    expect(trace.stdout).toContain('--max-records');
    const version = await outcome(['--version']);
    expect(version).toEqual({ status: 0, stdout: `${packageVersion()}\n`, stderr: '' });
    expect((await outcome([])).status).toBe(2);
  });

  it('prints the schema', async () => {
    const { stdout } = await outcome(['schema']);
    expect(JSON.parse(stdout)).toMatchObject({ title: 'libtrace record' });
  });

  it('prints code, cause and remedy of an error, and a stack only on request', async () => {
    const error = Object.assign(
      new Error('The kernel refused.', { cause: new Error('bpf(): EPERM') }),
      { code: 'ERR_KERNEL_PERMISSION', remedy: 'run it as root' },
    );
    const quiet = await outcome(['trace', '--all'], (bench) => (bench.createError = error));
    expect(quiet).toEqual({
      status: 1,
      stdout: '',
      stderr:
        'error ERR_KERNEL_PERMISSION: The kernel refused.\ncause: bpf(): EPERM\nremedy: run it as root\n',
    });
    const loud = await outcome(['trace', '--all'], (bench) => {
      bench.createError = error;
      bench.env['LIBTRACE_DEBUG'] = '1';
    });
    expect(loud.stderr).toContain('    at ');
  });

  it('gives a remedy for errors of the system and for defects', async () => {
    const denied = Object.assign(new Error('bpf'), { code: 'EPERM' });
    const one = await outcome(['trace', '--all'], (bench) => (bench.loadError = denied));
    expect(one.stderr).toContain('remedy: run it as root');
    const other = await outcome(['trace', '--all'], (bench) => (bench.loadError = new Error('x')));
    expect(other.stderr).toBe(
      'error: x\nremedy: run it again with LIBTRACE_DEBUG=1 and report what it prints\n',
    );
  });
});
