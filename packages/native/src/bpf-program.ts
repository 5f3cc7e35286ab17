import { addon } from './addon.js';
import type { NativeLink, NativeObject } from './addon.js';
import { checkBoolean, checkInteger, checkName, checkU64 } from './argument-checks.js';
import type {
  KprobeOptions,
  TracepointOptions,
  UprobeMultiOptions,
  UprobeOptions,
  UsdtOptions,
} from './attach-options.js';
import { BpfLink } from './bpf-link.js';
import { BpfError } from './errors.js';
import type { ObjectHandle } from './object-handle.js';
import { perfEventArguments } from './perf-events.js';
import type { PerfEventOptions } from './perf-events.js';
import type { ProgramInfo } from './program-info.js';

/** One program of a {@link BpfObject}. Attach methods throw when the program is not of the kind they are for. */
export class BpfProgram {
  readonly #handle: ObjectHandle;
  readonly #index: number;
  /** Name of the C function. */
  readonly name: string;
  /** ELF section: `raw_tp/sys_enter`. */
  readonly section: string;
  /** Kind of program as libbpf names it: `tracepoint`, `raw_tracepoint`, `kprobe`, `tracing`, … */
  readonly type: string;

  /** @internal */
  constructor(handle: ObjectHandle, index: number) {
    this.#handle = handle;
    this.#index = index;
    const row = handle.programs[index]!;
    this.name = row.name;
    this.section = row.section;
    this.type = row.type;
  }

  /** Whether `load` shall load it; can be set before load. False at first for sections that begin with `?`. */
  get autoload(): boolean {
    return this.#handle.autoload[this.#index] ?? false;
  }
  /** Before load. @throws BpfError `ERR_BPF_ALREADY_LOADED` */
  set autoload(on: boolean) {
    checkBoolean('set autoload', 'autoload', on);
    this.#handle.beforeLoad(`set autoload of ${this.name}`);
    this.#handle.autoload[this.#index] = on;
  }

  /** Whether it is in the kernel: `load` was called, and this program was not left out. */
  get loaded(): boolean {
    return (
      this.#handle.phase === 'loaded' && this.#handle.open('program').programFd(this.#index) >= 0
    );
  }

  /**
   * File descriptor of the loaded program; belongs to the object.
   * @throws BpfError `ERR_BPF_NOT_LOADED`, `ERR_BPF_CLOSED`
   */
  get fd(): number {
    const operation = `program ${this.name}`;
    const fd = this.#handle.afterLoad(operation).programFd(this.#index);
    if (fd < 0) throw new BpfError('ERR_BPF_NOT_LOADED', { operation });
    return fd;
  }

  /** Length in the file, in instructions, without the functions it calls. */
  get instructions(): number {
    return this.#handle.programs[this.#index]!.instructions;
  }

  /** Attaches to a raw tracepoint, by its name without category: `sys_enter`. */
  attachRawTracepoint(event: string): BpfLink {
    checkName('attach raw tracepoint', 'event', event);
    return this.#attach((native) => native.attachRawTracepoint(this.#index, event));
  }

  /** Attaches to a tracepoint: `attachTracepoint('sched', 'sched_process_exit')`. Needs tracefs. */
  attachTracepoint(category: string, name: string, options: TracepointOptions = {}): BpfLink {
    const operation = 'attach tracepoint';
    checkName(operation, 'category', category);
    checkName(operation, 'name', name);
    const cookie = checkU64(operation, 'cookie', options.cookie ?? 0n);
    return this.#attach((native) => native.attachTracepoint(this.#index, category, name, cookie));
  }

  /** Attaches a `tp_btf`, `fentry`, `fexit`, `fmod_ret` or `lsm` program to what its section names. */
  attachTrace(): BpfLink {
    return this.#attach((native) =>
      this.type === 'lsm' ? native.attachLsm(this.#index) : native.attachTrace(this.#index),
    );
  }

  /** Attaches a `tp_btf` program; the same as {@link BpfProgram.attachTrace}. */
  attachTpBtf(): BpfLink {
    return this.attachTrace();
  }

  /** Attaches to a kernel function's entry, or its return. */
  attachKprobe(symbol: string, options: KprobeOptions = {}): BpfLink {
    const operation = 'attach kprobe';
    checkName(operation, 'symbol', symbol);
    const retprobe = checkBoolean(operation, 'retprobe', options.retprobe ?? false);
    const offset = checkU64(operation, 'offset', options.offset ?? 0n);
    const cookie = checkU64(operation, 'cookie', options.cookie ?? 0n);
    return this.#attach((native) =>
      native.attachKprobe(this.#index, symbol, retprobe, offset, cookie),
    );
  }

  /** Attaches to an instruction of a program file or library, for the processes that have it mapped. */
  attachUprobe(options: UprobeOptions): BpfLink {
    const operation = 'attach uprobe';
    const path = checkName(operation, 'path', options.path);
    const offset = checkU64(operation, 'offset', options.offset);
    const retprobe = checkBoolean(operation, 'retprobe', options.retprobe ?? false);
    const pid = checkInteger(operation, 'pid', options.pid ?? -1, -1, 0x7fffffff);
    const refCtrOffset = checkU64(operation, 'refCtrOffset', options.refCtrOffset ?? 0n);
    const cookie = checkU64(operation, 'cookie', options.cookie ?? 0n);
    return this.#attach((native) =>
      native.attachUprobe(this.#index, path, offset, retprobe, pid, refCtrOffset, cookie),
    );
  }

  /**
   * Makes it a program for links of many uprobes, before load (kernel 6.6, see `supportsUprobeMulti`). Programs that tail
   * call each other must be of the same kind in this, too.
   */
  forUprobeMulti(): void {
    this.#handle.setUprobeMulti(this.#index);
  }

  /** Attaches to several instructions of one file, by one link. For programs made so by {@link forUprobeMulti}. */
  attachUprobeMulti(options: UprobeMultiOptions): BpfLink {
    const operation = 'attach uprobes';
    const path = checkName(operation, 'path', options.path);
    const offsets = options.offsets.map((offset) => checkU64(operation, 'offset', offset));
    const retprobe = checkBoolean(operation, 'retprobe', options.retprobe ?? false);
    const semaphores = (options.refCtrOffsets ?? []).map((offset) =>
      checkU64(operation, 'refCtrOffset', offset),
    );
    return this.#attach((native) =>
      native.attachUprobeMulti(this.#index, path, offsets, retprobe, semaphores),
    );
  }

  /** Attaches to all places of a USDT probe; the object must include `bpf/usdt.bpf.h`. */
  attachUsdt(options: UsdtOptions): BpfLink {
    const operation = 'attach usdt';
    const path = checkName(operation, 'path', options.path);
    const provider = checkName(operation, 'provider', options.provider);
    const name = checkName(operation, 'name', options.name);
    const pid = checkInteger(operation, 'pid', options.pid ?? -1, -1, 0x7fffffff);
    const cookie = checkU64(operation, 'cookie', options.cookie ?? 0n);
    return this.#attach((native) =>
      native.attachUsdt(this.#index, path, provider, name, pid, cookie),
    );
  }

  /** Runs the program by a clock or counter, on a CPU, for a thread, or both. */
  attachPerfEvent(options: PerfEventOptions): BpfLink {
    const { type, config, byFrequency, value, pid, cpu } = perfEventArguments(
      'attach perf event',
      options,
    );
    return this.#attach((native) =>
      native.attachPerfEvent(this.#index, type, config, byFrequency, value, pid, cpu),
    );
  }

  /** Attaches a cgroup program to a cgroup v2 folder. */
  attachCgroup(path: string): BpfLink {
    checkName('attach cgroup', 'path', path);
    return this.#attach((native) => native.attachCgroup(this.#index, path));
  }

  /** Attaches an XDP program to a network interface, by its index. */
  attachXdp(ifindex: number): BpfLink {
    checkInteger('attach xdp', 'ifindex', ifindex, 1, 0x7fffffff);
    return this.#attach((native) => native.attachXdp(this.#index, ifindex));
  }

  /** Attaches a tc program (`tcx/ingress`, `tcx/egress`) to a network interface, by its index (kernel 6.6). */
  attachTcx(ifindex: number): BpfLink {
    checkInteger('attach tcx', 'ifindex', ifindex, 1, 0x7fffffff);
    return this.#attach((native) => native.attachTcx(this.#index, ifindex));
  }

  /** What the kernel tells of it. */
  info(): ProgramInfo {
    return addon().programInfo(this.fd);
  }

  #attach(attach: (native: NativeObject) => NativeLink): BpfLink {
    const operation = `attach program ${this.name}`;
    const native = this.#handle.afterLoad(operation);
    if (native.programFd(this.#index) < 0) throw new BpfError('ERR_BPF_NOT_LOADED', { operation });
    return new BpfLink(attach(native));
  }
}
