// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { run } from '../run.js';
import { Bench, type FakeScript } from '../testing/fake-tracer.js';
import { sampleBinary, sampleReport } from '../testing/sample-records.js';
import { capabilitiesOf, collectFacts, mayTrace } from './machine-facts.js';

describe('libtrace doctor', () => {
  it('shows hooks with reason and remedy, programs, maps and the verdict', async () => {
    const bench = new Bench();
    expect(await run(['doctor'], bench.dependencies())).toBe(0);
    const { text } = bench.stdout;
    expect(text).toContain('Hooks: 1 of 2 attached');
    expect(text).toMatch(/ok {4}syscalls\/sys_enter_read +enter_read/);
    expect(text).toMatch(/-- {4}sock\/inet_sock_set_state +set_state \(optional\)/);
    expect(text).toContain('reason: the tracepoint does not exist');
    expect(text).toContain('remedy: none needed');
    expect(text).toMatch(/enter_read +321 +1,234 +1\.50ms/);
    expect(text).toContain('Maps: 9.0M in 2 maps');
    expect(text).toMatch(/-- {4}kprobe +not configured in this kernel/);
    expect(text.trimEnd()).toMatch(/Live tracing works\.$/);
    expect(bench.tracer!.options.target).toEqual({ pids: [process.pid] });
    expect(bench.tracer!.state).toBe('closed');
  });

  it('prints the same as JSON', async () => {
    const bench = new Bench();
    expect(await run(['doctor', '--format', 'json'], bench.dependencies())).toBe(0);
    expect(JSON.parse(bench.stdout.text)).toMatchObject({
      works: true,
      addon: 'ready',
      mapBytes: 9_437_184,
      machine: { node: process.version },
      features: { ringBuffer: { supported: true } },
    });
  });

  it('says why live tracing does not work, with status 1', async () => {
    const bench = new Bench({
      onAttach: () => {
        throw Object.assign(new Error('A hook was refused.'), {
          code: 'ERR_KERNEL_ATTACH',
          remedy: 'mount tracefs',
        });
      },
    });
    expect(await run(['doctor'], bench.dependencies())).toBe(1);
    const { text } = bench.stdout;
    expect(text).toContain('Live tracing does not work here.\nerror ERR_KERNEL_ATTACH: A hook was');
    expect(text).toContain('remedy: mount tracefs');
    expect(text).toContain('Hooks: 1 of 2 attached');
  });

  it('says why not even loading worked', async () => {
    const bench = new Bench({
      onLoad: () => {
        throw Object.assign(new Error('bpf'), { code: 'EPERM' });
      },
    });
    expect(await run(['doctor'], bench.dependencies())).toBe(1);
    expect(bench.stdout.text).toContain('error EPERM: bpf\nremedy: run it as root');
  });

  it('works without the addon', async () => {
    const bench = new Bench();
    bench.loadError = Object.assign(new Error('not built'), { code: 'ERR_NATIVE_MISSING' });
    const deps = {
      ...bench.dependencies(),
      nativeFeatures: () => Promise.reject(bench.loadError!),
    };
    expect(await run(['doctor'], deps)).toBe(1);
    expect(bench.stdout.text).toMatch(/no {4}native addon +error ERR_NATIVE_MISSING: not built/);
  });
});

describe('sources of plaintext in libtrace doctor', () => {
  const object = join(mkdtempSync(join(tmpdir(), 'libtrace-doctor-')), 'openssl.bpf.o');
  writeFileSync(object, '');
  afterAll(() => rmSync(dirname(object), { recursive: true }));

  function benchWith(script: FakeScript = {}): Bench {
    const bench = new Bench({
      programs: [
        { ...sampleReport().programs[0]!, name: 'openssl/write_enter' },
        { ...sampleReport().programs[0]!, name: 'openssl/write_exit' },
      ],
      ...script,
    });
    bench.sources = ['openssl'];
    bench.objects.set('openssl', object);
    return bench;
  }

  it('says which load, and places no probe', async () => {
    const bench = benchWith();
    expect(await run(['doctor'], bench.dependencies())).toBe(0);
    expect(bench.stdout.text).toMatch(
      /Plaintext above TLS\n {2}ok {4}openssl +@libtrace\/uprobe-openssl 1\.2\.3; 2 programs loaded\n/,
    );
    expect(bench.tracer!.options.plugins.map(({ name }) => String(name))).toEqual([
      'http',
      'openssl',
    ]);
    expect(bench.tracer!.options.uprobes).toEqual({ onlyBelow: ['/dev/null'] });
  });

  it('says why one does not, and that everything else works', async () => {
    const bench = benchWith({
      programs: [],
      onLoad: (tracer) => {
        const cause = Object.assign(new Error('source openssl: refused'), {
          code: 'ERR_UPROBE_LOAD',
          plugin: 'openssl',
          remedy: 'update it',
        });
        tracer.emit('error', cause);
      },
    });
    bench.sourceProblems = [new Error('The package @libtrace/uprobe-go could not be loaded.')];
    expect(await run(['doctor'], bench.dependencies())).toBe(0);
    const { text } = bench.stdout;
    expect(text).toMatch(/no {4}openssl .*: error ERR_UPROBE_LOAD: source openssl: refused\n/);
    expect(text).toContain('remedy: update it');
    expect(text).toMatch(/no {4}problem +error: The package @libtrace\/uprobe-go could not/);
    expect(text.trimEnd()).toMatch(/Live tracing works\.$/);
  });

  it('says that the object is missing', async () => {
    const bench = benchWith();
    bench.objects.set('openssl', '/nowhere/openssl.bpf.o');
    await run(['doctor'], bench.dependencies());
    expect(bench.stdout.text).toContain('its programs are missing: /nowhere/openssl.bpf.o');
  });

  it('says whether return probes are safe, and where probes may be placed', async () => {
    const bench = benchWith();
    bench.env['LIBTRACE_PROBE_ONLY'] = '/srv/private';
    await run(['doctor'], bench.dependencies());
    expect(bench.stdout.text).toMatch(/-- {4}return probes +by a system call that seccomp/);
    expect(bench.stdout.text).toContain('below /srv/private only (LIBTRACE_PROBE_ONLY)');
    const json = benchWith();
    const deps = { ...json.dependencies(), returnProbes: () => Promise.resolve('trap' as const) };
    await run(['doctor', '--format', 'json'], deps);
    expect(JSON.parse(json.stdout.text)).toMatchObject({
      returnProbes: 'trap',
      sources: [{ name: 'openssl', version: '1.2.3', object, programs: 2 }],
      sourceProblems: [],
    });
    await run(['doctor'], deps);
    expect(json.stdout.text).toMatch(/ok {4}return probes +by a breakpoint; harmless/);
  });
});

describe('libtrace doctor --binary', () => {
  const file = '/opt/app/libssl.so.3';

  async function inspect(
    argv: readonly string[],
    prepare: (bench: Bench) => void,
  ): Promise<{ status: number; text: string; bench: Bench }> {
    const bench = new Bench();
    bench.sources = ['openssl', 'go'];
    prepare(bench);
    const status = await run(['doctor', ...argv], bench.dependencies());
    return { status, text: bench.stdout.text, bench };
  }

  it('shows each probe with its place, its cost and the reason, and starts no tracer', async () => {
    const { status, text, bench } = await inspect(['--binary', file], ({ inspections }) =>
      inspections.set(file, [sampleBinary()]),
    );
    expect(status).toBe(0);
    expect(text).toBe(
      [
        file,
        '  ok  openssl: OpenSSL 3.0.15, dynamic symbols',
        '      build id 0123abcd',
        '',
        '      2 probes:',
        '      function    offset  kind   instruction  why',
        '      SSL_write  0x35a10  entry  push rbp     emulated; 4 bytes in, past endbr64',
        '      SSL_write  0x35b02  site   ret          single-stepped: return probes are not safe here',
        '',
      ].join('\n'),
    );
    expect(bench.tracers).toEqual([]);
    expect(bench.inspected).toEqual([
      { path: file, sources: ['openssl', 'go'], conditions: { safeReturnProbes: false } },
    ]);
  });

  it('needs no addon', async () => {
    const bench = new Bench();
    bench.inspections.set(file, [sampleBinary()]);
    const deps = {
      ...bench.dependencies(),
      returnProbes: () => Promise.reject(new Error('not built')),
    };
    expect(await run(['doctor', '--binary', file], deps)).toBe(0);
    expect(bench.inspected).toMatchObject([{ conditions: undefined }]);
  });

  it('wraps reasons on a terminal, and aligns them', async () => {
    const { text } = await inspect(['--binary', file], (bench) => {
      bench.columns = 80;
      bench.inspections.set(file, [sampleBinary()]);
    });
    const lines = text.split('\n');
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
    const first = lines.findIndex((line) => line.includes('single-stepped'));
    expect(lines[first + 1]!.search(/\S/)).toBe(lines[first]!.indexOf('single-stepped'));
  });

  it('says why a file cannot be probed, and what would help; status 1', async () => {
    const { status, text } = await inspect(['--binary', file], ({ inspections }) =>
      inspections.set(file, [
        {
          ...sampleBinary(),
          summary: '',
          details: [],
          probes: [],
          attached: false,
          reason: 'no symbol SSL_read\u001b[1m',
          remedy: 'link it with -rdynamic',
        },
      ]),
    );
    expect(status).toBe(1);
    expect(text).toBe(
      `${file}\n  no  openssl: not recognized\n      reason: no symbol SSL_read\\x1b[1m\n` +
        '      remedy: link it with -rdynamic\n',
    );
  });

  it('says that no source knows a file; status 1', async () => {
    const { status, text } = await inspect(['--binary', '/bin/true'], () => undefined);
    expect(status).toBe(1);
    expect(text).toBe('/bin/true\n  --  nothing for the sources that are active: openssl, go\n');
  });

  it('prints the same as JSON, for several files', async () => {
    const { status, text } = await inspect(
      ['--binary', file, '/bin/true', '--format', 'json'],
      ({ inspections }) => inspections.set(file, [sampleBinary()]),
    );
    expect(status).toBe(1);
    expect(JSON.parse(text)).toEqual([
      { file, sources: [sampleBinary()] },
      { file: '/bin/true', sources: [] },
    ]);
  });
});

describe('machine facts', () => {
  it('reads capabilities from the effective set', () => {
    const all = capabilitiesOf('Name:\tx\nCapEff:\t000001ffffffffff\n');
    expect(all['CAP_BPF']).toBe(true);
    const none = capabilitiesOf('CapEff:\t0000000000000000\n');
    expect(mayTrace({ euid: 0, capabilities: none })).toBe(false);
    const bpf = capabilitiesOf('CapEff:\t000000c000000000\n');
    expect(bpf).toMatchObject({ CAP_BPF: true, CAP_PERFMON: true, CAP_SYS_ADMIN: false });
    expect(mayTrace({ euid: 1000, capabilities: bpf })).toBe(true);
  });

  it('finds mounts and lockdown, and does without them', () => {
    const files: Record<string, string> = {
      '/proc/self/mounts':
        'nodev /sys/kernel/tracing tracefs rw 0 0\ncg /sys/fs/cg\\040two cgroup2 rw',
      '/sys/kernel/security/lockdown': 'none [integrity] confidentiality\n',
      '/proc/sys/kernel/unprivileged_bpf_disabled': '2\n',
    };
    expect(collectFacts((path) => files[path])).toMatchObject({
      tracefs: '/sys/kernel/tracing',
      cgroup2: '/sys/fs/cg two',
      lockdown: 'integrity',
      unprivilegedBpfDisabled: 2,
    });
    expect(collectFacts(() => undefined)).toMatchObject({
      tracefs: undefined,
      cgroup2: undefined,
      lockdown: undefined,
      unprivilegedBpfDisabled: undefined,
    });
  });
});
