// SPDX-License-Identifier: Apache-2.0
import type { PipelineSource } from '../../stream/pipeline-types.js';
import type { PcapCounters } from './pcap-stats.js';

/** What all TCP connections of a file share. */
export interface TcpContext {
  readonly pipeline: PipelineSource;
  readonly counters: PcapCounters;
  /** Most that one direction keeps. */
  readonly maxBufferedBytes: number;
  /** Most that all keep together. */
  readonly maxTotalBufferedBytes: number;
  /** Kept now. */
  bufferedBytes: number;
  /** Time of the latest packet. */
  nowNs: number;
  /** A number for one more connection. */
  nextId(): number;
}

/** Which of the two ends sent something: 0 is the one whose packet was seen first. */
export type End = 0 | 1;
