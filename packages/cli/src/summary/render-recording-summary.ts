// SPDX-License-Identifier: Apache-2.0
import type { TracerStats } from '@libtrace/core';
import type { Colors } from '../format/colors.js';
import { escapeText } from '../format/terminal-text.js';
import { formatBytes, formatCount, formatDuration, plural } from '../format/units.js';
import type { CallGroups } from './call-groups.js';
import { describeEncrypted } from './encrypted.js';
import type { TlsFacts } from './encrypted.js';
import { kernelLosses } from './losses.js';

/** What the summary of `libtrace record` is made of. */
export interface RecordingSummaryInput {
  /** The calls that the active plugins recognized while recording. */
  readonly groups: CallGroups;
  readonly stats: TracerStats;
  /** What was looked into above TLS. */
  readonly tls: TlsFacts;
  readonly elapsedMs: number;
  /** Name of the file, or `-`. */
  readonly output: string;
  readonly colors: Colors;
}

/** What was written, what is in it as far as is known, and what was lost. Ends with a line end. */
export function renderRecordingSummary(input: RecordingSummaryInput): string {
  const { stats, colors, output } = input;
  const { recording } = stats;
  const where = output === '-' ? '' : ` in ${escapeText(output)}`;
  const head =
    recording === undefined
      ? 'Nothing was recorded'
      : `${plural(recording.segments, 'segment')} with ${formatBytes(recording.bytes)} of ` +
        `${plural(recording.connections, 'connection')}, ${formatBytes(recording.fileBytes)}${where}`;
  const lines = ['', colors.bold(`Recorded ${formatDuration(input.elapsedMs)}: ${head}`)];
  lines.push(...calls(input.groups));
  for (const text of describeEncrypted(stats.pipeline, input.tls)) {
    lines.push(colors.dim(text));
  }
  const lost = [...kernelLosses(stats.kernel).lost, ...recordingLosses(stats)];
  for (const text of lost) lines.push(colors.yellow(`lost: ${text}`));
  if (lost.length === 0) lines.push(colors.green('nothing lost'));
  if (output !== '-') lines.push(colors.dim(`read it with: libtrace read ${escapeText(output)}`));
  return `${lines.join('\n')}\n`;
}

function calls(groups: CallGroups): string[] {
  const byProtocol = new Map<string, number>();
  for (const group of groups.top(Infinity).groups) {
    const name = group.protocol === '' ? 'others' : group.protocol;
    byProtocol.set(name, (byProtocol.get(name) ?? 0) + group.calls);
  }
  if (byProtocol.size === 0) return ['no calls recognized'];
  const parts = [...byProtocol].map(([name, count]) => `${escapeText(name)} ${formatCount(count)}`);
  return [`${plural(groups.total.calls, 'call')} recognized: ${parts.join(', ')}`];
}

function recordingLosses({ recording }: TracerStats): string[] {
  if (recording === undefined) return [];
  const { droppedSegments, droppedBytes, droppedFrames } = recording;
  const lost: string[] = [];
  if (droppedSegments > 0) {
    const bytes = formatBytes(droppedBytes);
    lost.push(`${plural(droppedSegments, 'segment')} with ${bytes}: the disk was too slow`);
  }
  if (droppedFrames > 0) {
    lost.push(`${plural(droppedFrames, 'other event')}: the disk was too slow`);
  }
  return lost;
}
