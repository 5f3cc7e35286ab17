import { markAsUntransferable } from 'node:worker_threads';
import { addon } from './addon.js';
import type { NativeReader } from './addon.js';
import { checkFunction, checkInteger, invalidArgument } from './argument-checks.js';
import { BpfMap } from './bpf-map.js';
import { errorFromErrno } from './error-mapping.js';
import { BpfError } from './errors.js';

/** Kinds of messages of the reader thread: the enum in src/cpp/event_reader.h. */
const BATCH = 0;
const OVERSIZE = 1;
const FLUSHED = 2;
const FAILED = 4;

/** How to read. */
export interface EventReaderOptions {
  /** Ring buffers and perf event arrays of loaded objects. */
  readonly maps: readonly BpfMap[];
  /**
   * Called on the event loop with a slab of records, once per batch. `records` says how many it holds and `bytes`
   * where they end; the slab is only valid until the callback returns, what shall stay must be copied.
   *
   * ```
   * { u32 length, u32 cpu (perf event arrays; else 0), payload, zeros up to 8 bytes } …
   * ```
   *
   * Records of a perf event array can be up to 7 bytes longer than what the program wrote. An exception is an
   * uncaught exception, as of any callback; reading goes on.
   */
  readonly onBatch: (slab: Buffer, records: number, bytes: number) => void;
  /** Called when the reader thread had to give up; default: an uncaught exception. */
  readonly onError?: (error: BpfError) => void;
  /** Bytes of a slab; default 1 MiB. A larger record comes alone, in memory of its own. */
  readonly slabBytes?: number;
  /** Number of slabs; default 4. While JavaScript has them all, records wait in the kernel. */
  readonly slabs?: number;
  /** Look for records this often while there were some in the last second; default 10. Wake-ups come in between. */
  readonly pollIntervalMs?: number;
  /** Look for records this often otherwise; default 50. */
  readonly pollIdleMs?: number;
  /** Bytes of each CPU's buffer of a perf event array, a power of two; default 256 KiB. */
  readonly perfBytesPerCpu?: number;
}

/** Counters of a reader since its start. */
export interface EventReaderStats {
  /** Calls of `onBatch`. */
  readonly batches: bigint;
  /** Records copied out of the kernel's buffers. */
  readonly records: bigint;
  /** Bytes of their payloads. */
  readonly bytes: bigint;
  /** Times the thread had to wait because JavaScript had all slabs. */
  readonly waits: bigint;
  /** Records the kernel could not write into perf buffers; what ring buffers lose, the program has to count. */
  readonly lost: bigint;
  /** CPU time of the reader thread. */
  readonly threadCpuNs: bigint;
}

/**
 * Reads ring buffers or perf event arrays on a thread of its own, and calls JavaScript once per batch.
 *
 * While it runs it keeps the process alive; `stop` ends that. It keeps its own descriptors: closing the object of the
 * maps meanwhile is harmless. A reader is started once.
 */
export class EventReader implements Disposable {
  readonly #native: NativeReader;
  readonly #slabs: readonly Buffer[];
  readonly #onBatch: EventReaderOptions['onBatch'];
  readonly #onError: EventReaderOptions['onError'];
  readonly #flushes = new Map<number, () => void>();
  #nextFlush = 1;
  #phase: 'new' | 'running' | 'stopping' | 'stopped' = 'new';
  #stopped: Promise<void> | undefined;
  #resolveStopped: (() => void) | undefined;

  /** @throws BpfError when an option is wrong, or a buffer cannot be opened */
  constructor(options: EventReaderOptions) {
    const operation = 'open event reader';
    checkFunction(operation, 'onBatch', options.onBatch);
    if (options.onError !== undefined) checkFunction(operation, 'onError', options.onError);
    const slabBytes = checkInteger(
      operation,
      'slabBytes',
      options.slabBytes ?? 1 << 20,
      64,
      1 << 30,
    );
    const slabs = checkInteger(operation, 'slabs', options.slabs ?? 4, 1, 64);
    const activeMs = checkInteger(
      operation,
      'pollIntervalMs',
      options.pollIntervalMs ?? 10,
      1,
      60_000,
    );
    const idleMs = checkInteger(operation, 'pollIdleMs', options.pollIdleMs ?? 50, 1, 60_000);
    const perfBytes = checkInteger(
      operation,
      'perfBytesPerCpu',
      options.perfBytesPerCpu ?? 1 << 18,
      4096,
      1 << 30,
    );
    if ((perfBytes & (perfBytes - 1)) !== 0)
      invalidArgument(operation, 'perfBytesPerCpu must be a power of two');
    if (!Array.isArray(options.maps) || options.maps.length === 0) {
      invalidArgument(operation, 'maps must be a list with at least one map');
    }
    const fds = options.maps.map((map: unknown) => {
      if (!(map instanceof BpfMap) || !['ringbuf', 'perf_event_array'].includes(map.type)) {
        invalidArgument(
          operation,
          'maps must be ring buffers (ringbuf) or perf event arrays (perf_event_array)',
        );
      }
      return map.fd;
    });
    this.#slabs = Array.from({ length: slabs }, () => {
      const memory = new ArrayBuffer(Math.ceil(slabBytes / 8) * 8);
      markAsUntransferable(memory); // the thread writes into it
      return Buffer.from(memory);
    });
    this.#onBatch = options.onBatch;
    this.#onError = options.onError;
    this.#native = new (addon().NativeReader)(fds, this.#slabs, { activeMs, idleMs, perfBytes });
  }

  /** Starts the thread. @throws BpfError `ERR_BPF_BUSY` when it was started before */
  start(): void {
    if (this.#phase !== 'new') {
      throw new BpfError('ERR_BPF_BUSY', {
        operation: 'start event reader',
        detail: 'it was started before',
      });
    }
    this.#native.start((kind, a, records, bytes) =>
      this.#onMessage(kind, a, records ?? 0, bytes ?? 0),
    );
    this.#phase = 'running';
  }

  /** Delivers what is in the buffers now, then ends the thread. Resolves at once when it does not run. */
  stop(): Promise<void> {
    if (this.#phase === 'new') this.#phase = 'stopped';
    if (this.#phase === 'running') {
      this.#phase = 'stopping';
      this.#stopped = new Promise((resolve) => (this.#resolveStopped = resolve));
      this.#native.stop();
    }
    return this.#stopped ?? Promise.resolve();
  }

  /** Resolves when everything that was in the buffers at the time of the call has been given to `onBatch`. */
  flush(): Promise<void> {
    if (this.#phase === 'new') {
      return Promise.reject(
        new BpfError('ERR_BPF_NOT_LOADED', { operation: 'flush', detail: 'not started' }),
      );
    }
    if (this.#phase !== 'running') return this.stop();
    const id = this.#nextFlush;
    this.#nextFlush = (id + 1) >>> 0;
    return new Promise((resolve) => {
      this.#flushes.set(id, resolve);
      this.#native.flush(id);
    });
  }

  /** Counters since the start. */
  stats(): EventReaderStats {
    return this.#native.stats();
  }

  /** Stops without waiting; what is in the buffers is still delivered. */
  [Symbol.dispose](): void {
    void this.stop();
  }

  #onMessage(kind: number, a: number | Buffer, records: number, bytes: number): void {
    if (kind === BATCH) {
      this.#onBatch(this.#slabs[a as number]!, records, bytes);
      return;
    }
    if (kind === OVERSIZE) {
      this.#onBatch(a as Buffer, 1, (a as Buffer).byteLength);
      return;
    }
    if (kind === FLUSHED) {
      this.#flushes.get(a as number)?.();
      this.#flushes.delete(a as number);
      return;
    }
    this.#phase = 'stopped';
    for (const resolve of this.#flushes.values()) resolve();
    this.#flushes.clear();
    this.#resolveStopped?.();
    if (kind !== FAILED) return;
    const error = errorFromErrno('read events', a as number, '');
    if (this.#onError === undefined) throw error;
    this.#onError(error);
  }
}
