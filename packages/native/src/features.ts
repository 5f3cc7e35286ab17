import { existsSync } from 'node:fs';
import { probeFentry, probeKprobe, probeLsm, probeTpBtf, probeUprobe } from './attach-probes.js';
import { no, probeHelper, probeMapType, probeProgramType } from './probe.js';
import type { Probe } from './probe.js';
import { probeBoundedLoops, probeGlobalData, probeLargePrograms } from './verifier-probes.js';

/** What can be tried on a kernel. */
const PROBES = {
  /** The kernel's own type information, for CO-RE and for `tp_btf`, `fentry`, `lsm`. */
  btf: () =>
    existsSync('/sys/kernel/btf/vmlinux')
      ? { supported: true }
      : no('there is no /sys/kernel/btf/vmlinux'),
  /** Tracepoint programs (4.7). Attaching them needs tracefs, see `tracefs`. */
  tracepoint: () => probeProgramType('tracepoint'),
  /** Raw tracepoint programs (4.17). */
  rawTracepoint: () => probeProgramType('raw_tracepoint'),
  /** Raw tracepoints with types (5.5). */
  tpBtf: probeTpBtf,
  /** Programs at kernel functions, by perf events (4.17). */
  kprobe: probeKprobe,
  /** Programs at instructions of files, by perf events (4.17). */
  uprobe: probeUprobe,
  /** Programs at kernel functions, by trampolines (5.5). */
  fentry: probeFentry,
  /** Programs at security hooks (5.7). */
  lsm: probeLsm,
  /** Programs run by clocks and counters (4.9). */
  perfEvent: () => probeProgramType('perf_event'),
  /** Programs on the packets of cgroups (4.10). */
  cgroupSkb: () => probeProgramType('cgroup_skb'),
  /** Programs on the packets of devices, before anything else (4.8). */
  xdp: () => probeProgramType('xdp'),
  /** Programs of traffic control (4.1). */
  schedCls: () => probeProgramType('sched_cls'),
  /** One buffer for all CPUs (5.8). */
  ringBuffer: () => probeMapType('ringbuf'),
  /** Storage in a thread (5.11). */
  taskStorage: () => probeMapType('task_storage'),
  /** Storage in a socket (5.2). */
  socketStorage: () => probeMapType('sk_storage'),
  /** Globals (5.2). */
  globalData: probeGlobalData,
  /** Loops whose end the verifier can see (5.3). */
  boundedLoops: probeBoundedLoops,
  /** Programs of more than 4,096 instructions (5.2). */
  largePrograms: probeLargePrograms,
  /** `bpf_probe_read_user` and `_kernel` (5.5). */
  probeReadUser: () => probeHelper('tracepoint', 112),
  /** `bpf_get_current_cgroup_id` (4.18). */
  currentCgroupId: () => probeHelper('tracepoint', 80),
  /** `bpf_loop` (5.17). */
  loopHelper: () => probeHelper('tracepoint', 181),
  /** `bpf_get_attach_cookie` (5.15). */
  attachCookie: () => probeHelper('tracepoint', 174),
  /** `bpf_ktime_get_boot_ns` (5.8). */
  bootTime: () => probeHelper('tracepoint', 125),
  /** A mounted tracefs. */
  tracefs: () =>
    existsSync('/sys/kernel/tracing/events') || existsSync('/sys/kernel/debug/tracing/events')
      ? { supported: true }
      : no('tracefs is not mounted, or cannot be read: mount -t tracefs nodev /sys/kernel/tracing'),
} as const satisfies Record<string, () => Probe>;

/** Name of something that {@link features} tries. */
export type FeatureName = keyof typeof PROBES;

/** What the running kernel can do, and reasons for what it cannot. */
export type Features = Readonly<Record<FeatureName, boolean>> & {
  /** Why something is not supported. */
  readonly reasons: Readonly<Partial<Record<FeatureName, string>>>;
};

/** Tries one thing. */
export function probeFeature(name: FeatureName): Probe {
  return PROBES[name]();
}

/**
 * Tries what the running kernel can do, with the rights of this process. Nothing stays loaded or attached.
 * Takes some milliseconds; the result does not change while the machine runs, so keep it.
 *
 * @example
 * ```ts
 * import { features } from '@libtrace/native';
 * const { kprobe, ringBuffer, reasons } = features();
 * if (!kprobe) console.log(`no kprobes: ${reasons.kprobe}`);
 * console.log(ringBuffer ? 'ring buffer' : 'perf buffer');
 * ```
 */
export function features(): Features {
  const names = Object.keys(PROBES) as FeatureName[];
  const results = names.map((name) => [name, probeFeature(name)] as const);
  const flags = Object.fromEntries(
    results.map(([name, { supported }]) => [name, supported]),
  ) as Record<FeatureName, boolean>;
  const reasons = Object.fromEntries(
    results.flatMap(([name, { reason }]) => (reason === undefined ? [] : [[name, reason]])),
  ) as Partial<Record<FeatureName, string>>;
  return { ...flags, reasons };
}
