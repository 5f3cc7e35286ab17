// SPDX-License-Identifier: Apache-2.0
import { existsSync, readFileSync } from 'node:fs';
import { arch, platform, release } from 'node:os';

/** Reads a small file of /proc or /sys; undefined when it cannot be read. */
export type ReadText = (path: string) => string | undefined;

/** What the machine and the rights of this process say before anything is loaded. */
export interface MachineFacts {
  readonly platform: string;
  readonly kernel: string;
  readonly arch: string;
  readonly node: string;
  /** Effective user id; undefined where there is none. */
  readonly euid: number | undefined;
  /** Effective capabilities that matter, by name. */
  readonly capabilities: Readonly<Record<string, boolean>>;
  /** The kernel's own type information, `/sys/kernel/btf/vmlinux`. */
  readonly btf: boolean;
  /** `none`, `integrity`, `confidentiality`; undefined when the kernel does not say. */
  readonly lockdown: string | undefined;
  /** `kernel.unprivileged_bpf_disabled`: 0 allowed, 1 and 2 for the privileged only. */
  readonly unprivilegedBpfDisabled: number | undefined;
  /** Where tracefs is mounted. */
  readonly tracefs: string | undefined;
  /** Where cgroup v2 is mounted. */
  readonly cgroup2: string | undefined;
}

const capabilityBits = {
  CAP_BPF: 39,
  CAP_PERFMON: 38,
  CAP_SYS_ADMIN: 21,
  CAP_SYS_RESOURCE: 24,
  CAP_SYS_PTRACE: 19,
  CAP_DAC_READ_SEARCH: 2,
} as const;

/** Collects the facts; off Linux most are simply absent. */
export function collectFacts(readText: ReadText = readSmallFile): MachineFacts {
  const status = readText('/proc/self/status') ?? '';
  const mounts = readText('/proc/self/mounts') ?? '';
  const disabled = readText('/proc/sys/kernel/unprivileged_bpf_disabled')?.trim();
  return {
    platform: platform(),
    kernel: release(),
    arch: arch(),
    node: process.version,
    euid: process.geteuid?.(),
    capabilities: capabilitiesOf(status),
    btf: existsSync('/sys/kernel/btf/vmlinux'),
    lockdown: /\[(\w+)\]/.exec(readText('/sys/kernel/security/lockdown') ?? '')?.[1],
    unprivilegedBpfDisabled: disabled === undefined ? undefined : Number(disabled),
    tracefs: mountPoint(mounts, 'tracefs'),
    cgroup2: mountPoint(mounts, 'cgroup2'),
  };
}

/** Which of the capabilities that matter are effective, from `/proc/self/status`. */
export function capabilitiesOf(status: string): Readonly<Record<string, boolean>> {
  const mask = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`);
  return Object.fromEntries(
    Object.entries(capabilityBits).map(([name, bit]) => [
      name,
      ((mask >> BigInt(bit)) & 1n) === 1n,
    ]),
  );
}

/** Whether these rights can be enough to load and attach tracing programs. */
export function mayTrace(facts: Pick<MachineFacts, 'euid' | 'capabilities'>): boolean {
  const { CAP_SYS_ADMIN: admin, CAP_BPF: bpf, CAP_PERFMON: perfmon } = facts.capabilities;
  return admin === true || (bpf === true && perfmon === true);
}

function mountPoint(mounts: string, type: string): string | undefined {
  for (const line of mounts.split('\n')) {
    const [, folder, mounted] = line.split(' ');
    // Spaces in paths are written as octal escapes.
    if (mounted === type) return folder?.replaceAll('\\040', ' ');
  }
  return undefined;
}

function readSmallFile(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
