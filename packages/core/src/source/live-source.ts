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
import { OpenConnections } from './open-connections.js';

/** How often time passes for the pipeline. */
const TICK_MS = 100;
/** The running kernel as a source: hooks, ring, reader thread, decoder; feeds a pipeline. */
export class LiveSource implements EventHandler {
  readonly #native: typeof NativeModule;
  readonly #pipeline: PipelineSource;
  readonly #kernel: SocketTracer;
  readonly #processes = new ProcessTable(new CgroupPaths());
  readonly #decoder: EventDecoder;
  readonly #open = new OpenConnections();
  #reader: EventReader | undefined;
  #timer: NodeJS.Timeout | undefined;
  #ticking = false;
  #eventsLost = 0;
  #readerCpuNs = 0;

  constructor(native: typeof NativeModule, options: SocketTracerOptions, pipeline: PipelineSource) {
    this.#native = native;
    this.#pipeline = pipeline;
    this.#kernel = SocketTracer.load(native, options);
    this.#decoder = new EventDecoder(this, this.#processes, (number) =>
      this.#kernel.protocolName(number),
    );
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
    this.#reader = new this.#native.EventReader({
      maps: [this.#kernel.events],
      onBatch: (slab, records) => this.#decoder.decode(slab, records),
    });
    this.#reader.start();
    try {
      // Learned now, while they live: one may end before its first event is read.
      for (const pid of this.#kernel.attach()) this.#processes.get(pid);
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
    this.#kernel.detach();
    const reader = this.#reader;
    this.#reader = undefined;
    if (reader !== undefined) {
      await reader.stop();
      this.#readerCpuNs += Number(reader.stats().threadCpuNs);
    }
    this.#pipeline.finish(monotonicNs());
    this.#open.clear();
  }

  /** What was in the ring at the call has been handed over when it resolves. */
  async flush(): Promise<void> {
    const now = monotonicNs();
    await this.#reader?.flush();
    this.#pipeline.tick(now);
  }

  close(): void {
    this.#kernel.close();
  }

  /** Traces one more process and its descendants. */
  addPid(pid: number): void {
    for (const member of this.#kernel.addPid(pid)) this.#processes.get(member);
  }

  /** Replaces the plugins whose rules the kernel asks. @throws LibtraceError as {@link SocketTracer.setPlugins} does */
  setPlugins(plugins: readonly Inferable[], captureBytes?: number): void {
    this.#kernel.setPlugins(plugins, captureBytes);
  }

  setVerdict(connectionId: number, verdict: Verdict): void {
    this.#kernel.setVerdict(connectionId, verdict);
  }

  onOpen(connection: KernelConnection): void {
    this.#open.opened(connection, monotonicNs());
    this.#pipeline.open(connection);
  }

  onSegment(connectionId: number, segment: Segment, protocolHint: string | undefined): void {
    this.#open.moved(connectionId, segment.process.pid, segment.endNs);
    this.#pipeline.segment(connectionId, segment, protocolHint);
  }

  onEnd(
    connectionId: number,
    direction: 'in' | 'out',
    position: number,
    timestampNs: number,
  ): void {
    this.#pipeline.end(connectionId, direction, position, timestampNs);
  }

  onClose(
    connectionId: number,
    inPosition: number,
    outPosition: number,
    timestampNs: number,
    pid: number,
  ): void {
    this.#open.closed(connectionId);
    const process = pid === 0 ? undefined : this.#processes.get(pid);
    this.#pipeline.close(connectionId, inPosition, outPosition, timestampNs, process);
  }

  onLinger(connectionId: number): void {
    this.#open.lingers(connectionId);
  }

  onExit(pid: number): void {
    this.#kernel.removePid(pid);
    this.#open.exited(pid);
  }

  /** Time passes only as far as the ring has been emptied: a busy moment must not look like a time-out. */
  async #tick(): Promise<void> {
    if (this.#ticking) return;
    this.#ticking = true;
    try {
      await this.flush();
      if (this.#reader !== undefined) this.#endUnseen(monotonicNs());
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
    for (const connection of this.#open.takeMissing(this.#kernel.connectionIds())) {
      this.#end(connection, nowNs);
    }
  }

  #end({ id }: KernelConnection, nowNs: number): void {
    this.#pipeline.close(id, -1, -1, nowNs, undefined);
  }
}
