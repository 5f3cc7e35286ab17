// SPDX-License-Identifier: Apache-2.0
import { closeSync, existsSync, openSync, readlinkSync } from 'node:fs';
import type { BpfLink, BpfMap, BpfObject, LoadReport, ProgramLoadResult } from '@libtrace/native';
import type * as NativeModule from '@libtrace/native';
import { LibtraceError } from '../errors.js';
import type { Inferable } from '../inference/index.js';
import type { HookStatus, ProgramStatus, TracerReport, TraceTarget } from '../tracer/types.js';
import {
  counters as countersLayout,
  verdict as verdictLayout,
  verdictKind,
} from './contract.gen.js';
import { chooseCallHooks } from './call-hooks.js';
import { hooksFor, type Hooks } from './hooks.js';
import { kernelError } from './kernel-error.js';
import { objectPath } from './object-path.js';
import { listProcesses, processesIn, runningDescendants } from './processes-on-this-machine.js';
import { RulePrograms } from './rule-programs.js';
import type { Verdict } from '../stream/pipeline-types.js';

/** What the kernel side is loaded with. */
export interface SocketTracerOptions {
  readonly target: TraceTarget;
  readonly ringBytes: number;
  readonly captureBytes: number;
  readonly maxConnections: number;
  readonly wantUdp: boolean;
  /** Deliver everything of connections without a protocol too, whatever user space says of them. Default false. */
  readonly keepUnnamed?: boolean;
  /** Active plugins, whose rules are compiled for the kernel. */
  readonly plugins: readonly Inferable[];
  /** Names of the sources of plaintext. Default: none. */
  readonly sources?: readonly string[];
}

/** Sums over all CPUs of what the kernel side counted (bpf/socket_tracer_api.bpf.h, struct counters). */
export type KernelCounters = Readonly<Record<Exclude<keyof typeof countersLayout, 'size'>, number>>;

const CGROUPS_MAX = 8;
const VERDICT_SLOTS = 16_384;
const COMM_BYTES = 16;
/** Of bpf/filter.bpf.h. */
const PIDS_MAX = 4 * 1024 * 1024;

/** Others that hold what was known of sockets, threads and files. */
const otherTables = [
  'handshakes',
  'send_entries',
  'plaintexts',
  'plaintext_calls',
  'known_files',
] as const;
/** Tables of struct connection, whose first member is the id. */
const connectionTables = ['connections', 'datagram_peers'] as const;

/** Variables that say who is traced, of bpf/target.bpf.h: the same in every object of a tracer. */
function targetVariables(target: TraceTarget): readonly (readonly [name: string, value: number])[] {
  return [
    ['own_pid', process.pid],
    ['trace_all', target.all === true ? 1 : 0],
    // Always on unless everything is traced: pids may be added later.
    ['filter_pids', target.all === true ? 0 : 1],
    ['filter_comms', target.comms?.length ? 1 : 0],
    ['filter_cgroups', Math.min(target.cgroups?.length ?? 0, CGROUPS_MAX)],
  ];
}

/** What the objects of sources of plaintext share with the socket tracer. */
const sharedMaps = ['plaintext_calls', 'plaintext_stages', 'target_cgroups', '.bss.pids'] as const;

function idOf(value: Buffer): number {
  return Number(value.readBigUInt64LE());
}

/** VERDICT_SLOT of bpf/socket_tracer_api.bpf.h. */
function verdictSlot(connectionId: number): number {
  const cpu = Math.floor(connectionId / 2 ** 40);
  return ((connectionId % 2 ** 32) + (Math.imul(cpu, 0x9e3779b1) >>> 0)) % VERDICT_SLOTS;
}

function clear(map: BpfMap): void {
  for (const key of [...map.keys()]) map.delete(key);
}

function u32(value: number): Buffer {
  const key = Buffer.alloc(4);
  key.writeUInt32LE(value);
  return key;
}

function u64(value: number | bigint): Buffer {
  const key = Buffer.alloc(8);
  key.writeBigUInt64LE(BigInt(value));
  return key;
}

const yes = Buffer.from([1]);

/** The kernel half: loads the BPF object, fills the target maps, attaches and detaches the hooks, reads the counters. */
export class SocketTracer {
  readonly #native: typeof NativeModule;
  readonly #object: BpfObject;
  readonly #options: SocketTracerOptions;
  readonly #load: LoadReport;
  readonly #wanted: Hooks;
  readonly #rules: RulePrograms;
  #links: BpfLink[] = [];
  #hooks: HookStatus[] = [];
  #verdictGeneration = 0;
  /** By number of a source. */
  readonly #eras = new Map<number, number>();
  readonly #added = new Set<number>();

  private constructor(
    native: typeof NativeModule,
    object: BpfObject,
    options: SocketTracerOptions,
    load: LoadReport,
    wanted: Hooks,
  ) {
    this.#native = native;
    this.#object = object;
    this.#options = options;
    this.#load = load;
    this.#wanted = wanted;
    this.#rules = new RulePrograms(native, object, wanted.calls);
    this.#rules.replace(options.plugins);
  }

  /**
   * Loads programs and maps; nothing is attached yet.
   * @throws LibtraceError `ERR_KERNEL_PERMISSION`, `ERR_KERNEL_UNSUPPORTED`, `ERR_KERNEL_LOAD`, `ERR_TARGET_NOT_FOUND`,
   * `ERR_PID_NAMESPACE`
   */
  static load(native: typeof NativeModule, options: SocketTracerOptions): SocketTracer {
    checkPidNamespace();
    const wanted = hooksFor(chooseCallHooks(native));
    const object = native.BpfObject.open(objectPath('socket_tracer'), { name: 'libtrace' });
    try {
      const { target } = options;
      const hasSources = (options.sources?.length ?? 0) > 0;
      for (const [name, value] of targetVariables(target)) object.setVariable(name, value);
      object.setVariable('filter_ports', target.ports?.length ? 1 : 0);
      object.setVariable('want_plaintext', hasSources ? 1 : 0);
      object.setVariable('want_files', hasSources ? 1 : 0);
      object.setVariable('want_udp', options.wantUdp ? 1 : 0);
      object.setVariable('keep_unnamed', options.keepUnnamed === true ? 1 : 0);
      object.setVariable('capture_limit', options.captureBytes);
      object.setVariable('wake_bytes', Math.min(256 * 1024, Math.floor(options.ringBytes / 4)));
      const map = mapOf(object);
      map('events').resize(options.ringBytes);
      map('connections').resize(options.maxConnections);
      map('datagram_peers').resize(options.wantUdp ? options.maxConnections : 1);
      map('handshakes').resize(options.maxConnections);
      map('captures').resize(native.possibleCpus());
      map('plaintexts').resize(hasSources ? Math.max(64, options.maxConnections) : 1);
      if (!hasSources) for (const name of ['plaintext_calls', 'known_files']) map(name).resize(1);
      const needed = [
        ...wanted.hooks.filter(({ without }) => without === undefined),
        ...wanted.stages.map(([, program]) => ({ program })),
        ...(hasSources ? [{ program: 'take_plaintext' }] : []),
      ].map(({ program }) => program);
      if (hasSources && native.supportsUprobeMulti()) {
        object.program('take_plaintext').forUprobeMulti();
      }
      const all = new Set([...needed, ...wanted.hooks.map(({ program }) => program)]);
      for (const [name, program] of object.programs) program.autoload = all.has(name);
      const load = object.load({ verifierStats: true });
      const failed = load.programs.find((p) => !p.loaded && needed.includes(p.name));
      if (failed !== undefined) throw kernelError('load', failed.name, failed.error);
      const tracer = new SocketTracer(native, object, options, load, wanted);
      tracer.#fillStaticTargets();
      for (const [slot, program] of wanted.stages) {
        map('stages').setProgram(slot, object.programs.get(program)!);
      }
      if (hasSources) map('plaintext_stages').setProgram(0, object.program('take_plaintext'));
      return tracer;
    } catch (error) {
      object.close();
      throw error instanceof LibtraceError ? error : kernelError('load', 'socket_tracer', error);
    }
  }

  /** The ring that the hooks write to. */
  get events(): BpfMap {
    return this.#map('events');
  }

  /**
   * Attaches every hook and selects the running processes of the target.
   * @returns the ids of the processes that were selected
   * @throws LibtraceError `ERR_KERNEL_ATTACH`
   */
  attach(): ReadonlySet<number> {
    this.#forgetConnections();
    this.#hooks = [];
    const attached: BpfLink[] = [];
    let selected: ReadonlySet<number> = new Set();
    for (const { program, kind, event, without, reason, remedy } of this.#wanted.hooks) {
      const status = {
        program,
        hook: kind === 'perf' ? `tracepoint raw_syscalls:${event}` : `raw tracepoint ${event}`,
        optional: without !== undefined,
        ...(reason === undefined ? {} : { reason }),
        ...(remedy === undefined ? {} : { remedy }),
      };
      try {
        const loaded = this.#object.programs.get(program)!;
        if (!loaded.loaded) throw this.#loadResult(program)?.error ?? new Error('not loaded');
        // Everything that a selected process does from here on is seen.
        if (event === 'sys_exit') selected = this.#selectRunning();
        attached.push(
          kind === 'perf'
            ? loaded.attachTracepoint('raw_syscalls', event)
            : loaded.attachRawTracepoint(event),
        );
        this.#hooks.push({ ...status, attached: true });
      } catch (error) {
        const failure = kernelError('attach', program, error);
        this.#hooks.push({
          ...status,
          attached: false,
          reason:
            without === undefined ? failure.message : `${failure.message}; without it ${without}`,
          ...(failure.remedy === undefined ? {} : { remedy: failure.remedy }),
        });
        if (without !== undefined) continue;
        for (const link of attached) link.detach();
        throw failure;
      }
    }
    this.#links = attached;
    return selected;
  }

  /** Detaches every hook. What is in the ring stays there. */
  detach(): void {
    for (const link of this.#links.reverse()) link.detach();
    this.#links = [];
  }

  /** Frees programs and maps. */
  close(): void {
    this.detach();
    this.#rules.close();
    this.#object.close();
  }

  /** What this tracer's protocol number stands for; undefined for 0 and those that were not given. */
  protocolName(number: number): string | undefined {
    return this.#rules.numbers.nameOf(number);
  }

  /** What a source's number stands for. */
  sourceName(number: number): string | undefined {
    return this.#options.sources?.[number - 1];
  }

  /** Probes of sources were placed just now: connections opened from here on are seen from their first byte. */
  probesPlaced(nowNs: number): void {
    this.#object.writeVariable('plaintext_since', u64(Math.round(nowNs)));
  }

  /** Empties the tables of a source's object that it does not share. */
  clearOwnMaps(object: BpfObject): void {
    const shared: readonly string[] = sharedMaps;
    for (const map of object.maps.values()) {
      if (map.type.includes('hash') && !shared.includes(map.name)) clear(map);
    }
  }

  /**
   * Probes of a source were taken out of files that processes use: what its connections move until they are placed again
   * is not seen. Its connections begin anew, as if joined then.
   */
  beginEra(source: string): void {
    // A call that began before will not be seen to end.
    clear(this.#map('plaintext_calls'));
    const number = this.#sourceNumber(source);
    const era = (this.#eras.get(number) ?? 0) + 1;
    this.#eras.set(number, era);
    this.#object.writeVariable('plaintext_eras', u32(era), number * 4);
  }

  /** Makes the opened object of a source of plaintext one of this tracer: before it is loaded. */
  adopt(object: BpfObject, source: string): void {
    for (const [name, value] of targetVariables(this.#options.target)) {
      object.setVariable(name, value);
    }
    object.setVariable('plaintext_source', this.#sourceNumber(source));
    for (const name of sharedMaps) object.map(name).reuse(this.#map(name));
    if (!this.#native.supportsUprobeMulti()) return;
    for (const program of object.programs.values()) program.forUprobeMulti();
  }

  /**
   * Replaces the plugins whose rules name connections, in any state. Connections that one which is gone had named, and
   * those that none wanted, are inferred anew.
   * @throws LibtraceError `ERR_OPTION_INVALID` for a plugin over UDP when there was none at load
   */
  setPlugins(plugins: readonly Inferable[]): void {
    const datagrams = plugins.find(({ transports }) => transports.includes('udp'));
    if (datagrams !== undefined && !this.#options.wantUdp) {
      throw new LibtraceError(
        'ERR_OPTION_INVALID',
        `plugin ${datagrams.name} speaks UDP, which was not asked for when the tracer was loaded`,
        {
          phase: 'run',
          plugin: datagrams.name,
          remedy: 'make a new tracer, with this plugin from the start',
        },
      );
    }
    this.#rules.replace(plugins);
  }

  /** Traces one more process and its descendants. @returns the ids of those that run already */
  addPid(pid: number): ReadonlySet<number> {
    this.#added.add(pid);
    const members = runningDescendants([pid]);
    for (const member of members) this.#select(member);
    return members;
  }

  /** Processes that run now and are traced without having been selected one by one: all, or those in cgroups. */
  runningUnselected(): ReadonlySet<number> {
    const { all, cgroups = [] } = this.#options.target;
    if (all === true) return new Set(listProcesses().map(({ pid }) => pid));
    return processesIn(cgroups);
  }

  /** A process ended: its id may serve another one by the next time of attaching. */
  removePid(pid: number): void {
    this.#added.delete(pid);
  }

  /** Tells the hooks what user space decided about a connection. */
  setVerdict(connectionId: number, verdict: Verdict): void {
    const value = Buffer.alloc(8);
    value[0] =
      verdict.kind === 'protocol'
        ? verdictKind.protocol
        : verdict.kind === 'ignore'
          ? verdictKind.ignore
          : verdictKind.reopen;
    value[1] = verdict.kind === 'protocol' ? this.#rules.numbers.numberOf(verdict.name) : 0;
    // The id last: the kernel side reads it first.
    const slot = verdictSlot(connectionId) * verdictLayout.size;
    this.#object.writeVariable('verdicts', value, slot + 8);
    this.#object.writeVariable('verdicts', u64(connectionId), slot);
    this.#verdictGeneration = (this.#verdictGeneration + 1) >>> 0;
    this.#object.writeVariable('verdict_generation', this.#verdictGeneration);
  }

  /** Removes a connection whose end no hook saw from the kernel's tables, unless its key serves another one by now. */
  forget({ key, id }: { readonly key: bigint; readonly id: number }): void {
    for (const table of connectionTables) {
      const map = this.#map(table);
      const value = map.lookup(u64(key));
      if (value !== undefined && idOf(value) === id) map.delete(u64(key));
    }
  }

  /** Ids of the connections in the kernel's tables. */
  connectionIds(): ReadonlySet<number> {
    const ids = new Set<number>();
    // Of `plaintexts` too: the first member of its values is a struct connection.
    for (const table of [...connectionTables, 'plaintexts']) {
      for (const [, value] of this.#map(table).entries()) ids.add(idOf(value));
    }
    return ids;
  }

  /** Sums of the counters over all CPUs. */
  counters(): KernelCounters {
    const values = this.#object.readVariable('counters');
    const sums: Record<string, number> = {};
    const cpus = Math.min(this.#native.possibleCpus(), values.length / countersLayout.size);
    const view = new DataView(values.buffer, values.byteOffset, values.byteLength);
    for (const [name, read] of Object.entries(countersLayout)) {
      if (typeof read !== 'function') continue;
      let sum = 0;
      for (let cpu = 0; cpu < cpus; cpu++) sum += read(view, cpu * countersLayout.size);
      sums[name] = sum;
    }
    return sums as KernelCounters;
  }

  /** Program runs that the kernel skipped because the program was already running on that CPU. */
  missedRuns(): number {
    let sum = 0;
    for (const { program, countsMisses } of this.#wanted.hooks) {
      const loaded = this.#object.programs.get(program);
      if (countsMisses && loaded?.loaded) sum += Number(loaded.info().recursionMisses);
    }
    return sum;
  }

  /** What was loaded and attached. */
  report(): TracerReport {
    const programs: ProgramStatus[] = this.#load.programs
      .filter(({ skipped }) => skipped !== true)
      .map((result) => {
        const info = result.loaded ? this.#object.programs.get(result.name)!.info() : undefined;
        return {
          name: result.name,
          loaded: result.loaded,
          instructions: result.instructions,
          processed: result.processed ?? 0,
          loadMs: result.milliseconds ?? 0,
          runCount: Number(info?.runCount ?? 0n),
          runTimeNs: Number(info?.runTimeNs ?? 0n),
        };
      });
    programs.push(...this.#rules.report());
    const { failure } = this.#rules;
    const hooks = failure === undefined ? this.#hooks : [...this.#hooks, failure];
    const maps = [...this.#object.maps.values()].map((map) => ({
      name: map.name,
      bytes: map.memoryBytes(),
    }));
    return { hooks, programs, maps, loadMs: this.#load.milliseconds, binaries: [] };
  }

  #loadResult(program: string): ProgramLoadResult | undefined {
    return this.#load.programs.find(({ name }) => name === program);
  }

  #sourceNumber(source: string): number {
    return (this.#options.sources?.indexOf(source) ?? -1) + 1;
  }

  #map(name: string): BpfMap {
    return mapOf(this.#object)(name);
  }

  /** Commands, ports and cgroups: set once, at load. */
  #fillStaticTargets(): void {
    const { target } = this.#options;
    for (const pid of target.pids ?? []) {
      if (existsSync(`/proc/${pid}`)) continue;
      throw new LibtraceError('ERR_TARGET_NOT_FOUND', `there is no process ${pid}`, {
        phase: 'load',
        remedy: 'see `ps -e` for those that run; a name follows restarts: target: { comms: […] }',
      });
    }
    for (const comm of target.comms ?? []) {
      const key = Buffer.alloc(COMM_BYTES);
      key.write(comm, 0, COMM_BYTES - 1, 'utf8');
      this.#map('target_comms').update(key, yes);
    }
    for (const port of target.ports ?? []) {
      const key = Buffer.alloc(2);
      key.writeUInt16LE(port);
      this.#map('target_ports').update(key, yes);
    }
    for (const [index, path] of (target.cgroups ?? []).entries()) {
      let fd: number;
      try {
        fd = openSync(path, 'r');
      } catch (cause) {
        throw new LibtraceError('ERR_TARGET_NOT_FOUND', `there is no cgroup directory ${path}`, {
          phase: 'load',
          remedy:
            'name a directory below the cgroup v2 mount, such as /sys/fs/cgroup/system.slice/nginx.service',
          cause,
        });
      }
      try {
        this.#map('target_cgroups').update(u32(index), u32(fd));
      } catch {
        throw new LibtraceError('ERR_TARGET_NOT_FOUND', `${path} is not a cgroup v2 directory`, {
          phase: 'load',
          remedy:
            'cgroup v1 hierarchies cannot be used; see `libtrace doctor` for where cgroup v2 is mounted',
        });
      } finally {
        closeSync(fd);
      }
    }
  }

  /** Processes that run already: the named ones, those with a wanted command name, and all their descendants. */
  #selectRunning(): ReadonlySet<number> {
    const { target } = this.#options;
    const selected = new Set<number>();
    if (target.all === true) return selected;
    const comms = new Set((target.comms ?? []).map((comm) => comm.slice(0, COMM_BYTES - 1)));
    // Twice: a child forked between the look at /proc and the entry of its parent is found the second time.
    for (let round = 0; round < 2; round++) {
      const roots = [...(target.pids ?? []), ...this.#added];
      if (comms.size > 0) {
        roots.push(...listProcesses().flatMap(({ pid, comm }) => (comms.has(comm) ? [pid] : [])));
      }
      for (const pid of runningDescendants(roots)) {
        if (pid === process.pid) continue;
        this.#select(pid);
        selected.add(pid);
      }
    }
    return selected;
  }

  #select(pid: number): void {
    this.#object.writeVariable('target_pids', yes, pid % PIDS_MAX);
  }

  /** While nothing was attached, sockets and processes came and went: what is in the tables may be of other ones. */
  #forgetConnections(): void {
    for (const name of [...connectionTables, ...otherTables]) {
      clear(this.#map(name));
    }
    this.#object.writeVariable('target_pids', Buffer.alloc(PIDS_MAX), 0);
  }
}

/** The initial pid namespace's inode number: PROC_PID_INIT_INO, include/linux/proc_ns.h. */
const INITIAL_PID_NAMESPACE = 'pid:[4026531836]';

function checkPidNamespace(): void {
  let own: string;
  try {
    own = readlinkSync('/proc/self/ns/pid');
  } catch {
    return;
  }
  if (own === INITIAL_PID_NAMESPACE) return;
  throw new LibtraceError('ERR_PID_NAMESPACE', `libtrace runs in the pid namespace ${own}`, {
    phase: 'load',
    remedy:
      'run it on the host, or in a container that shares its pid namespace (docker run --pid=host)',
  });
}

function mapOf(object: BpfObject): (name: string) => BpfMap {
  return (name) => {
    const map = object.maps.get(name);
    if (map === undefined) {
      throw new LibtraceError('ERR_BPF_OBJECT_MISSING', `socket_tracer.bpf.o has no map ${name}`, {
        phase: 'load',
        remedy:
          'the object and the package are of different versions: run `npm run setup` or reinstall @libtrace/core',
      });
    }
    return map;
  };
}
