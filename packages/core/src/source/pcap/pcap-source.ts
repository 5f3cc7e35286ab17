// SPDX-License-Identifier: Apache-2.0
import type { PipelineSource } from '../../stream/pipeline-types.js';
import { CaptureBytes } from './capture-bytes.js';
import { CaptureClock } from './capture-clock.js';
import { unknownCapture } from './capture-error.js';
import { readerFor } from './capture-format.js';
import { readCapture, type CaptureInput } from './capture-input.js';
import type { CapturedPacket, CaptureReader } from './captured-packet.js';
import { PcapCounters, type PcapStats } from './pcap-stats.js';
import { PacketDecoder } from './packet-decoder.js';
import { resolvePcapOptions, type PcapOptions, type ResolvedPcapOptions } from './pcap-options.js';

/**
 * A capture file (pcap or pcapng, as it is or gzip) as a source. No process is known; the server's end is `local`, so
 * requests come `in`. The role is `server` when a SYN was seen, else `unknown`, with the sender of the first packet as
 * `remote`.
 *
 * ```ts
 * const source = await PcapSource.open('capture.pcapng');
 * const pipeline = new Pipeline({
 *   plugins: [http()],
 *   source: 'pcap',
 *   wallClockOffsetNs: source.wallClockOffsetNs,
 *   onRecord: (record) => console.log(JSON.stringify(record)),
 * });
 * await source.run(pipeline);
 * console.log(source.stats());
 * ```
 */
export class PcapSource {
  readonly #chunks: AsyncGenerator<Buffer, undefined>;
  readonly #options: ResolvedPcapOptions;
  readonly #queue = new CaptureBytes();
  readonly #clock = new CaptureClock();
  readonly #counters = new PcapCounters();
  #reader: CaptureReader | undefined;
  /** Was read to learn when the capture begins. */
  #first: CapturedPacket | undefined;
  /** The compressed file ended in the middle. */
  #cutOff = false;

  private constructor(input: CaptureInput, options: ResolvedPcapOptions) {
    this.#chunks = readCapture(input, () => (this.#cutOff = true));
    this.#options = options;
  }

  /**
   * Opens a capture and reads as far as its first packet.
   * @param input a path, or the bytes of the file in pieces of any size.
   * @throws LibtraceError `ERR_FILE_READ`, `ERR_CAPTURE_FORMAT`, `ERR_CAPTURE_LINK_TYPE`, `ERR_OPTION_INVALID`
   */
  static async open(input: CaptureInput, options: PcapOptions = {}): Promise<PcapSource> {
    const resolved = resolvePcapOptions(options);
    const source = new PcapSource(input, resolved);
    try {
      source.#first = await source.#peek();
    } catch (error) {
      await source.#chunks.return(undefined);
      throw error;
    }
    return source;
  }

  /** Unix time of 0 on the time line of the segments, nanoseconds: the time of the first packet. */
  get wallClockOffsetNs(): bigint {
    return this.#clock.originNs ?? 0n;
  }

  /**
   * Reads the capture to its end into a pipeline, which is finished then. To be called once.
   * @throws LibtraceError `ERR_CAPTURE_FORMAT`, `ERR_FILE_READ` when the file is damaged: what came before has been
   *   handed over, and the pipeline is finished. A file that ends inside a packet is no error: see
   *   {@link PcapStats.truncated}.
   */
  async run(pipeline: PipelineSource): Promise<void> {
    const decoder = new PacketDecoder(pipeline, this.#counters, this.#options);
    try {
      if (this.#first !== undefined) decoder.take(this.#first);
      this.#first = undefined;
      this.#readPackets(decoder);
      for await (const chunk of this.#chunks) {
        this.#queue.push(chunk);
        this.#readPackets(decoder);
      }
    } finally {
      this.#counters.truncated = this.#cutOff || this.#queue.available > 0 || this.#queue.owed > 0;
      decoder.finish();
    }
  }

  /** Closes the file of a source that is not run to its end. */
  async close(): Promise<void> {
    await this.#chunks.return(undefined);
  }

  /** Counters so far. */
  stats(): PcapStats {
    return this.#counters.snapshot(this.#reader?.format, this.#clock.invalidTimes);
  }

  #readPackets(decoder: PacketDecoder): void {
    const reader = this.#reader;
    if (reader === undefined) return;
    for (let packet = reader.next(); packet !== undefined; packet = reader.next()) {
      decoder.take(packet);
    }
  }

  /** Reads until the first packet, or the end. */
  async #peek(): Promise<CapturedPacket | undefined> {
    for (;;) {
      const { done, value } = await this.#chunks.next();
      if (done === true) break;
      this.#queue.push(value);
      this.#reader ??= readerFor(this.#queue, this.#clock);
      const packet = this.#reader?.next();
      if (packet !== undefined) return packet;
    }
    if (this.#reader === undefined) {
      throw unknownCapture(
        `the file has ${this.#queue.available} bytes: too few for a capture`,
        'Has the capture been written to its end?',
      );
    }
    return undefined;
  }
}
