// SPDX-License-Identifier: Apache-2.0
import type { PcapStats, ReaderStats, RecordingFacts } from '@libtrace/core';
import { formatBytes, formatCount, plural } from '../format/units.js';
import { describeUnbound } from './encrypted.js';
import { kernelLosses, pipelineLosses, type Losses } from './losses.js';

/** What the summary says of the parts of a file that are not shown. */
export interface FileLosses extends Losses {
  /** What was read and not understood. */
  readonly notUnderstood: readonly string[];
}

const leftOutNames: Readonly<Record<string, string>> = {
  'not-ip': 'not IP',
  'other-transport': 'IP with neither TCP nor UDP in it',
  malformed: 'with headers that cannot be read',
  'incomplete-fragments': 'fragments of packets whose other fragments are missing',
  'link-type': 'of interfaces whose link type is not read',
};

/** Everything of a file that shows in no call, by reason. */
export function describeFileLosses(stats: ReaderStats, protocols: readonly string[]): FileLosses {
  const { details } = stats;
  const pipeline = pipelineLosses(stats.pipeline);
  const made = details?.kind === 'recording' ? recordingLosses(details) : noLosses;
  const packets = details?.kind === 'packets' ? details.packets : undefined;
  return {
    lost: [...truncation(stats), ...made.lost, ...pipeline.lost, ...lostPackets(packets)],
    notCaptured: [...pipeline.notCaptured, ...made.notCaptured, ...cutPackets(packets)],
    notUnderstood: [...connections(stats, protocols), ...packetsLeftOut(packets)],
  };
}

const noLosses: Losses = { lost: [], notCaptured: [] };

function truncation({ truncated, damaged, details }: ReaderStats): string[] {
  if (damaged) return ['everything behind the damage in the file'];
  if (!truncated) return [];
  const bytes = details?.kind === 'recording' ? details.summary.unreadBytes : 0;
  const rest = bytes > 0 ? ` (its last ${plural(bytes, 'byte')} are part of something)` : '';
  return [`the end of the file is missing: it was cut off${rest}`];
}

function recordingLosses({ summary }: RecordingFacts): Losses {
  const kernel = summary.counters === undefined ? noLosses : kernelLosses(summary.counters);
  const { droppedSegments, droppedBytes, droppedFrames, unknownFrames } = summary;
  return {
    lost: [
      ...kernel.lost.map((text) => text.replace(' (try a larger --ring-size)', '')),
      ...counted(
        droppedSegments,
        `${plural(droppedSegments, 'segment')} with ${formatBytes(droppedBytes)}: the disk was too slow`,
      ),
      ...counted(droppedFrames, `${plural(droppedFrames, 'other event')}: the disk was too slow`),
      ...counted(unknownFrames, `${plural(unknownFrames, 'frame')} of a newer libtrace`),
    ],
    notCaptured: kernel.notCaptured,
  };
}

function connections({ pipeline }: ReaderStats, protocols: readonly string[]): string[] {
  const { encryptedConnections, unrecognizedConnections } = pipeline;
  const all = plural(pipeline.connections, 'connection');
  const names = protocols.join(', ');
  return [
    ...counted(
      unrecognizedConnections,
      `${formatCount(unrecognizedConnections)} of ${all}: not recognized as ${names}`,
    ),
    ...counted(
      encryptedConnections,
      `${formatCount(encryptedConnections)} of ${all}: encrypted (TLS)`,
    ),
    ...describeUnbound(pipeline),
  ];
}

function packetsLeftOut(packets: PcapStats | undefined): string[] {
  if (packets === undefined) return [];
  const { leftOut, tcp, invalidTimes } = packets;
  const all = plural(packets.packets, 'packet');
  const reasons = Object.entries(leftOut).flatMap(([reason, count]) =>
    counted(
      count.packets,
      `${formatCount(count.packets)} of ${all}: ${leftOutNames[reason] ?? reason}`,
    ),
  );
  return [
    ...reasons,
    ...counted(
      tcp.strayPackets,
      `${formatCount(tcp.strayPackets)} of ${all}: outside of every TCP window`,
    ),
    ...counted(invalidTimes, `${formatCount(invalidTimes)} of ${all}: time stamps that cannot be`),
  ];
}

function lostPackets(packets: PcapStats | undefined): string[] {
  if (packets === undefined) return [];
  const { tcp, udp } = packets;
  const evicted = tcp.evictedConnections + udp.evictedConversations;
  return [
    ...counted(tcp.lostBytes, `${formatBytes(tcp.lostBytes)} of TCP that are not in the capture`),
    ...counted(evicted, `${plural(evicted, 'connection')} forgotten: too many at once`),
  ];
}

function cutPackets(packets: PcapStats | undefined): string[] {
  if (packets === undefined) return [];
  const bytes = packets.tcp.cutBytes + packets.udp.cutBytes;
  return counted(bytes, `${formatBytes(bytes)} beyond the snap length of the capture`);
}

function counted(count: number, text: string): string[] {
  return count > 0 ? [text] : [];
}
