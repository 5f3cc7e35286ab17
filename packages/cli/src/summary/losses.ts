// SPDX-License-Identifier: Apache-2.0
import type { TracerStats } from '@libtrace/core';
import { escapeText } from '../format/terminal-text.js';
import { formatBytes, plural } from '../format/units.js';

/** What the summary says of things that were not shown. */
export interface Losses {
  /** What should have been shown and was not. */
  readonly lost: readonly string[];
  /** Bytes that were left out on purpose; calls are counted all the same. */
  readonly notCaptured: readonly string[];
}

const holeNames: Readonly<Record<string, string>> = {
  limit: 'beyond the capture limit',
  'kernel-copy': 'moved inside the kernel (sendfile, splice)',
  unseen: 'moved before or outside the hooks',
  fault: 'unreadable in user memory',
};

type KernelStats = TracerStats['kernel'];
type PipelineStats = TracerStats['pipeline'];

/** Names every counter of loss that is not zero. `linesDropped`: lines that the output did not take in time. */
export function describeLosses(stats: TracerStats, linesDropped: number): Losses {
  const { encryptedConnections, plaintextConnections } = stats.pipeline;
  const kernel = kernelLosses(stats.kernel, encryptedConnections + plaintextConnections > 0);
  const pipeline = pipelineLosses(stats.pipeline);
  const { recordsDropped } = stats;
  return {
    lost: [
      ...kernel.lost,
      ...counted(recordsDropped, `${plural(recordsDropped, 'record')} dropped before the output`),
      ...counted(
        linesDropped,
        `${plural(linesDropped, 'line')} not written: the output was too slow`,
      ),
      ...pipeline.lost,
    ],
    notCaptured: [...pipeline.notCaptured, ...kernel.notCaptured],
  };
}

/** What the kernel side did not hand over. `isEncrypted`: there were TLS connections, whose ciphertext is of no use. */
export function kernelLosses(kernel: KernelStats, isEncrypted = false): Losses {
  const { ring, ignored, connections, internal, begun } = kernel.segmentsLost;
  const { eventsLost, runsMissed, compatCalls, connectionsForgotten } = kernel;
  return {
    lost: [
      ...counted(ring, `${plural(ring, 'segment')} found the ring full (try a larger --ring-size)`),
      ...counted(connections, `${plural(connections, 'segment')} found the connection table full`),
      ...counted(
        internal,
        `${plural(internal, 'segment')} of calls with more messages than are walked through`,
      ),
      ...counted(
        begun,
        `${plural(begun, 'segment')} of TLS calls that were in progress when tracing began`,
      ),
      ...counted(
        eventsLost,
        `${plural(eventsLost, 'open, close or process event')} found the ring full`,
      ),
      ...counted(
        connectionsForgotten,
        `${plural(connectionsForgotten, 'connection')} above TLS had to make room in the connection table`,
      ),
      ...counted(runsMissed, `${plural(runsMissed, 'program run')} skipped by the kernel`),
      ...counted(
        compatCalls,
        `${plural(compatCalls, 'system call')} of 32-bit programs, which are not traced`,
      ),
    ],
    notCaptured: counted(
      ignored,
      `${plural(ignored, 'segment')} of connections ${isEncrypted ? 'that are encrypted, or ' : ''}in which no protocol was recognized`,
    ),
  };
}

/** What parsing had to leave out. */
export function pipelineLosses(pipeline: PipelineStats): Losses {
  const { cappedBytes, straySegments, pluginFailures, resyncs } = pipeline;
  const lost = [
    ...counted(cappedBytes, `${formatBytes(cappedBytes)} dropped at the cap on buffered bytes`),
    ...counted(
      straySegments,
      `${plural(straySegments, 'segment')} of connections that were not announced`,
    ),
    ...counted(pluginFailures, `${plural(pluginFailures, 'failure')} of a plugin`),
  ];
  const notCaptured: string[] = [];
  for (const [reason, hole] of Object.entries(pipeline.holes)) {
    if (hole.count === 0) continue;
    const name = holeNames[reason] ?? escapeText(reason);
    const text = `${formatBytes(hole.bytes)} in ${plural(hole.count, 'hole')}`;
    if (reason === 'loss') lost.push(`${text} left in messages by lost segments`);
    else notCaptured.push(`${text} ${name}`);
  }
  notCaptured.push(
    ...counted(
      resyncs,
      `${plural(resyncs, 'place')} where a parser had to look for the next message`,
    ),
  );
  return { lost, notCaptured };
}

function counted(count: number, text: string): string[] {
  return count > 0 ? [text] : [];
}

/**
 * Why nothing may have been seen, and what to check. `ownSegments`: system calls among the counted that are of libtrace's
 * own making (a command's wait at its gate).
 */
export function explainSilence(
  stats: TracerStats,
  protocols: readonly string[],
  ownSegments: number,
): string[] {
  const { kernel } = stats;
  if (kernel.segmentsSeen <= ownSegments) {
    return [
      'The target moved no bytes over sockets while it was traced. Check that it is the',
      'process that does the work (workers, containers), that it was called at all, and',
      'that --port is a port of its connections.',
      ...(kernel.compatCalls > 0 ? ['It is a 32-bit program: those are not traced.'] : []),
    ];
  }
  return [
    `${plural(kernel.segmentsSeen - ownSegments, 'system call')} moved ${formatBytes(kernel.bytesSeen)} over sockets, ` +
      `none recognized as ${protocols.join(', ')}.`,
    stats.pipeline.encryptedConnections > 0
      ? 'Encrypted connections are named below. Others may speak another protocol'
      : 'The connections may speak another protocol (libtrace plugins lists those known)',
    'or have been in the middle of a message when tracing began.',
  ];
}
