// SPDX-License-Identifier: Apache-2.0
import { EventEmitter } from 'node:events';
import type * as NativeModule from '@libtrace/native';
import { LibtraceError } from '../errors.js';
import { validatePlugins } from '../inference/validate-plugins.js';
import { wallClockOffsetNs } from '../kernel/clock.js';
import type { TraceRecord } from '../model/index.js';
import { protocolsOf, uprobesOf } from '../plugin/kinds.js';
import { LiveSource } from '../source/live-source.js';
import { Recorder } from '../source/recording/index.js';
import { Pipeline } from '../stream/pipeline.js';
import { resolveOptions, type ResolvedOptions } from './options.js';
import { RecordQueue } from './record-queue.js';
import type {
  AnyPlugin,
  RecordingOptions,
  RecordOf,
  Tracer,
  TracerOptions,
  TracerReport,
  TracerState,
  TracerStats,
} from './types.js';

async function loadNative(): Promise<typeof NativeModule> {
  if (process.platform !== 'linux') {
    throw new LibtraceError(
      'ERR_PLATFORM',
      `live tracing needs Linux, this is ${process.platform}`,
      {
        phase: 'load',
        remedy: 'run it on the Linux machine whose programs are to be traced',
      },
    );
  }
  try {
    return await import('@libtrace/native');
  } catch (cause) {
    throw new LibtraceError('ERR_NATIVE_MISSING', '@libtrace/native could not be imported', {
      phase: 'load',
      remedy: 'install it next to @libtrace/core; in a clone run `npm run setup`',
      cause,
    });
  }
}

class LiveTracer implements Tracer<TraceRecord> {
  #options: ResolvedOptions;
  readonly #emitter = new EventEmitter();
  readonly #queues = new Set<RecordQueue<TraceRecord>>();
  readonly #pipeline: Pipeline;
  readonly #wallClockOffsetNs = wallClockOffsetNs();
  #recorder: Recorder | undefined;
  #source: LiveSource | undefined;
  #state: TracerState = 'created';
  #recordsDropped = 0;
  #turn: Promise<void> = Promise.resolve();

  constructor(options: ResolvedOptions) {
    this.#options = options;
    this.#pipeline = new Pipeline({
      plugins: options.plugins,
      decodeAs: options.decodeAs,
      source: 'syscall',
      plaintext: options.sources.length > 0,
      wallClockOffsetNs: this.#wallClockOffsetNs,
      maxBufferedBytes: options.maxBufferedBytes,
      maxTotalBufferedBytes: options.maxTotalBufferedBytes,
      onRecord: (record) => this.#onRecord(record),
      onVerdict: (id, verdict) => this.#source?.setVerdict(id, verdict),
      onPluginFailure: (_plugin, error) => this.#onError(error),
    });
  }

  get state(): TracerState {
    return this.#state;
  }

  load(): Promise<void> {
    return this.#inTurn(async () => {
      this.#expect('load', 'created');
      const native = await loadNative();
      const { plugins, recording } = this.#options;
      if (recording !== undefined) this.#recorder = this.#createRecorder(recording);
      this.#source = new LiveSource(
        native,
        {
          target: this.#options.target,
          ringBytes: this.#options.ringBytes,
          captureBytes: this.#options.captureBytes,
          maxConnections: this.#options.maxConnections,
          plugins,
          keepUnnamed: recording !== undefined,
          uprobes: this.#options.sources,
          uprobeOptions: this.#options.uprobes,
          onSourceFailure: (error) => this.#onError(error),
          wantUdp: recording !== undefined || plugins.some((p) => p.transports.includes('udp')),
        },
        this.#recorder ?? this.#pipeline,
      );
      try {
        await this.#recorder?.begin();
      } catch (error) {
        this.#source.close();
        this.#source = undefined;
        throw error;
      }
      this.#state = 'loaded';
    });
  }

  async attach(): Promise<void> {
    if (this.#state === 'created') await this.load();
    await this.#inTurn(() => {
      this.#expect('attach', 'loaded', 'detached');
      this.#source!.attach();
      this.#state = 'attached';
      return Promise.resolve();
    });
  }

  detach(): Promise<void> {
    return this.#inTurn(async () => {
      this.#expect('detach', 'attached');
      await this.#source!.detach();
      this.#state = 'detached';
    });
  }

  close(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#state === 'closed') return;
      try {
        if (this.#state === 'attached') await this.#source!.detach();
      } finally {
        if (this.#recorder !== undefined) this.stats();
        this.#source?.close();
        this.#state = 'closed';
        await this.#recorder?.complete(this.#lastKernel);
        for (const queue of this.#queues) queue.end();
        this.#queues.clear();
      }
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  [Symbol.asyncIterator](): AsyncIterator<TraceRecord, undefined> {
    const queue = new RecordQueue<TraceRecord>(
      this.#options.maxQueuedRecords,
      () => this.#recordsDropped++,
      (done) => this.#queues.delete(done),
    );
    if (this.#state === 'closed') queue.end();
    else this.#queues.add(queue);
    return queue;
  }

  on(event: 'record', listener: (record: TraceRecord) => void): this;
  on(event: 'error', listener: (error: Error) => void): this;
  on(event: string, listener: (value: never) => void): this {
    this.#emitter.on(event, listener as (value: unknown) => void);
    return this;
  }

  off(event: 'record', listener: (record: TraceRecord) => void): this;
  off(event: 'error', listener: (error: Error) => void): this;
  off(event: string, listener: (value: never) => void): this {
    this.#emitter.off(event, listener as (value: unknown) => void);
    return this;
  }

  addPid(pid: number): void {
    this.#expect('addPid', 'loaded', 'attached', 'detached');
    this.#source!.addPid(pid);
  }

  setPlugins(plugins: readonly AnyPlugin[]): Promise<void> {
    return this.#inTurn(async () => {
      this.#expect('setPlugins', 'created', 'loaded', 'attached', 'detached');
      validatePlugins(plugins);
      // What is in the ring was moved while the plugins were others.
      if (this.#state === 'attached') await this.#source!.flush();
      const protocols = protocolsOf(plugins);
      const sources = uprobesOf(plugins);
      if (sources.some((source) => !this.#options.sources.includes(source))) {
        throw new LibtraceError('ERR_OPTION_INVALID', 'setPlugins got a new source of plaintext', {
          phase: 'run',
          remedy:
            'give sources of plaintext to createTracer; protocols can be replaced at any time',
        });
      }
      this.#source?.setPlugins(protocols, sources);
      this.#pipeline.setPlugins(protocols);
      this.#options = { ...this.#options, plugins: protocols };
    });
  }

  async flush(): Promise<void> {
    this.#expect('flush', 'attached', 'detached');
    await this.#source!.flush();
  }

  stats(): TracerStats {
    const kernel =
      this.#source !== undefined && this.#state !== 'closed'
        ? this.#kernelStats()
        : this.#lastKernel;
    this.#lastKernel = kernel;
    const recording = this.#recorder?.stats();
    return {
      kernel,
      pipeline: this.#pipeline.stats(),
      recordsDropped: this.#recordsDropped,
      readerCpuNs: this.#source?.readerCpuNs() ?? 0,
      ...(recording === undefined ? {} : { recording }),
    };
  }

  report(): TracerReport {
    this.#expect('report', 'loaded', 'attached', 'detached');
    return this.#source!.report();
  }

  #lastKernel: TracerStats['kernel'] = {
    segmentsSeen: 0,
    bytesSeen: 0,
    segmentsDelivered: 0,
    bytesDelivered: 0,
    segmentsLost: { ring: 0, ignored: 0, connections: 0, internal: 0, covered: 0, begun: 0 },
    eventsLost: 0,
    runsMissed: 0,
    compatCalls: 0,
    connectionsForgotten: 0,
  };

  #kernelStats(): TracerStats['kernel'] {
    const { kernel } = this.#source!;
    const connectionsForgotten = this.#source!.connectionsForgotten();
    const c = kernel.counters();
    return {
      segmentsSeen: c.segmentsSeen,
      bytesSeen: c.bytesSeen,
      segmentsDelivered: c.segmentsDelivered,
      bytesDelivered: c.bytesDelivered,
      segmentsLost: {
        ring: c.lostRing,
        ignored: c.lostIgnored,
        connections: c.lostConnections,
        internal: c.lostInternal,
        covered: c.lostCovered,
        begun: c.lostBegun,
      },
      eventsLost: c.lostEvents,
      runsMissed: kernel.missedRuns(),
      compatCalls: c.compatCalls,
      connectionsForgotten,
    };
  }

  #createRecorder(recording: RecordingOptions): Recorder {
    const { plugins, target, captureBytes, ringBytes } = this.#options;
    const names = plugins.map(({ name }) => String(name));
    return new Recorder(
      {
        ...recording,
        command: recording.command,
        capture: { plugins: names, target, captureBytes, ringBytes },
        wallClockOffsetNs: this.#wallClockOffsetNs,
        onError: (error) => this.#onError(error),
      },
      this.#pipeline,
    );
  }

  #onError(error: unknown): void {
    if (this.#emitter.listenerCount('error') > 0) this.#emitter.emit('error', error);
  }

  #onRecord(record: TraceRecord): void {
    this.#emitter.emit('record', record);
    for (const queue of this.#queues) queue.push(record);
  }

  /** State changes wait for each other, so that `attach(); close();` without await is safe. */
  #inTurn(change: () => Promise<void>): Promise<void> {
    const result = this.#turn.then(change);
    this.#turn = result.catch(() => undefined);
    return result;
  }

  #expect(call: string, ...states: TracerState[]): void {
    if (states.includes(this.#state)) return;
    throw new LibtraceError('ERR_STATE', `${call}() in state ${this.#state}`, {
      phase: 'validate',
      remedy: `call it in state ${states.join(' or ')}; the states are created → loaded → attached ⇄ detached → closed`,
    });
  }
}

/**
 * Makes a tracer for this machine's kernel. Nothing is loaded before {@link Tracer.load} or {@link Tracer.attach}.
 *
 * @example
 * ```ts
 * await using tracer = createTracer({ plugins: [http()], target: { comms: ['nginx'] } });
 * await tracer.attach();
 * for await (const call of tracer) console.log(call.operation, call.attributes['url.path'], call.durationMs);
 * ```
 * @throws LibtraceError `ERR_OPTION_INVALID`, `ERR_TARGET_MISSING`, `ERR_PLUGIN_INVALID`, `ERR_PLUGIN_DUPLICATE`
 */
export function createTracer<const P extends readonly AnyPlugin[]>(
  options: TracerOptions<P>,
): Tracer<RecordOf<P[number]>> {
  const resolved = resolveOptions(options);
  validatePlugins(resolved.plugins);
  return new LiveTracer(resolved) as unknown as Tracer<RecordOf<P[number]>>;
}
