// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { run } from '../run.js';
import { Bench } from '../testing/fake-tracer.js';
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
