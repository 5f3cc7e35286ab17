// SPDX-License-Identifier: Apache-2.0
import { crc32 } from 'node:zlib';
import { LibtraceError } from '../../errors.js';
import type { PipelineSource } from '../../stream/index.js';
import { ByteQueue } from './byte-queue.js';
import {
  checksumBytes,
  frameHeadBytes,
  frameType,
  prefixBytes,
  recordingLimits,
  recordingMagic,
  recordingVersion,
  type RecordingCounters,
  type RecordingHeader,
} from './format.js';
import { FrameReader } from './frame-reader.js';
import { decodeHeader } from './header.js';

/** What a reader found in a recording, besides the calls it made. */
export interface RecordingSummary {
  /** The mark of the end was read: nothing is missing at the end of the file. */
  readonly complete: boolean;
  /** Bytes at the end that are part of a frame whose rest is missing. */
  readonly unreadBytes: number;
  /** Frames read. */
  readonly frames: number;
  /** Connections that were announced. */
  readonly connections: number;
  /** Segments read. */
  readonly segments: number;
  /** Frames of types that this version does not know; they were left out. */
  readonly unknownFrames: number;
  /** Segments that the recorder could not write: its disk was too slow. */
  readonly droppedSegments: number;
  /** Captured bytes in them. */
  readonly droppedBytes: number;
  /** Frames other than segments that it could not write. */
  readonly droppedFrames: number;
  /** What the kernel side counted while recording; undefined when the file does not say. */
  readonly counters: RecordingCounters | undefined;
}

/**
 * Reads a recording piece by piece and makes the very calls that were recorded. Memory is bounded by the longest frame,
 * whatever the file says.
 *
 * @example
 * ```ts
 * const decoder = new RecordingDecoder();
 * for await (const chunk of createReadStream('calls.ltrec')) decoder.push(chunk, pipeline);
 * decoder.end(pipeline);
 * ```
 */
export class RecordingDecoder {
  readonly #queue = new ByteQueue();
  readonly #frames = new FrameReader();
  #header: RecordingHeader | undefined;
  #offset = 0;
  #complete = false;
  #count = 0;
  #unknownFrames = 0;

  /** Undefined until enough of the file was pushed. */
  get header(): RecordingHeader | undefined {
    return this.#header;
  }

  /**
   * Takes the next bytes of the file and makes the calls of the frames that they complete. Until the {@link header} is
   * known, `pipeline` may be undefined: bytes are kept, and read by the next push.
   * @throws LibtraceError `ERR_RECORDING_INVALID`, `ERR_RECORDING_VERSION` with the offset in the file
   */
  push(bytes: Buffer, pipeline: PipelineSource | undefined): void {
    this.#queue.add(bytes);
    if (this.#header === undefined && !this.#readHeader()) return;
    if (pipeline === undefined) return;
    while (!this.#complete && this.#readFrame(pipeline));
    if (this.#complete && this.#queue.available > 0) {
      throw invalid('bytes follow the end of the recording', this.#offset);
    }
  }

  /**
   * The file ended, or what follows cannot be read. When its last frame was no `finish` (it was cut off), what is
   * unfinished is reported.
   */
  end(pipeline: PipelineSource): void {
    if (!this.#frames.finished) pipeline.finish(this.#frames.lastNs);
  }

  /** The error of a file that ends before its header does. */
  noHeader(): LibtraceError {
    return invalid('the file ends before its header does', this.#offset + this.#queue.available);
  }

  /** What was read so far. */
  summary(): RecordingSummary {
    return {
      complete: this.#complete,
      unreadBytes: this.#queue.available,
      frames: this.#count,
      unknownFrames: this.#unknownFrames,
      ...this.#frames.counts(),
    };
  }

  #readHeader(): boolean {
    const queue = this.#queue;
    const start = queue.peek(Math.min(queue.available, recordingMagic.length));
    if (start === undefined) return false;
    if (!recordingMagic.subarray(0, start.length).equals(start)) {
      throw invalid('it does not begin as a recording does', 0);
    }
    const prefix = queue.peek(prefixBytes);
    if (prefix === undefined) return false;
    const version = prefix.readUInt16LE(8);
    if (version !== recordingVersion) throw wrongVersion(version);
    const length = prefix.readUInt32LE(12);
    if (length > recordingLimits.header) throw invalid(`its header has ${length} bytes`, 12);
    const whole = queue.peek(prefixBytes + length + checksumBytes);
    if (whole === undefined) return false;
    const end = prefixBytes + length;
    if (crc32(whole.subarray(0, end)) !== whole.readUInt32LE(end)) {
      throw invalid('the checksum of its header is wrong', 0);
    }
    const header = decodeHeader(whole.toString('utf8', prefixBytes, end));
    if (typeof header === 'string') throw invalid(`its header is wrong: ${header}`, prefixBytes);
    this.#header = header;
    this.#skip(whole.length);
    return true;
  }

  #readFrame(pipeline: PipelineSource): boolean {
    const head = this.#queue.peek(frameHeadBytes);
    if (head === undefined) return false;
    const length = head.readUInt32LE(0);
    if (length > recordingLimits.payload) throw this.#invalid(`a frame has ${length} bytes`);
    const frame = this.#queue.peek(frameHeadBytes + length + checksumBytes);
    if (frame === undefined) return false;
    const end = frameHeadBytes + length;
    if (crc32(frame.subarray(0, end)) !== frame.readUInt32LE(end)) {
      throw this.#invalid('the checksum of a frame is wrong');
    }
    const type = frame[4]!;
    const payload = frame.subarray(frameHeadBytes, end);
    if (type === frameType.endOfRecording) this.#complete = true;
    else {
      const problem = this.#frames.read(type, payload, pipeline);
      if (problem === 'unknown type') this.#unknownFrames++;
      else if (problem !== undefined) throw this.#invalid(problem);
    }
    this.#count++;
    this.#skip(frame.length);
    return true;
  }

  #skip(bytes: number): void {
    this.#queue.skip(bytes);
    this.#offset += bytes;
  }

  #invalid(problem: string): LibtraceError {
    return invalid(problem, this.#offset);
  }
}

function invalid(problem: string, offset: number): LibtraceError {
  return new LibtraceError(
    'ERR_RECORDING_INVALID',
    `the recording is damaged: ${problem} (at byte ${offset})`,
    {
      phase: 'run',
      offset,
      remedy: 'what came before was read; copy the file anew, or record again',
    },
  );
}

function wrongVersion(version: number): LibtraceError {
  return new LibtraceError(
    'ERR_RECORDING_VERSION',
    `the recording has format version ${version}, this is a reader of version ${recordingVersion}`,
    { phase: 'run', offset: 8, remedy: 'read it with a newer libtrace' },
  );
}
