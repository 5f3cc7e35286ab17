// SPDX-License-Identifier: Apache-2.0

/**
 * One line of the table.
 * @typedef {object} Figure
 * @property {string} name
 * @property {string} unit
 * @property {import('./statistics.mjs').Summary} [base] without tracing, or of the floor
 * @property {import('./statistics.mjs').Summary} [ours]
 * @property {import('./statistics.mjs').Summary} [compared] how the two compare, from values of the same rounds
 * @property {'×' | '+'} [comparison] a ratio (default) or a difference
 * @property {string} [aim]
 * @property {boolean} [ok]
 * @property {string} [note]
 */

/** @param {number} value */
function short(value) {
  if (!Number.isFinite(value)) return '-';
  const size = Math.abs(value);
  if (size >= 100_000) return `${(value / 1000).toFixed(0)}k`;
  if (size >= 100) return value.toFixed(0);
  return value.toFixed(size >= 10 ? 1 : 2);
}

/** @param {import('./statistics.mjs').Summary | undefined} s */
function withSpread(s) {
  if (s === undefined) return '';
  if (s.rounds < 2 || s.min === s.max) return short(s.median);
  return `${short(s.median)} (${short(s.min)}…${short(s.max)})`;
}

/** @param {Figure} figure */
function comparedText({ compared, comparison = '×', unit }) {
  if (compared === undefined) return '';
  if (comparison === '+')
    return `${compared.median < 0 ? '' : '+'}${short(compared.median)} ${unit}`;
  return `${compared.median.toFixed(3)} (${compared.min.toFixed(2)}…${compared.max.toFixed(2)})`;
}

/** Rounds whose ratios, or whose differences in nanoseconds, are farther apart say nothing about an aim. */
const steadyRatio = 1.5;
const steadyDifference = 100;

/** @param {Figure} figure */
function verdict({ ok, compared, comparison = '×' }) {
  if (ok === undefined) return '';
  if (compared !== undefined) {
    const { min, max } = compared;
    const apart = comparison === '+' ? max - min > steadyDifference : max / min > steadyRatio;
    if (apart) return 'UNSTEADY';
  }
  return ok ? 'ok' : 'SHORT';
}

/** @param {readonly Figure[]} figures @param {string} baseTitle */
export function table(title, figures, baseTitle = 'untraced') {
  const rows = [
    [title, 'unit', baseTitle, 'libtrace', 'compared', 'aim', ''],
    ...figures.map((figure) => [
      figure.name,
      figure.unit,
      withSpread(figure.base),
      withSpread(figure.ours),
      comparedText(figure),
      figure.aim ?? '',
      verdict(figure),
    ]),
  ];
  const used = rows[0].map((_, column) => rows.some((row, i) => i > 0 && row[column] !== ''));
  const widths = rows[0].map((_, column) =>
    used[column] ? Math.max(...rows.map((row) => row[column].length)) : 0,
  );
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]))
      .filter((_, column) => used[column])
      .join('  ')
      .trimEnd(),
  );
  lines.splice(1, 0, '─'.repeat(Math.max(...lines.map((line) => line.length))));
  for (const { note } of figures) if (note !== undefined) lines.push(`  ${note}`);
  return lines.join('\n');
}
