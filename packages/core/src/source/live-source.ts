// SPDX-License-Identifier: Apache-2.0
import type { EventReader } from '@libtrace/native';
import type * as NativeModule from '@libtrace/native';
import type { Inferable } from '../inference/index.js';
import { CgroupPaths } from '../kernel/cgroup-paths.js';
import { monotonicNs } from '../kernel/clock.js';
import { EventDecoder, type EventHandler, type KernelConnection } from '../kernel/event-decoder.js';
import { ProcessTable } from '../kernel/process-table.js';
import { SocketTracer, type SocketTracerOptions } from '../kernel/socket-tracer.js';
import type { PipelineSource, Verdict } from '../stream/pipeline-types.js';
import type { Segment } from '../model/index.js';
import { PlaintextSources } from '../kernel/plaintext-sources.js';
import type { UprobePlugin } from '../plugin/index.js';
import type { TracerReport, UprobeOptions } from '../tracer/types.js';
import { BinaryWatcher, installedLibraries } from '../watch/index.js';
import { OpenConnections } from './open-connections.js';
import { PlaintextConnections } from './plaintext-connections.js';
import { ToldVerdicts } from './told-verdicts.js';

/** Ids of connections above TLS libraries begin here: next_plaintext_id of bpf/plaintext_state.bpf.h. */
const PLAINTEXT_IDS = 2 ** 52;
/** A socket may close before a library's call that used it has returned: what it carried ends so much later. */
const LATE_NS = 1e9;
/** Their end is not always told: so many are remembered. */
const UNWANTED_MAX = 16_384;
/** How often time passes for the pipeline. */
const TICK_MS = 100;

/** What a live source is made with. */
export interface LiveSourceOptions extends Omit<SocketTracerOptions, 'sources'> {
  /** Sources of plaintext. */
  readonly uprobes: readonly UprobePlugin[];
  /** How they find programs. */
  readonly uprobeOptions: UprobeOptions;
  /** A source cannot be loaded: everything else is traced. */
  readonly onSourceFailure: (error: Error) => void;
}

/** The running kernel as a source: hooks, ring, reader thread, decoder; feeds a pipeline. */
export class LiveSource implements EventHandler {
  readonly #native: typeof NativeModule;
  readonly #pipeline: PipelineSource;
  readonly #kernel: SocketTracer;
  readonly #processes = new ProcessTable(new CgroupPaths());
  readonly #decoder: EventDecoder;
  readonly #open = new OpenConnections();
  readonly #plaintext: PlaintextConnections;
  readonly #verdicts = new ToldVerdicts((id, verdict) => this.#kernel.setVerdict(id, verdict));
  readonly #sources: PlaintextSources | undefined;
  /** Plaintext connections of processes that their source was not to look into, with the process. */
  readonly #unwanted = new Map<number, number>();
  /** Ends of sockets that carry plaintext which has not ended, oldest first. */
  #late: { readonly dueNs: number; readonly close: () => void }[] = [];
  #uprobes: readonly UprobePlugin[];
  readonly #uprobeOptions: UprobeOptions;
  /** The target may be programs that are yet to start. */
  readonly #startsLater: boolean;
  #watcher: BinaryWatcher | undefined;
  #reader: EventReader | undefined;
  #timer: NodeJS.Timeout | undefined;
  #ticking = false;
  #eventsLost = 0;
  #readerCpuNs = 0;

  constructor(native: typeof NativeModule, options: LiveSourceOptions, pipeline: PipelineSource) {
    const { uprobes, uprobeOptions, onSourceFailure } = options;
    this.#native = native;
    this.#pipeline = pipeline;
    this.#plaintext = new PlaintextConnections(pipeline, {
      closed: (id) => this.#verdicts.closed(id),
      needsSocket: (options.target.ports?.length ?? 0) > 0,
    });
    this.#uprobes = uprobes;
    this.#uprobeOptions = uprobeOptions;
    const { all, comms = [], cgroups = [] } = options.target;
    this.#startsLater = all === true || comms.length + cgroups.length > 0;
    this.#kernel = SocketTracer.load(native, {
      ...options,
      sources: uprobes.map(({ name }) => name),
    });
    this.#decoder = new EventDecoder(this, this.#processes, this.#kernel);
    if (uprobes.length === 0) return;
    this.#sources = new PlaintextSources(native, this.#kernel, uprobes);
    for (const failure of this.#sources.load()) onSourceFailure(failure);
  }

  get kernel(): SocketTracer {
    return this.#kernel;
  }

  /** CPU time that the native reader threads have used, nanoseconds. */
  readerCpuNs(): number {
    return this.#readerCpuNs + Number(this.#reader?.stats().threadCpuNs ?? 0n);
  }

  /** Starts the reader thread, then attaches. */
  attach(): void {
    this.#processes.clear();
    this.#sources?.forgetCalls();
    this.#reader = new this.#native.EventReader({
      maps: [this.#kernel.events],
      onBatch: (slab, records) => this.#decoder.decode(slab, records),
    });
    this.#reader.start();
    try {
      const selected = this.#kernel.attach();
      // Learned now, while they live: one may end before its first event is read.
      for (const pid of selected) this.#processes.get(pid);
      this.#watch(selected);
    } catch (error) {
      void this.#reader.stop();
      this.#reader = undefined;
      throw error;
    }
    this.#timer = setInterval(() => void this.#tick(), TICK_MS);
  }

  /** Detaches and hands over what is still in the ring. */
  async detach(): Promise<void> {
    clearInterval(this.#timer);
    this.#watcher?.stop();
    this.#kernel.detach();
    const reader = this.#reader;
    this.#reader = undefined;
    if (reader !== undefined) {
      await reader.stop();
      this.#readerCpuNs += Number(reader.stats().threadCpuNs);
    }
    this.#watcher?.close();
    this.#watcher = undefined;
    this.#closeLate(Infinity);
    this.#plaintext.finish();
    this.#unwanted.clear();
    this.#verdicts.clear();
    this.#pipeline.finish(monotonicNs());
    this.#open.clear();
  }

  /** What was in the ring at the call has been handed over when it resolves. */
  async flush(): Promise<void> {
    const now = monotonicNs();
    await this.#reader?.flush();
    this.#closeLate(now);
    this.#plaintext.tick(now);
    this.#pipeline.tick(now);
  }

  close(): void {
    this.#sources?.close();
    this.#kernel.close();
  }

  /** Plaintext connections that the kernel side lost track of. */
  connectionsForgotten(): number {
    return this.#plaintext.forgotten;
  }

  /** What was set up. */
  report(): TracerReport {
    const report = this.#kernel.report();
    return {
      ...report,
      programs: [...report.programs, ...(this.#sources?.programs() ?? [])],
      binaries: this.#watcher?.report() ?? [],
    };
  }

  /** Traces one more process and its descendants. */
  addPid(pid: number): void {
    const members = this.#kernel.addPid(pid);
    for (const member of members) this.#processes.get(member);
    this.#watcher?.begin(members);
  }

  /**
   * Replaces the plugins whose rules the kernel asks, and the sources of plaintext by some of those it was made with.
   * @throws LibtraceError as {@link SocketTracer.setPlugins} does
   */
  setPlugins(plugins: readonly Inferable[], sources: readonly UprobePlugin[]): void {
    this.#kernel.setPlugins(plugins);
    this.#uprobes = sources;
    this.#watcher?.setSources(sources);
  }

  setVerdict(connectionId: number, verdict: Verdict): void {
    this.#verdicts.tell(connectionId, verdict, monotonicNs());
  }

  onOpen(connection: KernelConnection): void {
    if (connection.transport === 'tls') {
      if (this.#isWanted(connection)) {
        this.#plaintext.open(connection, monotonicNs(), this.#completeSince(connection));
      } else {
        this.#leaveAlone(connection);
      }
      return;
    }
    this.#open.opened(connection, monotonicNs());
    this.#pipeline.open(connection);
    if (this.#sources === undefined) return;
    this.#plaintext.carrierOpened(connection);
    this.#watcher?.met(connection.pid);
  }

  onBind(connectionId: number, carrierId: number): void {
    this.#plaintext.bind(connectionId, carrierId);
  }

  onSegment(connectionId: number, segment: Segment, protocolHint: string | undefined): void {
    if (protocolHint === undefined) this.#verdicts.unnamed(connectionId, segment.endNs);
    if (connectionId >= PLAINTEXT_IDS) {
      if (!this.#unwanted.has(connectionId)) {
        this.#plaintext.segment(connectionId, segment, protocolHint);
      }
      return;
    }
    this.#open.moved(connectionId, segment.process.pid, segment.endNs);
    this.#pipeline.segment(connectionId, segment, protocolHint);
  }

  onEnd(
    connectionId: number,
    direction: 'in' | 'out',
    position: number,
    timestampNs: number,
  ): void {
    if (connectionId >= PLAINTEXT_IDS) {
      this.#plaintext.end(connectionId, direction, position, timestampNs);
    } else {
      this.#pipeline.end(connectionId, direction, position, timestampNs);
    }
  }

  onClose(
    connectionId: number,
    inPosition: number,
    outPosition: number,
    timestampNs: number,
    pid: number,
  ): void {
    this.#verdicts.closed(connectionId);
    if (connectionId >= PLAINTEXT_IDS) {
      this.#unwanted.delete(connectionId);
      this.#plaintext.close(connectionId, inPosition, outPosition, timestampNs);
      return;
    }
    this.#open.closed(connectionId);
    const process = pid === 0 ? undefined : this.#processes.get(pid);
    const close = (): void =>
      this.#pipeline.close(connectionId, inPosition, outPosition, timestampNs, process);
    if (this.#sources === undefined) {
      close();
      return;
    }
    // The first bytes that it carried may still be told.
    const carries = this.#plaintext.carries(connectionId);
    if (!carries) close();
    this.#late.push({
      dueNs: monotonicNs() + LATE_NS,
      close: () => {
        this.#plaintext.carrierClosed(connectionId, timestampNs);
        if (carries) close();
      },
    });
  }

  onLinger(connectionId: number): void {
    this.#open.lingers(connectionId);
  }

  onExec(pid: number, path: string): void {
    this.#watcher?.executed(pid, path);
  }

  onFork(pid: number, parent: number): void {
    this.#watcher?.forked(pid, parent);
  }

  onMapped(pid: number): void {
    this.#watcher?.mapped(pid);
  }

  onExit(pid: number): void {
    this.#kernel.removePid(pid);
    this.#open.exited(pid);
    this.#plaintext.exited(pid, monotonicNs());
    for (const [id, owner] of this.#unwanted) if (owner === pid) this.#unwanted.delete(id);
    this.#watcher?.exited(pid);
  }

  /** A probe is in a file for all processes; what one says that its source was not to look into is left alone. */
  #isWanted({ pid, source }: KernelConnection): boolean {
    return source === undefined || this.#watcher?.selects(pid, source) !== false;
  }

  /** Since when all that a process does above TLS is seen. */
  #completeSince({ pid, source }: KernelConnection): number {
    return source === undefined ? 0 : (this.#watcher?.completeSince(pid, source) ?? 0);
  }

  /** Looks into the program files of the processes that run, and of those that will. */
  #watch(selected: ReadonlySet<number>): void {
    const sources = this.#sources;
    if (sources === undefined) return;
    this.#watcher = new BinaryWatcher({
      ...this.#uprobeOptions,
      files: [...(this.#uprobeOptions.files ?? []), ...this.#foreseenFiles()],
      placer: {
        place: (...what) => {
          const placed = sources.place(...what);
          if (placed !== undefined) this.#kernel.probesPlaced(monotonicNs());
          return placed;
        },
        interrupted: (source) => {
          this.#plaintext.interrupt(source);
          sources.interrupted(source);
        },
      },
      sources: this.#uprobes,
      ownPid: process.pid,
    });
    this.#watcher.begin(new Set([...selected, ...this.#kernel.runningUnselected()]));
  }

  /** Libraries that programs which are yet to start will use. */
  #foreseenFiles(): readonly string[] {
    const { installed, onlyBelow } = this.#uprobeOptions;
    const isRestricted =
      onlyBelow !== undefined || process.env['LIBTRACE_PROBE_ONLY'] !== undefined;
    const wanted = installed ?? (this.#startsLater && !isRestricted);
    return wanted ? installedLibraries(this.#uprobes) : [];
  }

  #leaveAlone({ id, pid }: KernelConnection): void {
    this.#unwanted.set(id, pid);
    if (this.#unwanted.size > UNWANTED_MAX) {
      for (const oldest of this.#unwanted.keys()) {
        this.#unwanted.delete(oldest);
        break;
      }
    }
    this.#kernel.setVerdict(id, { kind: 'ignore' });
  }

  #closeLate(nowNs: number): void {
    while (this.#late.length > 0 && this.#late[0]!.dueNs <= nowNs) this.#late.shift()!.close();
  }

  /** Time passes only as far as the ring has been emptied: a busy moment must not look like a time-out. */
  async #tick(): Promise<void> {
    if (this.#ticking) return;
    this.#ticking = true;
    try {
      await this.flush();
      if (this.#reader !== undefined) this.#endUnseen(monotonicNs());
      this.#watcher?.tick(monotonicNs());
    } finally {
      this.#ticking = false;
    }
  }

  /** Ends connections whose end no hook saw, or whose events found the ring full. */
  #endUnseen(nowNs: number): void {
    for (const connection of this.#open.takeEnded(nowNs)) {
      this.#kernel.forget(connection);
      this.#end(connection, nowNs);
    }
    const { lostEvents } = this.#kernel.counters();
    if (lostEvents === this.#eventsLost) return;
    this.#eventsLost = lostEvents;
    const known = this.#kernel.connectionIds();
    for (const connection of this.#open.takeMissing(known)) this.#end(connection, nowNs);
    this.#plaintext.endMissing(known, nowNs);
  }

  #end({ id }: KernelConnection, nowNs: number): void {
    this.#verdicts.closed(id);
    this.#plaintext.carrierClosed(id, nowNs);
    this.#pipeline.close(id, -1, -1, nowNs, undefined);
  }
}
