// SPDX-License-Identifier: Apache-2.0
import type { TraceRecord } from '../model/index.js';
import type { ProtocolPlugin, ProtocolResult } from '../plugin/index.js';

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the one place where plugins of every type meet
export type AnyPlugin = ProtocolPlugin<any, any, any>;

/** The records that a plugin (or a union of plugins) yields. */
export type RecordOf<P> = P extends {
  readonly kind: 'protocol';
  readonly name: infer Name extends string;
  toRecord(exchange: never, connection: never): ProtocolResult<infer A> | undefined;
}
  ? TraceRecord<Name, A>
  : never;

/** Whose calls are traced. Processes are the union of `pids`, `comms` and `cgroups`; `ports` narrows their connections. */
export interface TraceTarget {
  /** Every process of the machine but the tracer itself. Default false; excludes the three lists below. */
  readonly all?: boolean;
  /** Process ids; their descendants are traced too. */
  readonly pids?: readonly number[];
  /** Command names (`comm`, at most 15 bytes), of running processes and of those that start later. */
  readonly comms?: readonly string[];
  /** cgroup v2 directories (`/sys/fs/cgroup/…`), with everything below them. */
  readonly cgroups?: readonly string[];
  /** Only connections one of whose ports is listed. Unix sockets have none and are left out when this is given. */
  readonly ports?: readonly number[];
}

/** Options of {@link createTracer}. */
export interface TracerOptions<P extends readonly AnyPlugin[]> {
  readonly plugins: P;
  readonly target: TraceTarget;
  /** Port to plugin name: connections with that port are of that protocol, whatever their bytes look like. Default: none. */
  readonly decodeAs?: ReadonlyMap<number, string>;
  /** Size of the ring between kernel and user space; a power of two and a multiple of the page size. Default 8 MiB. */
  readonly ringBytes?: number;
  /** Bytes captured per system call at most, 64 to 65,536. Default: the most that an active plugin asks for. */
  readonly captureBytes?: number;
  /** Connections that the kernel side remembers at once. Default 16,384. */
  readonly maxConnections?: number;
  /** Bytes that user space keeps per direction of a connection while a message is unfinished. Default 1 MiB. */
  readonly maxBufferedBytes?: number;
  /** The same, over all connections. Default 256 MiB. */
  readonly maxTotalBufferedBytes?: number;
  /** Records kept for a slow `for await` consumer; older ones are dropped and counted. Default 65,536. */
  readonly maxQueuedRecords?: number;
}

/** Counters since `load`. Everything that was not shown is counted here, where it was dropped. */
export interface TracerStats {
  readonly kernel: {
    /** Data-moving system calls on traced connections. */
    readonly segmentsSeen: number;
    readonly bytesSeen: number;
    /** Handed to user space, whole or cut to the capture limit. */
    readonly segmentsDelivered: number;
    readonly bytesDelivered: number;
    /** Not handed over, by reason; with `segmentsDelivered` they add up to `segmentsSeen`. */
    readonly segmentsLost: {
      /** The ring was full. */
      readonly ring: number;
      /** Deliberately left in the kernel: no protocol was recognized, or user space said `ignore`. */
      readonly ignored: number;
      /** The connection table was full. */
      readonly connections: number;
      /** More messages in one call than the hooks walk through. */
      readonly internal: number;
    };
    /** Events other than segments (opens, closes, process events) that found the ring full. */
    readonly eventsLost: number;
    /** Program runs that the kernel skipped (recursion); since 5.12. */
    readonly runsMissed: number;
    /** System calls of 32-bit programs: not traced. */
    readonly compatCalls: number;
  };
  readonly pipeline: {
    readonly segments: number;
    readonly bytes: number;
    /** Segments of connections that were not announced, or had been given up: not shown. */
    readonly straySegments: number;
    /** Connections that were announced. */
    readonly connections: number;
    /** Of these, those that speak TLS: not shown. */
    readonly encryptedConnections: number;
    /** Of these, those that moved bytes in which no active plugin recognized its protocol, given up or ended. */
    readonly unrecognizedConnections: number;
    readonly records: number;
    /** Records with something missing. */
    readonly incompleteRecords: number;
    /** Holes by reason: how many, and their bytes. */
    readonly holes: Readonly<Record<string, { readonly count: number; readonly bytes: number }>>;
    /** Times a parser lost its place and had to look for the next message. */
    readonly resyncs: number;
    /** Bytes dropped because a cap on buffered bytes was reached. */
    readonly cappedBytes: number;
    /** Exceptions thrown by a plugin; the connection is dropped, tracing goes on. */
    readonly pluginFailures: number;
    readonly openConnections: number;
    readonly bufferedBytes: number;
  };
  /** Records that a slow consumer did not take in time. */
  readonly recordsDropped: number;
  /** CPU time of the native reader thread, nanoseconds. */
  readonly readerCpuNs: number;
}

/** What was chosen for one hook, and why. */
export interface HookStatus {
  /** Name of the program. */
  readonly program: string;
  /** Where it is attached. */
  readonly hook: string;
  readonly attached: boolean;
  /** A hook without which tracing still works, with what is lost said in `reason`. */
  readonly optional: boolean;
  readonly reason?: string;
  readonly remedy?: string;
}

/** Size and cost of one loaded program. */
export interface ProgramStatus {
  readonly name: string;
  readonly loaded: boolean;
  readonly instructions: number;
  /** Instructions the verifier walked. */
  readonly processed: number;
  readonly loadMs: number;
  /** From the kernel's run-time statistics, where enabled. */
  readonly runCount: number;
  readonly runTimeNs: number;
}

/** What the tracer set up, for `doctor`. */
export interface TracerReport {
  readonly hooks: readonly HookStatus[];
  readonly programs: readonly ProgramStatus[];
  readonly maps: readonly { readonly name: string; readonly bytes: number }[];
  readonly loadMs: number;
}

/** States of a tracer: `created → loaded → attached ⇄ detached → closed`. */
export type TracerState = 'created' | 'loaded' | 'attached' | 'detached' | 'closed';

/** Made by `createTracer`. Iterate it, or listen to `record`; both see every record. */
export interface Tracer<Rec> extends AsyncDisposable, AsyncIterable<Rec> {
  readonly state: TracerState;
  /** Loads programs and maps. @throws LibtraceError `ERR_KERNEL_*` with a remedy. */
  load(): Promise<void>;
  /** Attaches (loads first if needed). When it resolves, every later call of a target is seen. */
  attach(): Promise<void>;
  /** Detaches every hook, drains what was captured and reports what is unfinished. May be attached again. */
  detach(): Promise<void>;
  /** Detaches and frees everything; ends iterations. Idempotent. */
  close(): Promise<void>;
  on(event: 'record', listener: (record: Rec) => void): this;
  on(event: 'error', listener: (error: Error) => void): this;
  off(event: 'record', listener: (record: Rec) => void): this;
  off(event: 'error', listener: (error: Error) => void): this;
  /** Traces one more process and its descendants (for a command started after `attach`). */
  addPid(pid: number): void;
  /** Everything captured before this call has been turned into records when it resolves. */
  flush(): Promise<void>;
  stats(): TracerStats;
  report(): TracerReport;
}
