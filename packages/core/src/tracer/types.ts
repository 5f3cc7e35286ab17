// SPDX-License-Identifier: Apache-2.0
import type { TraceRecord } from '../model/index.js';
import type { AnyPlugin, AnyProtocol, ProtocolResult } from '../plugin/index.js';
import type { RecordingStats } from '../source/recording/format.js';
import type { RecordingSink } from '../source/recording/recording-sink.js';

export type { AnyPlugin, AnyProtocol };

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

/** Where and how a tracer records what it captures: {@link TracerOptions.recording}. */
export interface RecordingOptions {
  /** Path of a file to create (mode 0600), or anything that takes bytes. */
  readonly to: string | RecordingSink;
  /** The command that is traced, for the head of the recording. */
  readonly command?: readonly string[];
  /** Inode numbers of sockets that are neither recorded nor shown: those of the tracer's own making. Default: none. */
  readonly exceptSockets?: readonly number[];
  /** Bytes that may wait for a slow disk before segments are dropped and counted. Default 64 MiB. */
  readonly maxQueuedBytes?: number;
}

/** How sources of plaintext find the programs that they look into. */
export interface UprobeOptions {
  /**
   * Only processes whose command name, executable path or arguments (joined by spaces) match: for all sources, or by the
   * name of a source. Default: every traced process.
   */
  readonly match?: RegExp | Readonly<Record<string, RegExp>>;
  /** Program files and libraries to probe when hooks are attached, before any process maps them. Default: none. */
  readonly files?: readonly string[];
  /**
   * Probe installed libraries that a source wants when hooks are attached, before any process maps them, so that the first
   * of short-lived programs is seen too. Default: true when processes are chosen by name, by cgroup or all of them, since
   * some may be yet to start; false for process ids, and wherever `onlyBelow` says which files may be probed.
   */
  readonly installed?: boolean;
  /**
   * Probe only files below these directories. Default: those in the environment variable `LIBTRACE_PROBE_ONLY`, separated
   * by colons; without it, any file. A probe sits in a file and interrupts every process that uses the file, traced or not.
   */
  readonly onlyBelow?: readonly string[];
  /** Wait so long before a newly mapped file is probed. Default 0 ms. */
  readonly delayMs?: number;
  /** Probes stay so long in a file that no process uses any more. Default 60,000 ms. */
  readonly keepMs?: number;
}

/** One probe in a program file. */
export interface ProbeStatus {
  /** Name of the program. */
  readonly program: string;
  /** The function, or the label of a place that the source chose itself. */
  readonly place: string;
  /** Where in the file. */
  readonly fileOffset: number;
  /** `entry`, `return` (return probe of the kernel), `site` (a return instruction), `address`. */
  readonly kind: 'entry' | 'return' | 'site' | 'address';
  /** The instruction there, when it was read. */
  readonly instruction?: string;
  /** Why there: what it costs, and what was passed over. */
  readonly why?: string;
  /** Whether it is in place now. */
  readonly attached: boolean;
  /** Why it is not. */
  readonly reason?: string;
}

/** One program file that a source of plaintext wanted. */
export interface BinaryStatus {
  /** Path, as the process sees it that mapped it. */
  readonly path: string;
  /** Name of the source. */
  readonly source: string;
  /** What was found: `OpenSSL 3.0.15, dynamic symbols`; empty when nothing was. */
  readonly summary: string;
  /** More of it, line by line. */
  readonly details: readonly string[];
  /** Whether every probe that is not optional is in place. */
  readonly attached: boolean;
  /** Every probe. */
  readonly probes: readonly ProbeStatus[];
  /** Traced processes that use the file now. */
  readonly processes: number;
  /** Why it is not probed, or not everywhere because descriptors did not suffice. */
  readonly reason?: string;
  /** What would help. */
  readonly remedy?: string;
}

/** Options of {@link createTracer}. */
export interface TracerOptions<P extends readonly AnyPlugin[]> {
  /**
   * The protocols to recognize and read, and the sources of plaintext above TLS. Of two protocols that claim a connection,
   * one whose port hint fits goes first, then the earlier.
   */
  readonly plugins: P;
  /** Whose calls are traced. */
  readonly target: TraceTarget;
  /** Port to plugin name: connections with that port are of that protocol, whatever their bytes look like. Default: none. */
  readonly decodeAs?: ReadonlyMap<number, string>;
  /** Size of the ring between kernel and user space; a power of two and a multiple of the page size. Default 8 MiB. */
  readonly ringBytes?: number;
  /** Bytes captured per system call at most, 64 to 131,072. Default: the most that an active plugin asks for; 131,072 when recording. */
  readonly captureBytes?: number;
  /** Connections that the kernel side remembers at once. Default 16,384. */
  readonly maxConnections?: number;
  /** Bytes that user space keeps per direction of a connection while a message is unfinished. Default 1 MiB. */
  readonly maxBufferedBytes?: number;
  /** The same, over all connections. Default 256 MiB. */
  readonly maxTotalBufferedBytes?: number;
  /**
   * Writes everything that is captured to a recording, from `load` to `close`, before it is parsed. Connections of which
   * no plugin knows the protocol, and datagrams, are then delivered whole too. A sink that fails is an `error` event
   * (`ERR_RECORDING_WRITE`); tracing goes on. Default: nothing is recorded.
   */
  readonly recording?: RecordingOptions;
  /** Records kept for a slow `for await` consumer; older ones are dropped and counted. Default 65,536. */
  readonly maxQueuedRecords?: number;
  /** How sources of plaintext find the programs that they look into. */
  readonly uprobes?: UprobeOptions;
}

/** Counters since `load`. Everything that was not shown is counted here, where it was dropped. */
export interface TracerStats {
  /** What the BPF programs counted, all processors together. */
  readonly kernel: {
    /** Data-moving system calls on traced connections. */
    readonly segmentsSeen: number;
    /** Bytes that those calls moved. */
    readonly bytesSeen: number;
    /** Handed to user space, whole or cut to the capture limit. */
    readonly segmentsDelivered: number;
    /** Bytes copied to user space. */
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
      /** Left in the kernel because it was ciphertext whose plaintext is captured above the TLS library. */
      readonly covered: number;
      /** Of calls of a TLS library that were in progress when their probes were placed: what they moved is not known. */
      readonly begun: number;
    };
    /** Events other than segments (opens, closes, process events) that found the ring full. */
    readonly eventsLost: number;
    /** Program runs that the kernel skipped (recursion); since 5.12. */
    readonly runsMissed: number;
    /** System calls of 32-bit programs: not traced. */
    readonly compatCalls: number;
    /** Connections above TLS for which the table had no room any more: begun anew, as if joined then. */
    readonly connectionsForgotten: number;
  };
  /** What user space counted from there on. */
  readonly pipeline: {
    /** Segments handed to the parsers. */
    readonly segments: number;
    /** Bytes that they stand for, captured or not. */
    readonly bytes: number;
    /** Segments of connections that were not announced, or had been given up: not shown. */
    readonly straySegments: number;
    /** Connections that were announced. */
    readonly connections: number;
    /** Of these, those that speak TLS: not shown. */
    readonly encryptedConnections: number;
    /** Connections above a TLS library, whose plaintext was captured. */
    readonly plaintextConnections: number;
    /** Of these, those whose socket was not found: shown without addresses. */
    readonly unboundConnections: number;
    /** Of these, those that moved bytes in which no active plugin recognized its protocol, given up or ended. */
    readonly unrecognizedConnections: number;
    /** Records handed out. */
    readonly records: number;
    /** Records with something missing. */
    readonly incompleteRecords: number;
    /** Holes by reason: how many, and their bytes. */
    readonly holes: Readonly<
      Record<
        string,
        {
          /** How many. */
          readonly count: number;
          /** Bytes in them. */
          readonly bytes: number;
        }
      >
    >;
    /** Times a parser lost its place and had to look for the next message. */
    readonly resyncs: number;
    /** Bytes dropped because a cap on buffered bytes was reached. */
    readonly cappedBytes: number;
    /** Exceptions thrown by a plugin; the connection is dropped, tracing goes on. */
    readonly pluginFailures: number;
    /** Connections known at this moment. */
    readonly openConnections: number;
    /** Bytes of unfinished messages held at this moment. */
    readonly bufferedBytes: number;
  };
  /** Records that a slow consumer did not take in time. */
  readonly recordsDropped: number;
  /** CPU time of the native reader thread, nanoseconds. */
  readonly readerCpuNs: number;
  /** What was written to the recording, if one is made. */
  readonly recording?: RecordingStats;
}

/** What was chosen for one hook, and why. */
export interface HookStatus {
  /** Name of the program. */
  readonly program: string;
  /** Where it is attached. */
  readonly hook: string;
  /** Whether it is attached now. */
  readonly attached: boolean;
  /** A hook without which tracing still works, with what is lost said in `reason`. */
  readonly optional: boolean;
  /** Why it is not, or why not in the usual way. */
  readonly reason?: string;
  /** What would make it work. */
  readonly remedy?: string;
}

/** Size and cost of one loaded program. */
export interface ProgramStatus {
  /** Name of the C function. */
  readonly name: string;
  /** Whether the kernel took it. */
  readonly loaded: boolean;
  /** Instructions as compiled. */
  readonly instructions: number;
  /** Instructions the verifier walked. */
  readonly processed: number;
  /** Time that loading it took, milliseconds. */
  readonly loadMs: number;
  /** From the kernel's run-time statistics, where enabled. */
  readonly runCount: number;
  /** Time spent in it so far, nanoseconds; 0 where the statistics are off. */
  readonly runTimeNs: number;
}

/** What the tracer set up, for `doctor`. */
export interface TracerReport {
  /** Every hook that was tried. */
  readonly hooks: readonly HookStatus[];
  /** Every BPF program. */
  readonly programs: readonly ProgramStatus[];
  /** Every BPF map with the memory it takes. */
  readonly maps: readonly {
    /** Name of the map. */
    readonly name: string;
    /** Memory it takes, bytes. */
    readonly bytes: number;
  }[];
  /** Time that loading everything took, milliseconds. */
  readonly loadMs: number;
  /** Every program file that a source of plaintext wanted. */
  readonly binaries: readonly BinaryStatus[];
}

/** States of a tracer: `created → loaded → attached ⇄ detached → closed`. */
export type TracerState = 'created' | 'loaded' | 'attached' | 'detached' | 'closed';

/** Made by `createTracer`. Iterate it, or listen to `record`; both see every record. */
export interface Tracer<Rec> extends AsyncDisposable, AsyncIterable<Rec> {
  /** Where it is in its life. */
  readonly state: TracerState;
  /** Loads programs and maps. @throws LibtraceError `ERR_KERNEL_*` with a remedy. */
  load(): Promise<void>;
  /** Attaches (loads first if needed). When it resolves, every later call of a target is seen. */
  attach(): Promise<void>;
  /** Detaches every hook, drains what was captured and reports what is unfinished. May be attached again. */
  detach(): Promise<void>;
  /** Detaches and frees everything; ends iterations. Idempotent. */
  close(): Promise<void>;
  /** Calls a listener with every record, as it is made. */
  on(event: 'record', listener: (record: Rec) => void): this;
  /** Calls a listener with what went wrong while data flowed, such as an exception that a plugin threw. Tracing goes on. */
  on(event: 'error', listener: (error: Error) => void): this;
  /** Removes a listener. */
  off(event: 'record', listener: (record: Rec) => void): this;
  /** Removes a listener. */
  off(event: 'error', listener: (error: Error) => void): this;
  /** Traces one more process and its descendants (for a command started after `attach`). */
  addPid(pid: number): void;
  /**
   * Replaces the plugins, in any state, while the hooks stay attached. Connections that a plugin object of the new list
   * reads go on undisturbed; the others, those that none wanted among them, are inferred anew. Records of added plugins
   * are not in the type of this tracer: tell them by `protocol`.
   * @throws LibtraceError `ERR_PLUGIN_INVALID`, `ERR_PLUGIN_DUPLICATE`; `ERR_OPTION_INVALID` for a plugin over UDP when
   * there was none at load
   */
  setPlugins(plugins: readonly AnyPlugin[]): Promise<void>;
  /** Everything captured before this call has been turned into records when it resolves. */
  flush(): Promise<void>;
  /** Counters since {@link load}. */
  stats(): TracerStats;
  /** What was set up, hook by hook. */
  report(): TracerReport;
}
