// SPDX-License-Identifier: Apache-2.0
import type { ReaderStats, TracerStats } from '@libtrace/core';
import type { Colors } from '../format/colors.js';
import { truncateEndpoint } from '../format/endpoint.js';
import { roleArrow } from '../format/record-parts.js';
import { displayWidth, escapeText, padLeft, padRight, truncate } from '../format/terminal-text.js';
import { formatBytes, formatCount, formatDuration, plural } from '../format/units.js';
import type { CallGroup, CallGroups } from './call-groups.js';
import { describeEncrypted, withoutSources } from './encrypted.js';
import type { TlsFacts } from './encrypted.js';
import { describeFileLosses } from './file-losses.js';
import { describeLosses, explainSilence } from './losses.js';

/** What a summary is made of. */
export interface SummaryInput {
  /** The calls that were counted. */
  readonly groups: CallGroups;
  /** What the tracer counted. */
  readonly stats: TracerStats;
  /** Lines that a slow reader did not take. */
  readonly linesDropped: number;
  /** How long the trace took, milliseconds. */
  readonly elapsedMs: number;
  /** Names of the active plugins. */
  readonly protocols: readonly string[];
  /** System calls in `stats` that libtrace made the target do; default 0. */
  readonly ownSegments?: number;
  /** What was looked into above TLS; default nothing. */
  readonly tls?: TlsFacts | undefined;
  /** How it is painted. */
  readonly colors: Colors;
  /** Rows of the table at most; default 12. */
  readonly maxRows?: number;
  /** Columns that the table may take; default 80. */
  readonly columns?: number | undefined;
}

const maxProcessWidth = 32;
const maxOperationWidth = 48;
/** Names are cut to the first of these before any is cut further, and to no less than the last. */
const nameWidths = [17, 12] as const;
const defaultColumns = 80;

const durationHeadings = ['p50', 'p95', 'p99', 'max'] as const;
const errorHeadings = {
  'client-error': 'c-err',
  'server-error': 's-err',
  unanswered: 'none',
} as const;

type ErrorStatus = keyof typeof errorHeadings;

/** What the summary of a file is made of. */
export interface FileSummaryInput {
  readonly groups: CallGroups;
  readonly stats: ReaderStats;
  /** From the first call's start to the last one's end. */
  readonly elapsedMs: number;
  readonly protocols: readonly string[];
  readonly colors: Colors;
  /** Rows of the table at most; default 12. */
  readonly maxRows?: number;
  /** Columns that the table may take; default 80. */
  readonly columns?: number | undefined;
}

/** The closing summary: calls, errors, durations, and whatever was not shown. Ends with a line end. */
export function renderSummary(input: SummaryInput): string {
  const { groups, stats, colors } = input;
  const silence =
    groups.total.calls === 0 ? explainSilence(stats, input.protocols, input.ownSegments ?? 0) : [];
  const { notCaptured, lost } = describeLosses(stats, input.linesDropped);
  const encrypted = describeEncrypted(stats.pipeline, input.tls ?? withoutSources);
  return renderParts(input, silence, [
    ...encrypted.map((text) => colors.dim(text)),
    ...notCaptured.map((text) => colors.dim(`not captured: ${text}`)),
    ...lost.map((text) => colors.yellow(`lost: ${text}`)),
    ...(lost.length === 0 ? [colors.green('nothing lost')] : []),
  ]);
}

/** The same for a file: what was in it, and what of it was not understood. */
export function renderFileSummary(input: FileSummaryInput): string {
  const { colors } = input;
  const { notUnderstood, notCaptured, lost } = describeFileLosses(input.stats, input.protocols);
  return renderParts(
    input,
    [],
    [
      ...notUnderstood.map((text) => colors.dim(`not understood: ${text}`)),
      ...notCaptured.map((text) => colors.dim(`not captured: ${text}`)),
      ...lost.map((text) => colors.yellow(`lost: ${text}`)),
      ...(lost.length === 0 ? [colors.green('nothing lost')] : []),
    ],
  );
}

function renderParts(
  input: Pick<SummaryInput, 'groups' | 'elapsedMs' | 'maxRows' | 'columns' | 'colors'>,
  silence: readonly string[],
  closing: readonly string[],
): string {
  const { groups, colors } = input;
  const lines = ['', colors.bold(headline(groups.total, input.elapsedMs))];
  if (groups.total.calls === 0) lines.push(...silence);
  else {
    const columns = input.columns ?? defaultColumns;
    lines.push('', ...table(groups, input.maxRows ?? 12, columns, colors), '');
  }
  if (groups.incomplete > 0) {
    const parts = groups.missing().map(([part, count]) => `${part} ${formatCount(count)}`);
    lines.push(`incomplete: ${plural(groups.incomplete, 'record')} (missing ${parts.join(', ')})`);
  }
  lines.push(...closing);
  return `${lines.join('\n')}\n`;
}

function headline(total: CallGroup, elapsedMs: number): string {
  const time = formatDuration(elapsedMs);
  if (total.calls === 0) return elapsedMs > 0 ? `No calls seen in ${time}.` : 'No calls seen.';
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

function table(groups: CallGroups, maxRows: number, columns: number, colors: Colors): string[] {
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
      `${roleArrow(group.role)} ${escapeText(group.comm === '' ? '?' : group.comm)}`,
      escapeText([group.protocol, group.operation].filter(Boolean).join(' ')),
      ...figures(group, errors),
    ]),
    ...(all > 1 ? [['  total', '', ...figures(groups.total, errors)]] : []),
  ];
  const widths = fittingWidths(rows, columns);
  const [heading = '', ...lines] = rows.map((row) => {
    const cells = row.map((cell, column) => {
      const width = widths[column] ?? 0;
      if (column === 0) return padRight(truncateEndpoint(cell, width), width);
      return column === 1 ? padRight(briefly(cell, width), width) : padLeft(cell, width);
    });
    return cells.join('  ').trimEnd();
  });
  if (all > shown.length) {
    const more = plural(all - shown.length, 'more kind', 'more kinds');
    lines.push(colors.dim(`  and ${more} of calls`));
  }
  return [colors.dim(heading), ...lines];
}

/** The widest cell of each column; names are cut when the figures would not fit beside them. */
function fittingWidths(rows: readonly (readonly string[])[], columns: number): number[] {
  const widths = rows[0]!.map((_, column) =>
    Math.max(...rows.map((row) => displayWidth(row[column] ?? ''))),
  );
  const limits = [maxProcessWidth, maxOperationWidth];
  limits.forEach((limit, column) => (widths[column] = Math.min(limit, widths[column] ?? 0)));
  let excess = widths.reduce((sum, width) => sum + width + 2, -2) - columns;
  for (const least of nameWidths) {
    for (const column of [1, 0]) {
      const width = widths[column] ?? 0;
      const cut = Math.max(0, Math.min(excess, width - least));
      widths[column] = width - cut;
      excess -= cut;
    }
  }
  return widths;
}

/** Cuts an operation; of the name of a remote procedure the package first. */
function briefly(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  const slash = text.indexOf('/');
  const dot = text.lastIndexOf('.', slash);
  const space = text.indexOf(' ');
  const brief = slash > 0 && dot > space ? text.slice(0, space + 1) + text.slice(dot + 1) : text;
  return truncate(brief, width);
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
