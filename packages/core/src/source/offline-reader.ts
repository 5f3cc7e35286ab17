// SPDX-License-Identifier: Apache-2.0
import { LibtraceError } from '../errors.js';
import type { TraceRecord } from '../model/index.js';
import { Pipeline } from '../stream/index.js';
import type { AnyProtocol, TracerStats } from '../tracer/types.js';
import { gunzip, isGzip, readBytes } from './offline-bytes.js';
import type { CaptureDetails, CaptureFormat, OfflineSource } from './offline-source.js';
import { PcapSource } from './pcap/index.js';
import { RecordGate } from './record-gate.js';
import { recordingMagic, RecordingSource } from './recording/index.js';

/** Options of an {@link OfflineReader}; checked before. */
export interface OfflineReaderOptions {
  readonly plugins: readonly AnyProtocol[];
  readonly file: string | AsyncIterable<Uint8Array>;
  readonly decodeAs: ReadonlyMap<number, string>;
  readonly maxBufferedBytes: number;
  readonly maxTotalBufferedBytes: number;
  readonly signal: AbortSignal | undefined;
  readonly onPluginFailure: (plugin: string, error: unknown) => void;
}

/** What was read from a file, and what was left out. */
export interface ReaderStats {
  /** Undefined before the first bytes were read. */
  readonly format: CaptureFormat | undefined;
  /** The file ends in the middle of something; what came before was read. */
  readonly truncated: boolean;
  /** Reading ended with an error; what came before was read. */
  readonly damaged: boolean;
  /** Counters of parsing and pairing. */
  readonly pipeline: TracerStats['pipeline'];
  /** What is only known of a packet capture, or only of a recording. Undefined before the first bytes were read. */
  readonly details: CaptureDetails | undefined;
}

/** Reads a file of any known format, once, from its start to its end. */
export class OfflineReader implements AsyncIterable<TraceRecord> {
  readonly #options: OfflineReaderOptions;
  readonly #gate = new RecordGate<TraceRecord>();
  #source: OfflineSource | undefined;
  #pipeline: Pipeline;
  #begun = false;
  #cutOff = false;
  #damaged = false;

  constructor(options: OfflineReaderOptions) {
    this.#options = options;
    this.#pipeline = this.#newPipeline(0n, 'recording');
  }

  stats(): ReaderStats {
    const source = this.#source;
    return {
      format: source?.format,
      truncated: !this.#damaged && (this.#cutOff || source?.truncated === true),
      damaged: this.#damaged,
      pipeline: this.#pipeline.stats(),
      details: source?.details,
    };
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<TraceRecord, undefined> {
    if (this.#begun) {
      throw new LibtraceError('ERR_STATE', 'the reader was iterated already', {
        phase: 'run',
        remedy: 'a file is read once, from its start: make another reader',
      });
    }
    this.#begun = true;
    const { signal } = this.#options;
    const stop = (): void => this.#gate.end();
    signal?.addEventListener('abort', stop);
    if (signal?.aborted === true) stop();
    const done = this.#read().finally(() => this.#gate.end());
    // Thrown below, behind the records of what came before; not at all when the consumer stops earlier.
    done.catch(() => undefined);
    try {
      for (let taken = await this.#gate.take(); taken.length > 0; taken = await this.#gate.take()) {
        yield* taken;
      }
    } finally {
      signal?.removeEventListener('abort', stop);
      this.#gate.end();
    }
    // An input that says nothing more must not hold back who does not want it any longer.
    if (signal?.aborted !== true) await done;
  }

  async #read(): Promise<void> {
    const bytes = this.#plainBytes();
    try {
      const [start, all] = await sniff(bytes, recordingMagic.length);
      const source = await open(start, all);
      this.#source = source;
      this.#pipeline = this.#newPipeline(source.wallClockOffsetNs, source.source);
      await source.run(this.#pipeline);
    } catch (error) {
      this.#damaged = true;
      throw error;
    } finally {
      await bytes.return(undefined);
    }
  }

  /** The bytes of the file, decompressed, as fast as records are taken. */
  async *#plainBytes(): AsyncGenerator<Buffer, undefined> {
    const raw = readBytes(this.#options.file);
    const [start, all] = await sniff(raw, 2);
    const plain = isGzip(start) ? gunzip(all, () => (this.#cutOff = true)) : all;
    for await (const chunk of plain) {
      if (!(await this.#gate.wanted())) return;
      yield chunk;
    }
  }

  #newPipeline(wallClockOffsetNs: bigint, source: TraceRecord['source']): Pipeline {
    return new Pipeline({
      plugins: this.#options.plugins,
      decodeAs: this.#options.decodeAs,
      source,
      wallClockOffsetNs,
      maxBufferedBytes: this.#options.maxBufferedBytes,
      maxTotalBufferedBytes: this.#options.maxTotalBufferedBytes,
      onRecord: (record) => this.#gate.push(record),
      onPluginFailure: this.#options.onPluginFailure,
    });
  }
}

/** @throws LibtraceError `ERR_CAPTURE_FORMAT`, `ERR_CAPTURE_LINK_TYPE`, `ERR_RECORDING_INVALID`, `ERR_RECORDING_VERSION` */
async function open(start: Buffer, bytes: AsyncIterable<Buffer>): Promise<OfflineSource> {
  const isRecording =
    start.length > 0 && recordingMagic.subarray(0, start.length).equals(start.subarray(0, 8));
  if (isRecording) {
    const recording = await RecordingSource.open(bytes);
    return {
      format: 'recording',
      source: 'recording',
      wallClockOffsetNs: recording.wallClockOffsetNs,
      get truncated() {
        return recording.truncated;
      },
      get details() {
        return {
          kind: 'recording' as const,
          header: recording.header,
          summary: recording.summary(),
        };
      },
      run: (pipeline) => recording.run(pipeline),
    };
  }
  const packets = await PcapSource.open(bytes);
  return {
    get format() {
      return packets.stats().format;
    },
    source: 'pcap',
    wallClockOffsetNs: packets.wallClockOffsetNs,
    get truncated() {
      return packets.stats().truncated;
    },
    get details() {
      return { kind: 'packets' as const, packets: packets.stats() };
    },
    run: (pipeline) => packets.run(pipeline),
  };
}

/** At least so many first bytes, if there are, and all bytes from the first on. */
async function sniff(
  bytes: AsyncGenerator<Buffer, undefined>,
  count: number,
): Promise<[Buffer, AsyncGenerator<Buffer, undefined>]> {
  let start = Buffer.alloc(0);
  while (start.length < count) {
    const next = await bytes.next();
    if (next.done === true) break;
    start = Buffer.concat([start, next.value]);
  }
  return [start, resumed(start, bytes)];
}

async function* resumed(
  start: Buffer,
  rest: AsyncGenerator<Buffer, undefined>,
): AsyncGenerator<Buffer, undefined> {
  try {
    if (start.length > 0) yield start;
    yield* rest;
  } finally {
    // Who stops at the start does not reach the rest, which holds the file open.
    await rest.return(undefined);
  }
}
