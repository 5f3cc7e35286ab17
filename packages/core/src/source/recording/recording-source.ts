// SPDX-License-Identifier: Apache-2.0
import type { PipelineSource } from '../../stream/index.js';
import type { RecordingHeader } from './format.js';
import { RecordingDecoder, type RecordingSummary } from './recording-decoder.js';

/** What a recording says of itself. */
export interface RecordingFacts {
  /** How it was made. */
  readonly header: RecordingHeader;
  /** What was in it, and what was lost when it was made. */
  readonly summary: RecordingSummary;
}

/** A recording as a source of segments. */
export class RecordingSource {
  readonly format = 'recording';
  readonly source = 'recording';
  readonly header: RecordingHeader;
  readonly #decoder: RecordingDecoder;
  readonly #chunks: AsyncIterator<Buffer>;

  private constructor(
    decoder: RecordingDecoder,
    header: RecordingHeader,
    chunks: AsyncIterator<Buffer>,
  ) {
    this.#decoder = decoder;
    this.header = header;
    this.#chunks = chunks;
  }

  /**
   * Reads as far as the header.
   * @throws LibtraceError `ERR_RECORDING_INVALID`, `ERR_RECORDING_VERSION`
   */
  static async open(input: AsyncIterable<Buffer>): Promise<RecordingSource> {
    const decoder = new RecordingDecoder();
    const chunks = input[Symbol.asyncIterator]();
    while (decoder.header === undefined) {
      const next = await chunks.next();
      if (next.done === true) throw decoder.noHeader();
      decoder.push(next.value, undefined);
    }
    return new RecordingSource(decoder, decoder.header, chunks);
  }

  get wallClockOffsetNs(): bigint {
    return this.header.wallClockOffsetNs;
  }

  get truncated(): boolean {
    return !this.#decoder.summary().complete;
  }

  /** What was read so far. */
  summary(): RecordingSummary {
    return this.#decoder.summary();
  }

  /**
   * Makes the recorded calls; the pipeline is finished then, whatever happens.
   * @throws LibtraceError `ERR_RECORDING_INVALID` after everything before the damage was handed over
   */
  async run(pipeline: PipelineSource): Promise<void> {
    try {
      // The header came with the first frames.
      this.#decoder.push(Buffer.alloc(0), pipeline);
      for (;;) {
        const next = await this.#chunks.next();
        if (next.done === true) break;
        this.#decoder.push(next.value, pipeline);
      }
    } finally {
      this.#decoder.end(pipeline);
    }
  }
}
