// SPDX-License-Identifier: Apache-2.0
import type { RecordSource } from '../model/index.js';
import type { PipelineSource } from '../stream/index.js';
import type { PcapStats } from './pcap/index.js';
import type { RecordingFacts } from './recording/index.js';

/** What a file turned out to be. */
export type CaptureFormat = 'recording' | 'pcap' | 'pcapng';

/** What is only known of a packet capture, or only of a recording. */
export type CaptureDetails =
  /** A packet capture: its packets, and those that show in no connection. */
  | { readonly kind: 'packets'; readonly packets: PcapStats }
  /** A recording: how it was made, and what was lost then. */
  | ({ readonly kind: 'recording' } & RecordingFacts);

/** A file that was opened: its first bytes were read. */
export interface OfflineSource {
  /** What the file turned out to be; undefined when it holds nothing yet that tells. */
  readonly format: CaptureFormat | undefined;
  /** What records say in `source`. */
  readonly source: RecordSource;
  /** Nanoseconds to add to the times of the calls to get Unix time. */
  readonly wallClockOffsetNs: bigint;
  /** Ended in the middle of something: what came before was read. */
  readonly truncated: boolean;
  readonly details: CaptureDetails;
  /**
   * Reads to the end into a pipeline, which is finished then, whatever happens. To be called once.
   * @throws LibtraceError when the file is damaged, after everything before the damage was handed over
   */
  run(pipeline: PipelineSource): Promise<void>;
}
