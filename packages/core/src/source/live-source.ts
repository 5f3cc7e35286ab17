// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import type { EventReader } from '@libtrace/native';
import type * as NativeModule from '@libtrace/native';
import { CgroupPaths } from '../kernel/cgroup-paths.js';
import { monotonicNs } from '../kernel/clock.js';
import { EventDecoder, type EventHandler, type KernelConnection } from '../kernel/event-decoder.js';
import { ProcessTable } from '../kernel/process-table.js';
import { SocketTracer, type SocketTracerOptions } from '../kernel/socket-tracer.js';
import type { PipelineSource, Verdict } from '../stream/pipeline-types.js';
import type { Segment } from '../model/index.js';

/** How often time passes for the pipeline. */
const TICK_MS = 100;
/** A unix socket that moved nothing for this long is looked up in the kernel's list of sockets. */
const UNIX_IDLE_MS = 5_000;
/** A peer of a UDP socket that was silent for this long is forgotten: datagrams have no end. */
const UDP_IDLE_MS = 60_000;

interface UnwatchedConnection {
  readonly connection: KernelConnection;
  pid: number;
  lastNs: number;
}

/** The running kernel as a source: hooks, ring, reader thread, decoder; feeds a pipeline. */
export class LiveSource implements EventHandler {
  readonly #native: typeof NativeModule;
  readonly #pipeline: PipelineSource;
  readonly #kernel: SocketTracer;
  readonly #processes = new ProcessTable(new CgroupPaths());
  readonly #decoder: EventDecoder;
  /** Unix and UDP sockets have no state changes to watch; a killed process closes them without a call. */
  readonly #unwatched = new Map<number, UnwatchedConnection>();
  #reader: EventReader | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** When connections were reset that a program still holds. */
  readonly #resets = new Map<number, number>();
  #ticking = false;
  #lastSweep = 0;
  #readerCpuNs = 0;

  constructor(native: typeof NativeModule, options: SocketTracerOptions, pipeline: PipelineSource) {
    this.#native = native;
    this.#pipeline = pipeline;
    this.#kernel = SocketTracer.load(native, options);
    this.#decoder = new EventDecoder(this, this.#processes);
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
    this.#unwatched.clear();
    this.#resets.clear();
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

  setVerdict(connectionId: number, verdict: Verdict): void {
    this.#kernel.setVerdict(connectionId, verdict);
  }

  onOpen(connection: KernelConnection): void {
    if (connection.transport !== 'tcp') {
      this.#unwatched.set(connection.id, {
        connection,
        pid: connection.pid,
        lastNs: monotonicNs(),
      });
    }
    this.#pipeline.open(connection);
  }

  onSegment(connectionId: number, segment: Segment, protocolHint: string | undefined): void {
    if (this.#unwatched.size > 0) {
      const unwatched = this.#unwatched.get(connectionId);
      if (unwatched !== undefined) {
        unwatched.lastNs = segment.endNs;
        unwatched.pid = segment.process.pid;
      }
    }
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
    this.#unwatched.delete(connectionId);
    this.#resets.delete(connectionId);
    const process = pid === 0 ? undefined : this.#processes.get(pid);
    this.#pipeline.close(connectionId, inPosition, outPosition, timestampNs, process);
  }

  onReset(connectionId: number): void {
    this.#resets.set(connectionId, monotonicNs());
  }

  onExit(pid: number): void {
    this.#kernel.removePid(pid);
    for (const unwatched of this.#unwatched.values()) {
      if (unwatched.pid === pid) unwatched.lastNs = 0;
    }
  }

  /** Time passes only as far as the ring has been emptied: a busy moment must not look like a time-out. */
  async #tick(): Promise<void> {
    if (this.#ticking) return;
    this.#ticking = true;
    try {
      await this.flush();
      const now = monotonicNs();
      this.#closeReset(now);
      this.#sweepUnwatched(now);
    } finally {
      this.#ticking = false;
    }
  }

  #closeReset(nowNs: number): void {
    for (const [connectionId, sinceNs] of this.#resets) {
      if (nowNs - sinceNs < TICK_MS * 1e6) break;
      this.#resets.delete(connectionId);
      this.#pipeline.close(connectionId, -1, -1, nowNs, undefined);
    }
  }

  /**
   * Ends unix connections whose socket is no longer in the kernel's list (/proc/PID/net/unix of their network
   * namespace), and UDP ones that have been silent for long or whose process is gone.
   */
  #sweepUnwatched(nowNs: number): void {
    if (this.#unwatched.size === 0 || nowNs - this.#lastSweep < 1e9) return;
    this.#lastSweep = nowNs;
    const listed = new Map<number, ReadonlySet<number>>();
    for (const { connection, pid, lastNs } of this.#unwatched.values()) {
      const isUnix = connection.transport === 'unix';
      if (nowNs - lastNs < (isUnix ? UNIX_IDLE_MS : UDP_IDLE_MS) * 1e6) continue;
      if (isUnix) {
        let inodes = listed.get(pid);
        if (inodes === undefined) listed.set(pid, (inodes = unixSocketInodes(pid)));
        if (inodes.has(connection.inode)) continue;
      }
      this.#unwatched.delete(connection.id);
      this.#kernel.forget(connection.key);
      this.#pipeline.close(connection.id, -1, -1, nowNs, undefined);
    }
  }
}

/** Inodes of the unix sockets in the network namespace of a process; of our own when it is gone. */
function unixSocketInodes(pid: number): ReadonlySet<number> {
  for (const who of [String(pid), 'self']) {
    try {
      const rows = readFileSync(`/proc/${who}/net/unix`, 'utf8').split('\n').slice(1);
      // Num RefCount Protocol Flags Type St Inode Path
      return new Set(rows.map((row) => Number(row.trim().split(/\s+/)[6])));
    } catch {
      // The process is gone: what it alone held is closed; another namespace's list would not have it either.
    }
  }
  return new Set();
}
