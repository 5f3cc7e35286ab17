// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { run } from '../run.js';
import { Bench } from '../testing/fake-tracer.js';
import { httpTurns, sampleRecording, type Conversation } from '../testing/sample-recording.js';

// Nothing here may need the addon.
vi.mock('@libtrace/native', () => {
  throw new Error('the native addon was imported');
});

const folder = mkdtempSync(join(tmpdir(), 'libtrace-read-'));
afterAll(() => rmSync(folder, { recursive: true }));

const three: readonly Conversation[] = [
  { port: 80, turns: [...httpTurns('/a'), ...httpTurns('/b', 404)] },
  { port: 7777, turns: ['ASK one\n', 'SAY two\n'] },
  { port: 81, turns: httpTurns('/c', 500) },
];

let files = 0;
async function fileOf(conversations: readonly Conversation[]): Promise<string> {
  const path = join(folder, `${files++}.ltrec`);
  writeFileSync(path, await sampleRecording(conversations));
  return path;
}

async function read(argv: readonly string[], prepare?: (bench: Bench) => void) {
  const bench = new Bench();
  prepare?.(bench);
  const { loadTracing, ...deps } = bench.dependencies();
  expect(loadTracing).toBeDefined();
  const status = await run(['read', ...argv], deps);
  return { status, stdout: bench.stdout.text, stderr: bench.stderr, bench };
}

describe('libtrace read', () => {
  it('shows the calls and what was not understood, and needs no addon', async () => {
    const { status, stdout, stderr } = await read([await fileOf(three)]);
    expect(stderr).toBe('');
    expect(status).toBe(0);
    const lines = stdout.split('\n');
    expect(lines[0]).toMatch(/curl\/77 +→ 127\.0\.0\.1:80 +http +GET \/a +200 /);
    expect(lines[1]).toMatch(/GET \/b +404 /);
    expect(lines[2]).toMatch(/127\.0\.0\.1:81 .*GET \/c +500 /);
    expect(stdout).toContain('3 calls in 7.00ms: 1 client error, 1 server error;');
    expect(stdout).toMatch(/not understood: 1 of 3 connections: not recognized as http/);
    expect(stdout).toContain('nothing lost');
  });

  it('writes the lines that trace writes', async () => {
    const { stdout, stderr, status } = await read([await fileOf(three), '--format', 'json']);
    expect(status).toBe(0);
    const records = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(records).toHaveLength(3);
    expect(records[0]).toMatchObject({
      protocol: 'http',
      startTime: '2023-11-14T22:13:21.001000000Z',
      durationMs: 1,
      source: 'recording',
      role: 'client',
      process: { pid: 77, tid: 78, comm: 'curl', exe: '/usr/bin/curl', cgroup: '/' },
      connection: { id: 1, transport: 'tcp', server: { address: '127.0.0.1', port: 80 } },
      attributes: { 'url.path': '/a' },
    });
    expect(stderr).toContain('3 calls in');
  });

  it('reads standard input, compressed', async () => {
    const bytes = gzipSync(await sampleRecording(three));
    const bench = new Bench();
    const { loadTracing, ...deps } = bench.dependencies();
    expect(loadTracing).toBeDefined();
    const stdin = async function* (): AsyncGenerator<Buffer> {
      yield bytes.subarray(0, 100);
      await wait(5);
      yield bytes.subarray(100);
    };
    expect(await run(['read', '-'], { ...deps, stdin })).toBe(0);
    expect(bench.stdout.text).toContain('3 calls in');
  });

  it('writes records to --output and the summary to stderr', async () => {
    const { bench, stdout, stderr } = await read([await fileOf(three), '-o', 'calls.txt']);
    expect(bench.files.get('calls.txt')!.text.match(/GET/g)).toHaveLength(3);
    expect(stdout).toBe('');
    expect(stderr).toContain('3 calls in');
  });

  it('ends after --max-records', async () => {
    const { stdout, status } = await read([await fileOf(three), '-n', '2']);
    expect(status).toBe(0);
    expect(stdout.match(/GET \//g)).toHaveLength(2);
    expect(stdout).toContain('2 calls in');
  });

  it('shows only the protocols that are asked for', async () => {
    const path = await fileOf(three);
    expect((await read([path, '--protocol', 'http'])).stdout).toContain('3 calls in');
    const none = await read([path, '--protocol', 'grpc']);
    expect(none.status).toBe(0);
    expect(none.stdout).toContain('No calls seen');
  });

  it('shows credentials on --show-secrets only', async () => {
    const path = await fileOf([{ port: 80, turns: httpTurns('/login?access_token=12345') }]);
    expect((await read([path])).stdout).toContain('access_token=REDACTED');
    expect((await read([path, '--show-values'])).stdout).toContain('access_token=REDACTED');
    expect((await read([path, '--show-secrets'])).stdout).toContain('access_token=12345');
  });

  it('decodes a port as it is told', async () => {
    const odd = [{ port: 9999, turns: ['PURGE /x HTTP/1.1\r\n\r\n', httpTurns('')[1]!] }];
    const { stdout, status } = await read([await fileOf(odd), '--decode-as', '9999=http']);
    expect(status).toBe(0);
    expect(stdout).toContain('PURGE /x');
  });

  it.each([
    [
      ['--protocol', 'htpt'],
      /There is no protocol "htpt" here\.\nremedy: the protocols are: http, .*grpc/,
    ],
    [['--decode-as', '80=gopher'], /There is no protocol "gopher" here/],
    [['--protocol', 'grpc', '--decode-as', '80=mine'], /There is no protocol "mine" here/],
    [['--decode-as', '80'], /Give PORT=PROTOCOL, as in 8081=http/],
    [['--decode-as', '0=http'], /Give PORT=PROTOCOL/],
    [['--protocol', ''], /It is empty/],
  ])('refuses %j', async (argv, message) => {
    const { status, stderr, stdout } = await read([await fileOf(three), ...argv]);
    expect(status).toBe(2);
    expect(stderr).toMatch(/^error ERR_OPTION_INVALID: /);
    expect(stderr).toMatch(message);
    expect(stdout).toBe('');
  });

  it('needs one file', async () => {
    expect((await read([])).stderr).toContain("missing required argument 'file'");
    const missing = await read([join(folder, 'absent.ltrec')]);
    expect(missing.status).toBe(1);
    expect(missing.stderr).toMatch(/error ERR_FILE_READ: .*absent\.ltrec cannot be read/);
    writeFileSync(join(folder, 'text'), 'just a text that is long enough');
    const text = await read([join(folder, 'text')]);
    expect(text.status).toBe(1);
    expect(text.stderr).toContain('error ERR_CAPTURE_FORMAT');
  });

  it('reads a file that was cut off up to there, and says so', async () => {
    const path = await fileOf(three);
    const bytes = readFileSync(path);
    writeFileSync(path, bytes.subarray(0, bytes.length - 100));
    const { status, stdout, stderr } = await read([path]);
    expect(status).toBe(0);
    expect(stderr).toBe('');
    expect(stdout).toContain('GET /a');
    expect(stdout).toMatch(/lost: the end of the file is missing: it was cut off/);
  });

  it('shows what came before the damage, then the error', async () => {
    const path = await fileOf(three);
    const bytes = readFileSync(path);
    bytes[bytes.length - 120]! ^= 1;
    writeFileSync(path, bytes);
    const { status, stdout, stderr } = await read([path]);
    expect(stdout).toContain('GET /a');
    expect(stdout).toMatch(/\d calls? in/);
    expect(stdout).toContain('lost: everything behind the damage');
    expect(stdout).not.toContain('nothing lost');
    expect(status).toBe(1);
    expect(stderr).toMatch(/^error ERR_RECORDING_INVALID: .*\(at byte \d+\)\nremedy: /);
  });

  it('drops no line, however slow the output is', async () => {
    const turns = Array.from({ length: 20_000 }, (_, i) => httpTurns(`/${i}`)).flat();
    const path = await fileOf([{ port: 80, turns }]);
    const { stdout } = await read([path, '--format', 'json'], (bench) => {
      const write = bench.stdout.write.bind(bench.stdout);
      bench.stdout.write = async (text) => {
        await wait(20);
        await write(text);
      };
    });
    expect(stdout.match(/\n/g)).toHaveLength(20_000);
  });

  it('ends quietly when its reader goes away, and with an error when the disk is full', async () => {
    const turns = Array.from({ length: 5000 }, (_, i) => httpTurns(`/${i}`)).flat();
    const path = await fileOf([{ port: 80, turns }]);
    const broken = (code: string) => (bench: Bench) =>
      (bench.stdout.error = Object.assign(new Error(code), { code }));
    expect(await read([path], broken('EPIPE'))).toMatchObject({ status: 0, stderr: '' });
    const full = await read([path], broken('ENOSPC'));
    expect(full.status).toBe(1);
    expect(full.stderr).toContain('error ENOSPC: Writing the output failed');
  });

  it('sums up what was read when it is interrupted; status 130', async () => {
    const turns = Array.from({ length: 30_000 }, (_, i) => httpTurns(`/${i}`)).flat();
    const path = await fileOf([{ port: 80, turns }]);
    const { status, stdout } = await read([path, '--format', 'json'], (bench) => {
      const write = bench.stdout.write.bind(bench.stdout);
      bench.stdout.write = async (text) => {
        await write(text);
        bench.signals.emit('SIGINT');
        await wait(5);
      };
    });
    expect(status).toBe(130);
    expect(stdout.match(/\n/g)!.length).toBeLessThan(30_000);
  });

  it('reads what a third party’s plugin knows', async () => {
    const path = join(folder, 'tally.mjs');
    writeFileSync(
      path,
      `const line = (view) => view.indexOf(10);
       export default ({ showValues }) => ({
         kind: 'protocol', apiVersion: 1, name: 'tally', transports: ['tcp'],
         inference: { rules: [{ says: 'request', when: { kind: 'bytes', at: 0, anyOf: ['ASK '] } }] },
         matching: { mode: 'in-order' },
         createParser: () => ({
           parse(side, view) {
             const end = line(view);
             if (end < 0) return { status: 'more' };
             return { status: 'frame', frame: view.latin1(4, end), consumed: end + 1 };
           },
           resync: () => -1,
         }),
         toRecord: ({ request, response }) => ({
           operation: 'ASK', status: 'ok',
           attributes: { 'tally.asked': request.frame, 'tally.answer': showValues ? response.frame : '?' },
         }),
       });`,
    );
    const recording = await fileOf(three);
    const hidden = await read([recording, '--plugin', path]);
    expect(hidden.stdout).toMatch(/tally ASK asked=one answer=\? +ok/);
    expect(hidden.stdout).not.toContain('not understood');
    const shown = await read([recording, '--plugin', path, '--protocol', 'tally', '--show-values']);
    expect(shown.stdout).toMatch(/tally ASK asked=one answer=two +ok/);
    expect(shown.stdout).toContain('1 call in');
  });

  it('has no use for sources of plaintext, and takes them without a word', async () => {
    const path = join(folder, 'source.mjs');
    writeFileSync(
      path,
      `export default () => ({
         kind: 'uprobe', apiVersion: 1, name: 'toytls', bpf: { url: new URL('file:///opt/x.bpf.o') },
         wants: () => true, inspect: () => undefined,
       });`,
    );
    const { stdout, stderr, status } = await read([await fileOf(three), '--plugin', path]);
    expect(stderr).toBe('');
    expect(status).toBe(0);
    expect(stdout).toContain('3 calls in');
  });

  it('says what failed in a plugin, and goes on', async () => {
    const path = join(folder, 'fails.mjs');
    writeFileSync(
      path,
      `export default () => ({
         kind: 'protocol', apiVersion: 1, name: 'fails', transports: ['tcp'],
         inference: { rules: [{ says: 'request', when: { kind: 'bytes', at: 0, anyOf: ['ASK '] } }] },
         matching: { mode: 'in-order' },
         createParser: () => ({ parse() { throw new Error('my defect'); }, resync: () => -1 }),
         toRecord: () => undefined,
       });`,
    );
    const { stdout, stderr, status } = await read([await fileOf(three), '--plugin', path]);
    expect(status).toBe(0);
    expect(stderr).toContain('warning: my defect');
    expect(stdout).toContain('3 calls in');
    expect(stdout).toContain('lost: 1 failure of a plugin');
  });
});

describe('other commands that need no addon', () => {
  it.each([[['schema']], [['plugins']], [['--version']], [['read', '--help']]])(
    '%j',
    async (argv) => {
      const bench = new Bench();
      const { loadTracing, ...deps } = bench.dependencies();
      expect(loadTracing).toBeDefined();
      expect(await run(argv, deps)).toBe(0);
      expect(bench.stderr).toBe('');
    },
  );
});
