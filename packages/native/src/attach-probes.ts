import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addon } from './addon.js';
import { errorFromErrno } from './error-mapping.js';
import { no, probeFrom, programTypeId } from './probe.js';
import type { Probe } from './probe.js';

/** Numbers of the kernel's `enum bpf_attach_type`. */
const BPF_TRACE_RAW_TP = 23;
const BPF_TRACE_FENTRY = 24;
const BPF_LSM_MAC = 27;

/** `r0 = 0; exit` */
const RETURN_ZERO = Buffer.from([0xb7, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0]);

/** The type number of a perf event source, or undefined when the kernel does not have it. */
function perfEventSource(name: string): number | undefined {
  const path = `/sys/bus/event_source/devices/${name}/type`;
  return existsSync(path) ? Number(readFileSync(path, 'utf8')) : undefined;
}

/** Kprobes: opens one, disabled, on a function every kernel has, and closes it. */
export function probeKprobe(): Probe {
  const type = perfEventSource('kprobe');
  if (type === undefined) {
    return no(
      'the kernel has no perf event source "kprobe" (CONFIG_KPROBE_EVENTS is off, or it is older than 4.17)',
    );
  }
  return probeFrom(addon().openProbeEvent(type, 0, 'vfs_read', 0), 'kprobe');
}

/** Uprobes: opens one in a file of our own that nobody runs, and closes it. */
export function probeUprobe(): Probe {
  const type = perfEventSource('uprobe');
  if (type === undefined) {
    return no(
      'the kernel has no perf event source "uprobe" (CONFIG_UPROBE_EVENTS is off, or it is older than 4.17)',
    );
  }
  const folder = mkdtempSync(join(tmpdir(), 'libtrace-probe-'));
  try {
    const file = join(folder, 'nothing');
    writeFileSync(file, Buffer.alloc(4096, 0x90));
    return probeFrom(addon().openProbeEvent(type, 0, file, 64), 'uprobe');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Places to try, by the names their BTF types have. */
const BTF_NAMES = ['bpf_fentry_test1', 'bpf_lsm_quotactl', 'btf_trace_sched_process_exit'] as const;
let btfIds: ReadonlyMap<string, number> | undefined;

/** The id of a type in the kernel's BTF; all are looked up at once, for reading it is what takes time. */
function btfIdOf(name: (typeof BTF_NAMES)[number]): number {
  btfIds ??= new Map(
    addon()
      .findBtfIds(BTF_NAMES)
      .map((id, index) => [BTF_NAMES[index]!, id]),
  );
  return btfIds.get(name) ?? -1;
}

/** Loads `return 0` for a place named by BTF and, when asked, attaches it for a moment. */
function probeByBtf(
  programType: string,
  name: (typeof BTF_NAMES)[number],
  attachType: number,
  attach: boolean,
): Probe {
  const what = `${programType} programs (tried on ${name})`;
  const btfId = btfIdOf(name);
  if (btfId < 0) return no(`the kernel's type information has no ${name}`);
  const type = programTypeId('probe', programType);
  const { fd, error } = addon().programLoad(
    type,
    RETURN_ZERO,
    'GPL',
    'probe',
    0,
    0,
    attachType,
    btfId,
  );
  if (fd < 0) return probeFrom(-error, what);
  try {
    if (!attach) return { supported: true };
    const result = addon().attachOnce(fd);
    if (result > 0) return { supported: true };
    const { errno } = errorFromErrno('probe', result, '');
    return no(
      `${what} load, but attaching is refused: ${errno ?? ''} (lockdown, or no trampoline on this machine)`,
    );
  } finally {
    addon().closeFd(fd);
  }
}

/** fentry and fexit: tried on a function that the kernel only has for tests of its own. */
export function probeFentry(): Probe {
  return probeByBtf('tracing', 'bpf_fentry_test1', BPF_TRACE_FENTRY, true);
}

/** LSM programs: tried on a hook that is hardly ever called; the program allows what it is asked. */
export function probeLsm(): Probe {
  return probeByBtf('lsm', 'bpf_lsm_quotactl', BPF_LSM_MAC, true);
}

/** Raw tracepoints with types; loading is enough to know. */
export function probeTpBtf(): Probe {
  return probeByBtf('tracing', 'btf_trace_sched_process_exit', BPF_TRACE_RAW_TP, false);
}
