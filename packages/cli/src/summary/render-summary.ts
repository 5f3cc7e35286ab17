// SPDX-License-Identifier: Apache-2.0
import type { TracerStats } from '@libtrace/core';
import type { Colors } from '../format/colors.js';
import { roleArrow } from '../format/record-parts.js';
import { displayWidth, escapeText, padLeft, padRight, truncate } from '../format/terminal-text.js';
import { formatBytes, formatCount, formatDuration, plural } from '../format/units.js';
import type { CallGroup, CallGroups } from './call-groups.js';
import { describeLosses, explainSilence } from './losses.js';

/** What a summary is made of. */
export interface SummaryInput {
  readonly groups: CallGroups;
  readonly stats: TracerStats;
  readonly linesDropped: number;
  readonly elapsedMs: number;
  readonly protocols: readonly string[];
  /** System calls in `stats` that libtrace made the target do; default 0. */
  readonly ownSegments?: number;
  readonly colors: Colors;
  /** Rows of the table at most; default 12. */
  readonly maxRows?: number;
}

const durationHeadings = ['p50', 'p95', 'p99', 'max'] as const;
const errorHeadings = {
  'client-error': 'c-err',
  'server-error': 's-err',
  unanswered: 'none',
} as const;

type ErrorStatus = keyof typeof errorHeadings;

/** The closing summary: calls, errors, durations, and whatever was not shown. Ends with a line end. */
export function renderSummary(input: SummaryInput): string {
  const { groups, stats, colors } = input;
  const lines = ['', colors.bold(headline(groups.total, input.elapsedMs))];
  if (groups.total.calls === 0) {
    lines.push(...explainSilence(stats, input.protocols, input.ownSegments ?? 0));
  } else {
    lines.push('', ...table(groups, input.maxRows ?? 12, colors), '');
  }
  if (groups.incomplete > 0) {
    const parts = groups.missing().map(([part, count]) => `${part} ${formatCount(count)}`);
    lines.push(`incomplete: ${plural(groups.incomplete, 'record')} (missing ${parts.join(', ')})`);
  }
  const losses = describeLosses(stats, input.linesDropped);
  for (const text of losses.notCaptured) lines.push(colors.dim(`not captured: ${text}`));
  for (const text of losses.lost) lines.push(colors.yellow(`lost: ${text}`));
  if (losses.lost.length === 0) lines.push(colors.green('nothing lost'));
  return `${lines.join('\n')}\n`;
}

function headline(total: CallGroup, elapsedMs: number): string {
  const time = formatDuration(elapsedMs);
  if (total.calls === 0) return `No calls seen in ${time}.`;
  const { statuses } = total;
  const errors = [
    [statuses['client-error'], 'client error'],
    [statuses['server-error'], 'server error'],
  ] as const;
  const parts = errors.filter(([count]) => count > 0).map(([count, noun]) => plural(count, noun));
  if (statuses.unanswered > 0) parts.push(`${formatCount(statuses.unanswered)} unanswered`);
  if (parts.length === 0) parts.push('no errors');
  const bytes = `${formatBytes(total.requestBytes)} asked, ${formatBytes(total.responseBytes)} answered`;
  return `${plural(total.calls, 'call')} in ${time}: ${parts.join(', ')}; ${bytes}`;
}

function table(groups: CallGroups, maxRows: number, colors: Colors): string[] {
  const { groups: shown, all } = groups.top(maxRows);
  // A class of errors that did not occur needs no column.
  const errors = (Object.keys(errorHeadings) as ErrorStatus[]).filter(
    (status) => groups.total.statuses[status] > 0,
  );
  const rows = [
    [
      '  process',
      'operation',
      'calls',
      ...errors.map((status) => errorHeadings[status]),
      ...durationHeadings,
    ],
    ...shown.map((group) => [
      `${roleArrow(group.role)} ${truncate(escapeText(group.comm === '' ? '?' : group.comm), 20)}`,
      truncate(escapeText([group.protocol, group.operation].filter(Boolean).join(' ')), 24),
      ...figures(group, errors),
    ]),
    ...(all > 1 ? [['  total', '', ...figures(groups.total, errors)]] : []),
  ];
  const widths = rows[0]!.map((_, column) =>
    Math.max(...rows.map((row) => displayWidth(row[column] ?? ''))),
  );
  const [heading = '', ...lines] = rows.map((row) => {
    const cells = row.map((cell, column) =>
      column < 2 ? padRight(cell, widths[column] ?? 0) : padLeft(cell, widths[column] ?? 0),
    );
    return cells.join('  ').trimEnd();
  });
  if (all > shown.length) {
    const more = plural(all - shown.length, 'more kind', 'more kinds');
    lines.push(colors.dim(`  and ${more} of calls`));
  }
  return [colors.dim(heading), ...lines];
}

function figures(group: CallGroup, errors: readonly ErrorStatus[]): string[] {
  const { statuses, durations } = group;
  const measured =
    durations.count === 0
      ? durationHeadings.map(() => '-')
      : [
          ...[0.5, 0.95, 0.99].map((quantile) => formatDuration(durations.quantileMs(quantile))),
          formatDuration(durations.maxMs),
        ];
  return [
    formatCount(group.calls),
    ...errors.map((status) => formatCount(statuses[status])),
    ...measured,
  ];
}
