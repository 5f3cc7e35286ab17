// SPDX-License-Identifier: Apache-2.0
import type { BinaryStatus, ProbeStatus } from '@libtrace/core';
import type { Colors } from '../format/colors.js';
import { displayWidth, escapeText, padLeft, padRight, wrapWords } from '../format/terminal-text.js';
import { plural } from '../format/units.js';
import { canBeProbed, type InspectedFile } from './binary-command.js';

const headings = ['function', 'offset', 'kind', 'instruction', 'why'] as const;
/** Wider instructions and names are not aligned. */
const widestCell = 40;
const leastWhy = 24;

/** What the sources say of one file, for people; reasons are wrapped to so many columns. */
export function renderBinary(
  { file, sources }: InspectedFile,
  active: readonly string[],
  colors: Colors,
  columns = Infinity,
): string {
  const lines = [colors.bold(escapeText(file))];
  for (const status of sources) lines.push(...sourceLines(status, colors, columns));
  if (sources.length === 0) {
    const names = active.length === 0 ? 'no source of plaintext is active' : active.join(', ');
    lines.push(`  ${colors.yellow('--')}  nothing for the sources that are active: ${names}`);
  }
  return `${lines.join('\n')}\n`;
}

function sourceLines(status: BinaryStatus, colors: Colors, columns: number): string[] {
  const { source, summary, details, probes, reason, remedy } = status;
  const verdict = canBeProbed(status) ? colors.green('ok') : colors.red('no');
  const found = summary === '' ? 'not recognized' : summary;
  const lines = [`  ${verdict}  ${colors.bold(escapeText(source))}: ${escapeText(found)}`];
  if (reason !== undefined) lines.push(...wrapped('      reason: ', reason, columns));
  if (remedy !== undefined) lines.push(...wrapped('      remedy: ', remedy, columns));
  for (const detail of details) lines.push(...wrapped('      ', detail, columns));
  if (probes.length > 0) {
    lines.push('', `      ${plural(probes.length, 'probe')}:`, ...table(probes, colors, columns));
  }
  return lines;
}

function table(probes: readonly ProbeStatus[], colors: Colors, columns: number): string[] {
  const rows = probes.map((probe) => [
    escapeText(probe.place),
    `0x${probe.fileOffset.toString(16)}`,
    probe.kind,
    escapeText(probe.instruction ?? '?'),
  ]);
  const widths = headings.slice(0, -1).map((heading, column) => {
    const cells = rows.map((row) => displayWidth(row[column] ?? ''));
    return Math.min(widestCell, Math.max(heading.length, ...cells));
  });
  const cells = (row: readonly string[]): string =>
    `      ${row
      .map((cell, column) => (column === 1 ? padLeft : padRight)(cell, widths[column] ?? 0))
      .join('  ')}`;
  return [
    colors.dim(`${cells(headings.slice(0, -1))}  ${headings.at(-1)!}`),
    ...probes.flatMap((probe, index) => {
      const head = `${cells(rows[index]!)}  `;
      const why = [probe.why, probe.reason].filter((text) => text !== undefined).join('; ');
      return wrapped(head, why, columns);
    }),
  ];
}

/** A text behind a head; further lines begin where the text begins. */
function wrapped(head: string, text: string, columns: number): string[] {
  const width = displayWidth(head);
  const [first = '', ...rest] = wrapWords(escapeText(text), Math.max(leastWhy, columns - width));
  return [`${head}${first}`.trimEnd(), ...rest.map((line) => `${' '.repeat(width)}${line}`)];
}
