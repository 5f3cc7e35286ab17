// SPDX-License-Identifier: Apache-2.0
import type { ConnectionInfo, ProcessIdentity, Role, Segment } from '../../model/index.js';
import type { PipelineSource } from '../../stream/index.js';
import type { RecordingCounters, RecordingStats } from './format.js';
import { newHeader } from './header.js';
import { openRecordingFile, recordingFailure, type RecordingSink } from './recording-sink.js';
import { RecordingWriter } from './recording-writer.js';

/** What a {@link Recorder} is made with. */
export interface RecorderOptions {
  /** Path of a file to create, or anything that takes bytes. */
  readonly to: string | RecordingSink;
  /** For the header: what is captured. */
  readonly capture: Readonly<Record<string, unknown>>;
  readonly command: readonly string[] | undefined;
  readonly maxQueuedBytes?: number;
  /** Inode numbers of sockets that are left out altogether. */
  readonly exceptSockets?: readonly number[];
  /** Of the pipeline: the records of a replay then have the same times. */
  readonly wallClockOffsetNs: bigint;
  /** The sink failed; called once. */
  readonly onError: (error: Error) => void;
}

/** Records what a live source tells its pipeline, on its way there. */
export class Recorder implements PipelineSource {
  readonly #options: RecorderOptions;
  readonly #pipeline: PipelineSource;
  /** Connections that are left out. */
  readonly #left = new Set<number>();
  #sink: RecordingSink | undefined;
  #writer: RecordingWriter | undefined;

  /** Nothing is opened before {@link begin}. `pipeline` is where the calls go on to. */
  constructor(options: RecorderOptions, pipeline: PipelineSource) {
    this.#options = options;
    this.#pipeline = pipeline;
  }

  /**
   * Creates the file and writes its header. To be called before the first call comes.
   * @throws LibtraceError `ERR_RECORDING_WRITE`
   */
  async begin(): Promise<void> {
    const { to, wallClockOffsetNs, capture, command, maxQueuedBytes, onError } = this.#options;
    const sink = typeof to === 'string' ? await openRecordingFile(to) : to;
    this.#sink = sink;
    this.#writer = new RecordingWriter({
      sink,
      header: newHeader({ wallClockOffsetNs, capture, command }),
      onError: (error) => onError(recordingFailure(error)),
      ...(maxQueuedBytes === undefined ? {} : { maxQueuedBytes }),
    });
  }

  /** Undefined before {@link begin}. */
  stats(): RecordingStats | undefined {
    return this.#writer?.stats();
  }

  /** Writes the end of the recording and closes the sink. Idempotent. */
  async complete(counters: RecordingCounters): Promise<void> {
    const sink = this.#sink;
    if (sink === undefined) return;
    this.#sink = undefined;
    this.#writer?.counters(counters);
    await this.#writer?.complete();
    try {
      await sink.close?.();
    } catch (error) {
      this.#options.onError(recordingFailure(error as Error));
    }
  }

  open(connection: ConnectionInfo & { readonly inode?: number }): void {
    const { id, inode } = connection;
    this.#left.delete(id);
    if (inode !== undefined && this.#options.exceptSockets?.includes(inode) === true) {
      this.#left.add(id);
      return;
    }
    if (connection.carrier !== undefined && this.#left.has(connection.carrier)) {
      this.#left.add(id);
      return;
    }
    this.#writer?.open(connection);
    this.#pipeline.open(connection);
  }

  bind(connectionId: number, carrier: ConnectionInfo): void {
    if (this.#left.has(connectionId)) return;
    if (this.#left.has(carrier.id)) {
      // What it carries is left out as well, as soon as that is known.
      this.close(connectionId, -1, -1, 0, undefined, false);
      this.#left.add(connectionId);
      return;
    }
    this.#writer?.bind(connectionId, carrier);
    this.#pipeline.bind(connectionId, carrier);
  }

  role(connectionId: number, role: Role): void {
    if (this.#left.has(connectionId)) return;
    this.#writer?.role(connectionId, role);
    this.#pipeline.role(connectionId, role);
  }

  segment(connectionId: number, segment: Segment, protocolHint: string | undefined): void {
    if (this.#left.has(connectionId)) return;
    this.#writer?.segment(connectionId, segment, protocolHint);
    this.#pipeline.segment(connectionId, segment, protocolHint);
  }

  end(connectionId: number, direction: 'in' | 'out', position: number, timestampNs: number): void {
    if (this.#left.has(connectionId)) return;
    this.#writer?.end(connectionId, direction, position, timestampNs);
    this.#pipeline.end(connectionId, direction, position, timestampNs);
  }

  close(
    connectionId: number,
    inPosition: number,
    outPosition: number,
    timestampNs: number,
    process: ProcessIdentity | undefined,
    ended?: boolean,
  ): void {
    if (this.#left.delete(connectionId)) return;
    this.#writer?.close(connectionId, inPosition, outPosition, timestampNs, process, ended);
    this.#pipeline.close(connectionId, inPosition, outPosition, timestampNs, process, ended);
  }

  tick(nowNs: number): void {
    this.#writer?.tick(nowNs);
    this.#pipeline.tick(nowNs);
  }

  finish(nowNs: number): void {
    this.#writer?.finish(nowNs);
    this.#pipeline.finish(nowNs);
  }
}
